import { randomUUID } from 'node:crypto'
import { isOver, statusOf, viewOf, type JobRequest } from '../../src/jobs/job.ts'
import { createJobQueue, type JobQueue } from '../../src/jobs/queue.ts'
import { openStore } from '../../src/jobs/stores/open-store.ts'
import type { JobStore } from '../../src/jobs/stores/store.ts'
import type { ClusterRef } from '../../src/schemas/cluster.ts'
import type { Job } from '../../src/schemas/job.ts'

/** What a test asks a job to do. */
export type Wanted = Pick<JobRequest, 'action' | 'specification' | 'patch' | 'force' | 'ifMatch'>

/** The real queue on a real store, as the API process has it, without HTTP. */
export interface TestQueue extends AsyncDisposable {
  jobs: JobQueue
  store: JobStore
  submit: (cluster: ClusterRef, wanted: Wanted) => Promise<string>
  /** The job as soon as it is so; throws when it ends without having been. */
  until: (id: string, isThere: (job: Job) => boolean) => Promise<Job>
  /** The job once it has ended. */
  ended: (id: string) => Promise<Job>
}

/** Opens a queue. */
export function openQueue (url: string, namespace: string): TestQueue {
  const store = openStore({ url, namespace, indexRetentionMs: 86_400_000, onError: () => undefined })
  const closing = new AbortController()
  const jobs = createJobQueue({ store, retentionMs: 86_400_000, monitorUrl: id => `http://test/v1/jobs/${id}`, closing: closing.signal })
  const until = async (id: string, isThere: (job: Job) => boolean) => {
    for (;;) {
      const record = await jobs.get(id)
      if (record === undefined) throw new Error('the job is gone')
      const job = viewOf(record, url => url)
      if (isThere(job)) return job
      if (isOver(statusOf(record))) throw new Error(`the job ended as ${JSON.stringify(job)}`)
      await jobs.waitForChange(record, 200)
    }
  }
  return {
    jobs,
    store,
    async submit (cluster, wanted) {
      const { record } = await jobs.accept({ ...wanted, cluster, requestedBy: 'test', requestId: randomUUID(), correlationId: randomUUID(), fingerprint: randomUUID() })
      return record.id
    },
    until,
    ended: async id => await until(id, ({ status }) => isOver(status)),
    async [Symbol.asyncDispose] () {
      closing.abort()
      await store.close()
    }
  }
}

/** A cluster that no other test has. */
export function anyCluster (): ClusterRef {
  return { subscriptionId: randomUUID(), resourceGroup: 'rg', clusterType: 'managedClusters', clusterName: `c-${randomUUID()}` }
}
