import { Writable } from 'node:stream'
import type { FastifyInstance } from 'fastify'
import { pino } from 'pino'
import { buildApp, type AppOptions } from '../../src/app.ts'
import type { Extension } from '../../src/azure/extension.ts'
import { Problem } from '../../src/errors.ts'
import { asAccepted, type JobRecord } from '../../src/jobs/job.ts'
import { jobIdFor } from '../../src/jobs/idempotency.ts'
import { lockOf } from '../../src/jobs/queue.ts'
import { isInScope, type Caller } from '../../src/plugins/callers.ts'
import { clusterKey } from '../../src/schemas/cluster.ts'

/** A queue in memory that keeps what it is given as a store would: as JSON. */
export interface FakeJobs {
  jobs: AppOptions['jobs']
  accepted: JobRecord[]
  /** Changes a job, as a worker would. */
  change: (id: string, changes: Partial<JobRecord>) => void
  /** Jobs that answer nothing: the store is away. */
  fail: boolean
}

/** The job queue's promises (one job for a cluster, keys, replay) without a store. */
export function fakeJobs (): FakeJobs {
  const records = new Map<string, JobRecord>()
  const fake: FakeJobs = {
    accepted: [],
    fail: false,
    change (id, changes) { records.set(id, { ...records.get(id)!, ...changes }) },
    jobs: {
      async accept (request, key, precondition) {
        if (fake.fail) throw new Problem('StoreUnavailable', 'away')
        const id = key === undefined ? `job-${records.size + 1}` : jobIdFor(request.requestedBy, key)
        const earlier = records.get(id)
        if (earlier) {
          if (earlier.data.request.fingerprint !== request.fingerprint) throw new Problem('IdempotencyKeyReused', 'another request', { extensions: { jobId: id } })
          return { record: asAccepted(earlier), replayed: true }
        }
        await precondition?.()
        const holder = [...records.values()].find(record => record.finishedOn === undefined && lockOf(record.data.request.cluster) === lockOf(request.cluster))
        if (holder) {
          if (key === undefined && holder.data.request.fingerprint === request.fingerprint) return { record: holder, replayed: false }
          throw new Problem('JobInProgress', 'held', { headers: { location: `https://slipway.test/v1/jobs/${holder.id}` }, extensions: { jobId: holder.id, jobUrl: `https://slipway.test/v1/jobs/${holder.id}` } })
        }
        const record: JobRecord = JSON.parse(JSON.stringify({ id, timestamp: Date.now(), data: { version: 1, request, checkpoint: { steps: [], notes: [] } } }))
        records.set(id, record)
        fake.accepted.push(record)
        return { record, replayed: false }
      },
      get: async id => records.get(id),
      activeOn: async cluster => [...records.values()].find(record => record.finishedOn === undefined && lockOf(record.data.request.cluster) === lockOf(cluster)),
      async list ({ scopes, cluster }, { after, limit }) {
        const all = [...records.values()].reverse().filter(record => isInScope(scopes, clusterKey(record.data.request.cluster)) && (cluster === undefined || cluster === clusterKey(record.data.request.cluster)))
        const from = after ? all.findIndex(record => record.id === after.jobId) + 1 : 0
        const page = all.slice(from, from + limit)
        const last = page.at(-1)
        return { records: page, ...(from + limit < all.length && last && { next: { createdAt: last.timestamp, jobId: last.id } }) }
      },
      waitForChange: async record => records.get(record.id)
    }
  }
  return fake
}

/** What Azure reports of an installed extension. */
export const installed: Extension = {
  id: '/subscriptions/s/resourceGroups/rg/providers/Microsoft.ContainerService/managedClusters/c/providers/Microsoft.KubernetesConfiguration/extensions/argocd',
  name: 'argocd',
  type: 'microsoft.argocd',
  provisioningState: 'Succeeded',
  compiled: { extensionName: 'argocd', namespace: 'argocd', autoUpgradeMinorVersion: true, releaseTrain: 'Stable', settings: { 'redis-ha.enabled': 'false' } },
  protectedKeys: [],
  currentVersion: '1.0.0',
  statuses: [],
  createdAt: '2026-11-24T10:00:00.0000000+00:00',
  lastModifiedAt: '2026-11-24T10:00:00.0000000+00:00'
}

export interface TestApp extends AsyncDisposable {
  app: FastifyInstance
  fake: FakeJobs
  /** What was logged so far, a line each. */
  lines: () => Record<string, unknown>[]
}

/** The real application on fakes. */
export async function testApp (options: Partial<Omit<AppOptions, 'findCaller'>> & { callers?: Caller[] } = {}): Promise<TestApp> {
  const { callers, ...rest } = options
  const fake = fakeJobs()
  const written: string[] = []
  const sink = new Writable({ write (chunk, _encoding, done) { written.push(String(chunk)); done() } })
  const app = await buildApp({
    jobs: fake.jobs,
    extensions: { find: async () => installed },
    readiness: async () => [],
    findCaller: callers && (token => callers.find(({ name }) => tokenOf(name) === token)),
    publicUrl: 'https://slipway.test',
    cursorSecret: async () => 'a secret that all processes share',
    version: '0.0.0',
    docs: false,
    log: pino({ level: 'info' }, sink),
    ...rest
  })
  return { app, fake, lines: () => written.map(line => JSON.parse(line) as Record<string, unknown>), [Symbol.asyncDispose]: async () => { await app.close() } }
}

/** A caller's token in these tests. */
export function tokenOf (name: string): string {
  return `token-of-${name}`
}

/** A cluster's path, for a resource group and a name. */
export function argocdPath (resourceGroup = 'rg', clusterName = 'c1'): string {
  return `/v1/subscriptions/5f0c1a52-8a53-4a2e-9c0b-3f6f8f0f1a11/resourceGroups/${resourceGroup}/managedClusters/${clusterName}/argocd`
}
