import { randomBytes } from 'node:crypto'
import { Queue, QueueEvents, Worker } from 'bullmq'
import type { Cluster, Redis } from 'ioredis'
import { createRedisIndex } from './redis-index.ts'
import { connectRedis, mastersOf, scriptOf } from './redis-connection.ts'
import { queueName, type Durability, type JobStore, type StoreOptions } from './store.ts'

/** Replaces a job's data while our token holds its lock, in one step. KEYS: job, its lock. ARGV: token, data. */
const saveIfOursScript = `
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'data', ARGV[2])
return 1`

/** Jobs on Redis or Valkey: single, TLS, Sentinel or Cluster, by the URL. Nothing is waited for: it may come up later. */
export function createRedisStore (options: StoreOptions): JobStore {
  const { namespace, indexRetentionMs, onError } = options
  // One hash tag for all keys: BullMQ's scripts need them in one slot, so a Cluster buys availability, not throughput.
  const prefix = `{${namespace}}`
  const clients: (Redis | Cluster)[] = []
  const users: { close: () => Promise<void> }[] = []
  const own = connect()
  const saveIfOurs = scriptOf(own, 'slipwaySaveIfOurs', 2, saveIfOursScript)
  let closing: Promise<void> | undefined

  function connect (): Redis | Cluster {
    const client = connectRedis(options)
    client.on('error', onError)
    clients.push(client)
    return client
  }

  function track<T extends { close: () => Promise<void>, on: (event: 'error', listener: (error: Error) => void) => unknown }> (user: T): T {
    user.on('error', onError)
    users.push(user)
    return user
  }

  return {
    kind: 'redis',

    createQueue: defaultJobOptions => track(new Queue(queueName, { connection: connect(), prefix, defaultJobOptions })),

    createWorker: (processor, workerOptions) => track(new Worker(queueName, processor, { runRetryDelay: 1_000, ...workerOptions, connection: connect(), prefix })),

    createQueueEvents: () => track(new QueueEvents(queueName, { connection: connect(), prefix })),

    async saveCheckpoint (jobId, token, data) {
      const job = `${prefix}:${queueName}:${jobId}`
      return await saveIfOurs(job, `${job}:lock`, token, JSON.stringify(data)) === 1
    },

    async now () {
      const [seconds, microseconds] = await own.time()
      return Number(seconds) * 1000 + Number(microseconds) / 1000
    },

    async ping () {
      await own.ping()
    },

    durability: async () => await durabilityOf(own),

    async sharedSecret (name) {
      const key = `${prefix}:secret:${name}`
      await own.set(key, randomBytes(32).toString('base64url'), 'NX')
      return await own.get(key) ?? ''
    },

    index: createRedisIndex({ client: own, prefix: `${prefix}:index`, retentionMs: indexRetentionMs }),

    async close () {
      closing ??= closeAll()
      await closing
    }
  }

  async function closeAll (): Promise<void> {
    // What still waits for a Redis that does not answer would wait for ever: it has a moment, then its connection goes.
    await Promise.race([Promise.allSettled(users.map(async user => { await user.close() })), new Promise(resolve => { setTimeout(resolve, 2_000).unref() })])
    for (const client of clients) client.disconnect()
  }
}

async function durabilityOf (client: Redis | Cluster): Promise<Durability> {
  const findings: string[] = []
  let state: Durability['state'] = 'durable'
  for (const master of mastersOf(client)) {
    try {
      // CONFIG GET answers a flat list of names and values.
      const [, policy] = await master.config('GET', 'maxmemory-policy')
      const [, appendOnly] = await master.config('GET', 'appendonly')
      if (policy !== 'noeviction') findings.push(`Redis may evict jobs when its memory is full (maxmemory-policy is ${policy}): set it to noeviction.`)
      if (appendOnly !== 'yes') findings.push('Redis loses what it acknowledged when it restarts (appendonly is no): set appendonly yes, and appendfsync always where no acknowledged job may be lost.')
      if (findings.length > 0) state = 'lossy'
    } catch (error) {
      if (!(error instanceof Error) || !/unknown command|no permissions|NOPERM|not allowed|ERR/i.test(error.message)) throw error
      findings.push('It is unknown whether Redis keeps what it acknowledges: it does not let its settings be read (CONFIG is refused). See that maxmemory-policy is noeviction and that persistence is on.')
      if (state === 'durable') state = 'unknown'
    }
  }
  return { state, findings: [...new Set(findings)] }
}
