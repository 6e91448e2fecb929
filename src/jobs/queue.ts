import { randomUUID } from 'node:crypto'
import type { Job as QueueJob, Queue } from 'bullmq'
import { Problem } from '../errors.ts'
import { clusterKey, type ClusterRef } from '../schemas/cluster.ts'
import type { Action, JobStatus } from '../schemas/job.ts'
import { withinDeadline } from './deadline.ts'
import { asAccepted, isOver, jobDataVersion, statusOf, type JobData, type JobRecord, type JobRequest, type Outcome } from './job.ts'
import { isJobId, jobIdFor } from './idempotency.ts'
import type { IndexPosition, JobStore } from './stores/store.ts'

/** A request that was accepted, or had been before. */
export interface Acceptance {
  /** As it is to be answered: for a replay, as it was when it was first accepted. */
  record: JobRecord
  /** The same key was seen before. */
  replayed: boolean
}

/** Which jobs to list; all that are given must hold. */
export interface JobFilter {
  cluster?: string
  action?: Action
  status?: JobStatus
  requestedBy?: string
  /** See `IndexFilter`. */
  scopes: string[]
}

/** Accepts jobs and tells how they are. Every call rejects with `StoreUnavailable` when the store does not answer in time. */
export interface JobQueue {
  /**
   * Accepts a request, once. Throws `JobInProgress` when another job holds the cluster and `IdempotencyKeyReused` when
   * the key belongs to another request. `precondition` is asked for new requests only, and throws for one that must not
   * be taken: what a key was accepted for stays accepted.
   */
  accept: (request: JobRequest, key?: string, precondition?: () => Promise<void>) => Promise<Acceptance>
  get: (id: string) => Promise<JobRecord | undefined>
  /** The job that holds a cluster now. */
  activeOn: (cluster: ClusterRef) => Promise<JobRecord | undefined>
  list: (filter: JobFilter, page: { after?: IndexPosition, limit: number }) => Promise<{ records: JobRecord[], next?: IndexPosition }>
  /** Waits until the job's status or step differs from the given one, or the time is up; then the job as it is. */
  waitForChange: (record: JobRecord, timeoutMs: number) => Promise<JobRecord | undefined>
  /** Rejects when the store cannot be reached. */
  ping: () => Promise<void>
}

export interface JobQueueDependencies {
  store: JobStore
  /** How long finished jobs are kept, in milliseconds. */
  retentionMs: number
  /** The public URL of a job, for answers that name another job. */
  monitorUrl: (id: string) => string
  /** Ends every wait for a change, so that a process can stop. */
  closing: AbortSignal
}

/** The name of every job in the queue; the action is in its data. */
export const jobName = 'argocd'

/** The queue's id for "the one active job of this cluster". The extension's name is not known to PATCH, DELETE and GET. */
export function lockOf (cluster: ClusterRef): string {
  return `${clusterKey(cluster)}/argocd`
}

/** Opens the queue for accepting and reading. Nothing is waited for: the store may come up later. */
export function createJobQueue ({ store, retentionMs, monitorUrl, closing }: JobQueueDependencies): JobQueue {
  const queue: Queue<JobData, Outcome> = store.createQueue({
    attempts: 2 ** 31 - 1, // the deadline decides, not a count: a plain error with attempts unset fails the job for good
    backoff: { type: 'fixed', delay: 1_000 },
    removeOnComplete: { age: retentionMs / 1000 },
    removeOnFail: { age: retentionMs / 1000 }
  })
  const doorbell = createDoorbell(store, closing)

  async function get (id: string): Promise<JobRecord | undefined> {
    if (!isJobId(id)) return undefined
    const job: QueueJob<JobData, Outcome> | undefined = await withinDeadline(queue.getJob(id))
    if (job === undefined) return undefined
    const record = recordOf(job)
    // The queue removes old jobs when others finish; a quiet one keeps them longer than promised.
    const expired = record.finishedOn !== undefined && record.finishedOn + retentionMs < Date.now()
    if (!expired) return record
    await withinDeadline(job.remove())
    return undefined
  }

  /** Adds the job. `record` is the job as it was sent; whether it was taken, `holderId` says. An id of our own making is nobody else's. */
  async function add (jobId: string, request: JobRequest): Promise<{ holderId: string, record: JobRecord }> {
    const data: JobData = { version: jobDataVersion, request, checkpoint: { steps: [], notes: [] } }
    const job = await withinDeadline(queue.add(jobName, data, { jobId, deduplication: { id: lockOf(request.cluster) } }))
    return { holderId: String(job.id), record: { id: jobId, data, timestamp: job.timestamp } }
  }

  return {
    async accept (request, key, precondition) {
      const jobId = key === undefined ? randomUUID() : jobIdFor(request.requestedBy, key)
      const earlier = key === undefined ? undefined : await get(jobId)
      if (earlier) return replay(earlier, request)
      await precondition?.()

      for (let tries = 0; tries < 3; tries++) {
        const { holderId, record } = await add(jobId, request)
        const isNew = holderId === jobId
        // Never the job that `add` returns: it shows the caller's own data. The index has it by the time of the answer.
        const [holder] = await Promise.all([isNew && key === undefined ? record : get(holderId), isNew ? enter(record) : undefined])
        if (holder === undefined) continue // it ended and went away meanwhile
        if (isNew) {
          if (holder.data.request.requestId !== request.requestId) return replay(holder, request)
          return { record: asAccepted(holder), replayed: false } // a worker may be at it already; a replay shows the same
        }
        if (isOver(statusOf(holder))) continue // it let the cluster go meanwhile
        if (key === undefined && holder.data.request.fingerprint === request.fingerprint) return { record: holder, replayed: false }
        throw inProgress(holder, monitorUrl)
      }
      throw new Problem('StoreUnavailable', 'The cluster\'s job changed at every look. Send the request again.')
    },

    get,

    async activeOn (cluster) {
      const id = await withinDeadline(queue.getDeduplicationJobId(lockOf(cluster)))
      const record = id === null ? undefined : await get(id)
      return record && !isOver(statusOf(record)) ? record : undefined
    },

    async list (filter, { after, limit }) {
      const page = await withinDeadline(store.index.list(filter, { limit, ...(after && { after }) }))
      const found = await Promise.all(page.entries.map(async entry => {
        const record = await get(entry.jobId)
        if (record === undefined) void store.index.remove(entry.jobId).catch(() => undefined)
        else if (statusOf(record) !== entry.status) index(record)
        return record
      }))
      const records = found.filter(record => record !== undefined).filter(record => filter.status === undefined || statusOf(record) === filter.status)
      return { records, ...(page.next && { next: page.next }) }
    },

    async waitForChange (record, timeoutMs) {
      const seen = progressOf(record)
      const until = Date.now() + timeoutMs
      for (;;) {
        const rung = doorbell.next(record.id)
        const current = await get(record.id)
        if (current === undefined || progressOf(current) !== seen || Date.now() >= until || closing.aborted) {
          rung.cancel()
          return current
        }
        await rung.within(Math.min(until - Date.now(), 10_000)) // a doorbell may miss; the job itself is asked anyway
      }
    },

    async ping () {
      await withinDeadline(store.ping())
    }
  }

  /** Makes a new job findable. The index may be lost, the job is the record: a failure is no failure of accepting. */
  async function enter (record: JobRecord): Promise<void> {
    await withinDeadline(store.index.put(indexEntryOf(record))).catch(() => undefined)
  }

  /** The index may be late; the job is the record. */
  function index (record: JobRecord): void {
    void store.index.put(indexEntryOf(record)).catch(() => undefined)
  }
}

