import type { JobsOptions, Processor, Queue, QueueEvents, Worker, WorkerOptions } from 'bullmq'
import type { JobData, Outcome } from '../job.ts'

/** The name of the one queue. */
export const queueName = 'jobs'

/** How far a store can be trusted to keep what it acknowledged. */
export interface Durability {
  /** `unknown` where the server does not let its settings be read (managed Redis refuses CONFIG). */
  state: 'durable' | 'lossy' | 'unknown'
  /** One sentence for each finding: what it is, what can be lost, how to mend it. */
  findings: string[]
}

/** What the index knows of a job: enough to find it, never the job itself. */
export interface IndexEntry {
  jobId: string
  /** Lower-cased ARM id of the cluster. */
  cluster: string
  requestedBy: string
  action: string
  status: string
  /** Milliseconds since the epoch, the job's own `timestamp`. */
  createdAt: number
}

/** Which jobs to list. Every given condition must hold. */
export interface IndexFilter {
  cluster?: string
  requestedBy?: string
  action?: string
  status?: string
  /** Lower-cased ARM id prefixes of whole segments without a trailing slash; '' is everything. At least one must hold the cluster. */
  scopes: string[]
}

/** A place in the list: strictly after (older than) this entry. */
export interface IndexPosition {
  createdAt: number
  jobId: string
}

/** One page of the index. */
export interface IndexPage {
  entries: IndexEntry[]
  /** Where the next page begins; absent when nothing older is left. */
  next?: IndexPosition
}

/**
 * Finds jobs by what BullMQ cannot search for. It may be lost or late without harm: the jobs themselves are the truth.
 */
export interface JobIndex {
  /** Writes or replaces the entry of one job. What has started never goes back to `NotStarted`: writers may be late. */
  put (entry: IndexEntry): Promise<void>
  /** Newest first (createdAt, then jobId, both descending); at most `limit` entries, in time independent of how many jobs do not match. */
  list (filter: IndexFilter, page: { after?: IndexPosition, limit: number }): Promise<IndexPage>
  /** Forgets a job. */
  remove (jobId: string): Promise<void>
}

/**
 * What Slipway needs of Redis or PostgreSQL beyond BullMQ itself. One per process; it owns every connection made through it.
 */
export interface JobStore {
  readonly kind: 'redis' | 'postgres'
  /** The producer side of the queue. Its own errors are reported to `onError`, never thrown into the process. */
  createQueue (defaultJobOptions: JobsOptions): Queue<JobData, Outcome>
  /** The consumer side. `options` are BullMQ's own, without connection and prefix. */
  createWorker (processor: Processor<JobData, Outcome>, options: Omit<WorkerOptions, 'connection' | 'prefix'>): Worker<JobData, Outcome>
  /** Rings when something happened to a job. Only a doorbell: it may miss and repeat. */
  createQueueEvents (): QueueEvents
  /**
   * Replaces the job's data if, and only if, `token` still holds its lock.
   * False: another worker owns the job (or it is gone); the caller must stop before any further write to Azure.
   */
  saveCheckpoint (jobId: string, token: string, data: unknown): Promise<boolean>
  /** The store's own clock, milliseconds since the epoch. */
  now (): Promise<number>
  /** Answers when the store does; rejects when it cannot be reached. */
  ping (): Promise<void>
  durability (): Promise<Durability>
  /** A random secret shared by every process on this store, made on first use: 32 bytes, base64url. */
  sharedSecret (name: string): Promise<string>
  readonly index: JobIndex
  /** Closes every connection, the queues', workers' and events' too. Safe to call twice. */
  close (): Promise<void>
}

/** How a store is opened. */
export interface StoreOptions {
  /** `redis://`, `rediss://`, `redis+sentinel://h1:p1,h2:p2/master[/db]`, `redis+cluster://h1:p1,h2:p2`, `postgres://`. */
  url: string
  /** Namespace in the store: Redis key prefix (hash-tagged) or PostgreSQL schema. `[a-z][a-z0-9_]*`. */
  namespace: string
  /** CA certificate (PEM) for TLS connections to the store, where the public roots do not suffice. */
  ca?: string
  /** How long an index entry is kept at most, in milliseconds. */
  indexRetentionMs: number
  /** Connection errors and the like, for the log. */
  onError: (error: Error) => void
}
