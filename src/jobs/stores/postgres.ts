import { randomBytes } from 'node:crypto'
import { createPostgresBackend, Queue, QueueEvents, Worker } from 'bullmq'
import { Client, Pool, type ClientConfig } from 'pg'
import { createPostgresIndex, createTables } from './postgres-index.ts'
import { withDeadlockRetry } from './postgres-retry.ts'
import { queueName, type Durability, type JobStore, type StoreOptions } from './store.ts'

/** Jobs on PostgreSQL, in a schema of their own. Nothing is waited for: the server may come up later. */
export function createPostgresStore (options: StoreOptions): JobStore {
  const { url, namespace, ca, indexRetentionMs, onError } = options
  const server = { Client: HeardClient, connectionString: url, connectionTimeoutMillis: 5_000, ...(ca !== undefined && { ssl: { ca } }) }
  const pool = new Pool({ ...server, max: 10, options: `-c search_path=${namespace}` })
  pool.on('error', onError)
  const users: { close: () => Promise<void> }[] = []
  let closing: Promise<void> | undefined

  // BullMQ brings its tables up to date under a lock of its own; so do we with ours, on first use.
  const connection = { ...server, schema: namespace, migrate: true }
  const ready = lazily(async () => { await createTables(pool, namespace) })

  function track<T extends { close: () => Promise<void>, on: (event: 'error', listener: (error: Error) => void) => unknown }> (user: T): T {
    user.on('error', onError)
    users.push(user)
    return user
  }

  return {
    kind: 'postgres',

    // The classes are the same on every store; their types name Redis where no other is given.
    createQueue: defaultJobOptions => track(new Queue(queueName, { connection, defaultJobOptions }, createPostgresBackend)) as unknown as ReturnType<JobStore['createQueue']>,

    createWorker: (processor, workerOptions) => track(new Worker(queueName, processor, { runRetryDelay: 1_000, ...workerOptions, connection }, createPostgresBackend)) as unknown as ReturnType<JobStore['createWorker']>,

    createQueueEvents: () => track(new QueueEvents(queueName, { connection }, createPostgresBackend)) as unknown as QueueEvents,

    async saveCheckpoint (jobId, token, data) {
      const { rowCount } = await withDeadlockRetry(async () => await pool.query(
        'UPDATE job SET data = $4 WHERE queue = $1 AND id = $2 AND lock_token = $3 AND state = \'active\'',
        [queueName, jobId, token, JSON.stringify(data)]))
      return rowCount === 1
    },

    async now () {
      const { rows: [row] } = await pool.query<{ now: number }>('SELECT extract(epoch FROM clock_timestamp())::float8 * 1000 AS now')
      return row?.now ?? NaN
    },

    async ping () {
      await pool.query('SELECT 1')
    },

    durability: async () => await durabilityOf(pool),

    async sharedSecret (name) {
      await ready()
      await pool.query('INSERT INTO slipway_secret (name, value) VALUES ($1, $2) ON CONFLICT DO NOTHING', [name, randomBytes(32).toString('base64url')])
      const { rows: [row] } = await pool.query<{ value: string }>('SELECT value FROM slipway_secret WHERE name = $1', [name])
      return row?.value ?? ''
    },

    index: createPostgresIndex({ pool, ready, retentionMs: indexRetentionMs }),

    async close () {
      closing ??= closeAll()
      await closing
    }
  }

  async function closeAll (): Promise<void> {
    // What still waits for a server that does not answer has a moment, no more.
    const closed = Promise.allSettled(users.map(async user => { await user.close() })).then(async () => { await pool.end() })
    await Promise.race([closed, new Promise(resolve => { setTimeout(resolve, 2_500).unref() })])
  }
}

/**
 * A client whose errors somebody always hears. A pool listens only to clients that lie idle; one that loses its server
 * while it is in use would end the process. Whoever uses it hears of it by the query that fails.
 */
class HeardClient extends Client {
  constructor (config?: string | ClientConfig) {
    super(config)
    this.on('error', () => undefined)
  }
}

/** Runs once, on first use; a failure is tried again by the next use. */
function lazily (run: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined
  return async () => {
    running ??= run()
    try {
      await running
    } catch (error) {
      running = undefined
      throw error
    }
  }
}

async function durabilityOf (pool: Pool): Promise<Durability> {
  const { rows } = await pool.query<{ name: string, setting: string }>("SELECT name, setting FROM pg_settings WHERE name IN ('fsync', 'synchronous_commit', 'full_page_writes')")
  const findings = rows.filter(({ setting }) => setting === 'off')
    .map(({ name }) => `PostgreSQL may lose what it acknowledged when its machine fails (${name} is off): set it to on.`)
  return { state: findings.length > 0 ? 'lossy' : 'durable', findings }
}