/** What the index keeps of a job. */
export function indexEntryOf (record: JobRecord): Parameters<JobStore['index']['put']>[0] {
  const { action, cluster, requestedBy } = record.data.request
  return { jobId: record.id, cluster: clusterKey(cluster), requestedBy, action, status: statusOf(record), createdAt: record.timestamp }
}

/** The parts of a queued job that Slipway looks at. */
export function recordOf (job: QueueJob<JobData, Outcome>): JobRecord {
  const { id, data, timestamp, processedOn, finishedOn, returnvalue, failedReason } = job
  return {
    id: String(id),
    data,
    timestamp,
    // The types promise values that an unfinished job does not have.
    ...((processedOn) !== undefined && { processedOn }),
    ...((finishedOn) !== undefined && { finishedOn }),
    ...((returnvalue as Outcome | null | undefined) && { returnvalue }),
    ...((failedReason as string | undefined) && { failedReason })
  }
}

function replay (record: JobRecord, request: JobRequest): Acceptance {
  if (record.data.request.fingerprint !== request.fingerprint) {
    throw new Problem('IdempotencyKeyReused', `This Idempotency-Key was used for another request, which became the job ${record.id}. Use a new key for a new request.`, { extensions: { jobId: record.id } })
  }
  return { record: asAccepted(record), replayed: true }
}

function inProgress (holder: JobRecord, monitorUrl: (id: string) => string): Problem {
  const { action, requestedBy } = holder.data.request
  return new Problem('JobInProgress', `The job ${holder.id} (${action}, asked for by ${requestedBy}) is changing this cluster. Follow it, and send the request again when it has ended.`, {
    headers: { location: monitorUrl(holder.id) },
    extensions: { jobId: holder.id, jobUrl: monitorUrl(holder.id) }
  })
}

/** What a long poll waits to see changed. */
function progressOf (record: JobRecord): string {
  return `${statusOf(record)} ${record.data.checkpoint.steps.map(({ name, endedAt }) => `${name}${endedAt === undefined ? '' : '.'}`).join()}`
}

interface Ring { within: (ms: number) => Promise<void>, cancel: () => void }

/** Tells when something happened to a job, for as long as somebody waits. */
function createDoorbell (store: JobStore, closing: AbortSignal): { next: (jobId: string) => Ring } {
  const waiting = new Map<string, Set<() => void>>()
  const events = store.createQueueEvents()
  const ring = ({ jobId }: { jobId: string }) => waiting.get(jobId)?.forEach(wake => { wake() })
  closing.addEventListener('abort', () => { for (const wakers of waiting.values()) wakers.forEach(wake => { wake() }) })
  for (const event of ['active', 'delayed', 'completed', 'failed', 'waiting'] as const) events.on(event, ring)

  return {
    next (jobId) {
      const rung = Promise.withResolvers<undefined>()
      const wakers = waiting.get(jobId) ?? new Set()
      const wake = () => { rung.resolve(undefined) }
      waiting.set(jobId, wakers.add(wake))
      const cancel = () => {
        wakers.delete(wake)
        if (wakers.size === 0 && waiting.get(jobId) === wakers) waiting.delete(jobId)
      }
      return {
        async within (ms) {
          const timer = setTimeout(wake, ms)
          await rung.promise
          clearTimeout(timer)
          cancel()
        },
        cancel
      }
    }
  }
}
