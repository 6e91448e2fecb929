import { randomUUID } from 'node:crypto'
import { DelayedError, type Job as QueueJob, type Worker } from 'bullmq'
import { Redis } from 'ioredis'
import { Client } from 'pg'
import fc from 'fast-check'
import { describe, expect, inject, test } from 'vitest'
import { checkDurability, StoreNotDurable } from '../../src/jobs/durability.ts'
import type { JobData, Outcome } from '../../src/jobs/job.ts'
import { reindex } from '../../src/jobs/reindex.ts'
import { openStore } from '../../src/jobs/stores/open-store.ts'
import type { IndexEntry, IndexFilter, IndexPosition, JobStore } from '../../src/jobs/stores/store.ts'
import { createLog } from '../../src/log.ts'
import { startRedis } from '../helpers/stores-setup.ts'
import { describeEachStore, uniqueNamespace } from '../helpers/stores.ts'

const outcome: Outcome = { status: 'Succeeded', notes: [] }
const lock = { lockDuration: 1_000, stalledInterval: 500, maxStalledCount: 20 }

function dataOf (mark = ''): JobData {
  return {
    version: 1,
    request: { action: 'delete', cluster: { subscriptionId: 's', resourceGroup: 'rg', clusterType: 'managedClusters', clusterName: 'c' }, requestedBy: 'test', requestId: 'r', correlationId: 'c', fingerprint: 'f' },
    checkpoint: { steps: [], notes: mark === '' ? [] : [mark] }
  }
}

describeEachStore('A store', testStore => {
  const queueOf = (store: JobStore) => store.createQueue({ attempts: 2 ** 31 - 1, backoff: { type: 'fixed', delay: 50 } })

  test('saves a checkpoint for who holds the lock, byte for byte, and for nobody else', async () => {
    const store = testStore.open({ namespace: uniqueNamespace() })
    const queue = queueOf(store)
    const id = randomUUID()
    const mark = `https://arm.test/?c=${'Ab+/%2B'.repeat(600)}ü€😀`
    const saved: boolean[] = []
    const worker = store.createWorker(async (_job, token = '') => {
      saved.push(await store.saveCheckpoint(id, 'another token', dataOf('stolen')))
      saved.push(await store.saveCheckpoint(id, token, dataOf(mark)))
      return outcome
    }, lock)
    const completed = ended(worker)
    await queue.add('argocd', dataOf(), { jobId: id })
    await completed
    expect(saved).toEqual([false, true])
    expect(await store.saveCheckpoint(id, 'another token', dataOf('late'))).toBe(false)
    expect((await queue.getJob(id))?.data.checkpoint.notes).toEqual([mark])
  })

  test('takes nothing more from a worker whose job another one took over, while it still runs', async () => {
    const namespace = uniqueNamespace()
    const [store, other] = [testStore.open({ namespace }), testStore.open({ namespace })]
    const id = randomUUID()
    const takenOver = Promise.withResolvers<undefined>()
    const oldSaved = Promise.withResolvers<boolean>()
    // A lock that is never renewed is that of a process that is frozen.
    store.createWorker(async (_job, token = '') => {
      await takenOver.promise
      oldSaved.resolve(await store.saveCheckpoint(id, token, dataOf('old')))
      throw new DelayedError()
    }, { ...lock, skipLockRenewal: true, skipStalledCheck: true })
    await queueOf(store).add('argocd', dataOf(), { jobId: id })
    await active(store, id)
    const second = other.createWorker(async (_job, token = '') => {
      await other.saveCheckpoint(id, token, dataOf('new'))
      takenOver.resolve(undefined)
      expect(await oldSaved.promise).toBe(false)
      return outcome
    }, lock)
    await ended(second)
    expect((await queueOf(other).getJob(id))?.data.checkpoint.notes).toEqual(['new'])
  })

  test('lets one job hold a cluster, tells the holder to others, and lets go when it ends', async () => {
    const store = testStore.open({ namespace: uniqueNamespace() })
    const queue = queueOf(store)
    const options = { deduplication: { id: '/subscriptions/s/argocd' } }
    const first = await queue.add('argocd', dataOf(), { jobId: 'first', ...options })
    const second = await queue.add('argocd', dataOf('mine'), { jobId: 'second', ...options })
    expect([first.id, second.id, await queue.getDeduplicationJobId('/subscriptions/s/argocd')]).toEqual(['first', 'first', 'first'])
    expect(await queue.getJob('second')).toBeUndefined()
    const worker = store.createWorker(async () => outcome, lock)
    await ended(worker)
    expect((await queue.add('argocd', dataOf(), { jobId: 'third', ...options })).id).toBe('third')
  })

  test('brings back a job that waits, one that failed by an accident, and one whose worker is gone, more often than twice', async () => {
    const store = testStore.open({ namespace: uniqueNamespace() })
    const queue = queueOf(store)
    let runs = 0
    const worker = store.createWorker(async (job, token = '') => {
      runs += 1
      if (runs === 1) {
        await job.moveToDelayed(Date.now() + 10, token)
        throw new DelayedError()
      }
      if (runs === 2) throw new Error('an accident')
      if (runs < 6) throw new DelayedError() // leaves the job without moving it: its lock lapses
      return outcome
    }, { ...lock, lockDuration: 300, stalledInterval: 100 })
    const completed = ended(worker)
    await queue.add('argocd', dataOf(), { jobId: randomUUID() })
    await completed
    expect(runs).toBe(6)
  })

  test('rings when something happens to a job', async () => {
    const store = testStore.open({ namespace: uniqueNamespace() })
    const events = store.createQueueEvents()
    await events.waitUntilReady()
    const rung: string[] = []
    for (const event of ['active', 'delayed', 'completed'] as const) events.on(event, () => rung.push(event))
    const completed = new Promise(resolve => events.once('completed', resolve))
    let runs = 0
    store.createWorker(async (job, token = '') => {
      if (runs++ > 0) return outcome
      await job.moveToDelayed(Date.now() + 10, token)
      throw new DelayedError()
    }, lock)
    await queueOf(store).add('argocd', dataOf(), { jobId: randomUUID() })
    await completed
    expect(rung).toEqual(['active', 'delayed', 'active', 'completed'])
  })

  test('finds jobs as a plain search through all of them would, page by page', async () => {
    const clusters = ['/subscriptions/s/resourcegroups/rg1/a', '/subscriptions/s/resourcegroups/rg10/a', '/subscriptions/t/resourcegroups/rg1/b']
    const entry = fc.record({
      jobId: fc.constantFrom(...Array.from('abcdefghij')), cluster: fc.constantFrom(...clusters), requestedBy: fc.constantFrom('p', 'q'), action: fc.constantFrom('install', 'delete'),
      status: fc.constantFrom('NotStarted', 'Running', 'Succeeded'), createdAt: fc.integer({ min: 0, max: 3 }).map(step => Date.now() - 10_000 + step)
    })
    const filter = fc.record({
      cluster: fc.constantFrom(...clusters), requestedBy: fc.constantFrom('p', 'q'), action: fc.constantFrom('install', 'delete'), status: fc.constantFrom('NotStarted', 'Running', 'Succeeded'),
      scopes: fc.constantFrom<string[]>([''], ['/subscriptions/s'], ['/subscriptions/s/resourcegroups/rg1'], ['/subscriptions/t/resourcegroups/rg1/b', '/subscriptions/s/resourcegroups/rg10'], [])
    }, { requiredKeys: ['scopes'] })
    await fc.assert(fc.asyncProperty(fc.array(fc.oneof({ weight: 5, arbitrary: entry }, { weight: 1, arbitrary: fc.constantFrom(...Array.from('abcdefghij')) }), { maxLength: 25 }), fc.array(filter, { minLength: 1, maxLength: 4 }), fc.integer({ min: 1, max: 4 }), async (changes, filters, limit) => {
      const index = testStore.open({ namespace: uniqueNamespace() }).index
      const model = new Map<string, IndexEntry>()
      for (const change of changes) {
        if (typeof change === 'string') {
          await index.remove(change)
          model.delete(change)
        } else {
          await index.put(change)
          const isLate = change.status === 'NotStarted' && (model.get(change.jobId)?.status ?? 'NotStarted') !== 'NotStarted'
          if (!isLate) model.set(change.jobId, change)
        }
      }
      for (const one of filters) expect(await all(index, one, limit)).toEqual(search(model, one))
    }), { seed: 20261124, numRuns: testStore.kind === 'redis' ? 40 : 12 })
  })

  test('forgets index entries that are too old', async () => {
    const { index } = testStore.open({ namespace: uniqueNamespace(), indexRetentionMs: 60_000 })
    const entry = (jobId: string, createdAt: number): IndexEntry => ({ jobId, cluster: '/c', requestedBy: 'p', action: 'install', status: 'Running', createdAt })
    await index.put(entry('old', Date.now() - 120_000))
    await index.put(entry('new', Date.now()))
    expect((await all(index, { scopes: [''] }, 10)).map(({ jobId }) => jobId)).toEqual(['new'])
  })

  test('gives its index back from the jobs alone', async () => {
    const store = testStore.open({ namespace: uniqueNamespace() })
    const queue = queueOf(store)
    for (let index = 0; index < 3; index++) await queue.add('argocd', dataOf(), { jobId: `job-${index}` })
    expect(await all(store.index, { scopes: [''] }, 10)).toEqual([])
    expect(await reindex(store)).toBe(3)
    expect((await all(store.index, { scopes: [''], action: 'delete', status: 'NotStarted' }, 10)).map(({ jobId }) => jobId).sort()).toEqual(['job-0', 'job-1', 'job-2'])
  })

  test('has a clock, answers, keeps what it acknowledges, and one secret for every process', async () => {
    const namespace = uniqueNamespace()
    const stores = [testStore.open({ namespace }), testStore.open({ namespace })]
    expect(Math.abs(await stores[0]!.now() - Date.now())).toBeLessThan(1_000)
    await stores[0]!.ping()
    expect(await stores[0]!.durability()).toEqual({ state: 'durable', findings: [] })
    const secrets = await Promise.all(Array.from({ length: 10 }, async (_, index) => await stores[index % 2]!.sharedSecret('cursor')))
    expect(new Set(secrets).size).toBe(1)
    expect(secrets[0]).toMatch(/^[\w-]{43}$/)
  })

  test('is closed twice without harm', async () => {
    const store = testStore.open({ namespace: uniqueNamespace() })
    store.createQueue({})
    await store.ping()
    await store.close()
    await store.close()
  })
})

// saveCheckpoint writes past BullMQ: an upgrade that moves its keys or columns must be noticed here.
describe('BullMQ keeps jobs where the fence expects them', () => {
  test('in a hash beside its lock [Redis]', async () => {
    const { store, id, check } = await held('redisUrl')
    const client = new Redis(inject('redisUrl'))
    const keys = await client.keys(`*${id}*`)
    expect(keys.toSorted()).toEqual([`{${store.namespace}}:jobs:${id}`, `{${store.namespace}}:jobs:${id}:lock`])
    expect(await client.get(`{${store.namespace}}:jobs:${id}:lock`)).toBe(check.token)
    expect(JSON.parse(await client.hget(`{${store.namespace}}:jobs:${id}`, 'data') ?? '')).toEqual(dataOf())
    client.disconnect()
    await check.release()
  })

  test('in a row with its lock [PostgreSQL]', async () => {
    const { store, id, check } = await held('postgresUrl')
    const client = new Client({ connectionString: inject('postgresUrl') })
    await client.connect()
    const { rows } = await client.query(`SELECT queue, id, state, lock_token, data FROM ${store.namespace}.job`)
    expect(rows).toEqual([{ queue: 'jobs', id, state: 'active', lock_token: check.token, data: dataOf() }])
    await client.end()
    await check.release()
  })

  async function held (url: 'redisUrl' | 'postgresUrl') {
    const namespace = uniqueNamespace()
    const store = openStore({ url: inject(url), namespace, indexRetentionMs: 60_000, onError: () => undefined })
    const id = randomUUID()
    const taken = Promise.withResolvers<string>()
    const released = Promise.withResolvers<undefined>()
    store.createWorker(async (_job, token = '') => {
      taken.resolve(token)
      await released.promise
      return outcome
    }, lock)
    await store.createQueue({}).add('argocd', dataOf(), { jobId: id })
    const token = await taken.promise
    return { store: { namespace }, id, check: { token, async release () { released.resolve(undefined); await store.close() } } }
  }
})

describe('A Redis that may lose jobs [Redis]', () => {
  const log = createLog('silent', 'test')

  test.each([
    ['without AOF', { appendonly: 'no' }, 'lossy', 'appendonly'],
    ['with an eviction policy', { 'maxmemory-policy': 'allkeys-lru' }, 'lossy', 'maxmemory-policy'],
    ['that hides its settings', { 'rename-command': ['CONFIG', ''] }, 'unknown', 'unknown']
  ] as const)('%s is found out', async (_name, options, state, finding) => {
    const redis = await startRedis(inject('redisServer'), options as Record<string, string | string[]>)
    const store = openStore({ url: redis.url, namespace: 'x', indexRetentionMs: 1_000, onError: () => undefined })
    const durability = await store.durability()
    expect([durability.state, durability.findings.join().includes(finding)]).toEqual([state, true])
    const check = checkDurability(store, true, log)
    if (state === 'lossy') await expect(check).rejects.toThrow(StoreNotDurable)
    else await check
    await checkDurability(store, false, log)
    await store.close()
    await redis.stop()
  })
})

test('a store URL of another kind is refused with the kinds there are', () => {
  expect(() => openStore({ url: 'mysql://h', namespace: 'x', indexRetentionMs: 1, onError: () => undefined })).toThrow('redis://')
})

async function ended (worker: Worker<JobData, Outcome>): Promise<void> {
  await new Promise(resolve => worker.once('completed', resolve))
}

async function active (store: JobStore, id: string): Promise<void> {
  const queue = store.createQueue({})
  for (;;) {
    const job: QueueJob<JobData, Outcome> | undefined = await queue.getJob(id)
    if (job?.processedOn) return
    await new Promise(resolve => setTimeout(resolve, 20)) // a worker that is held back emits nothing that others could wait for
  }
}

async function all (index: JobStore['index'], filter: IndexFilter, limit: number): Promise<IndexEntry[]> {
  const entries: IndexEntry[] = []
  let after: IndexPosition | undefined
  do {
    const page = await index.list(filter, { limit, ...(after && { after }) })
    expect(page.entries.length).toBeLessThanOrEqual(limit)
    entries.push(...page.entries)
    // A next page is only promised where there is one, except where a page ended early because little matched.
    if (after !== undefined) expect(page.entries).not.toEqual([])
    after = page.next
  } while (after)
  return entries
}

function search (model: Map<string, IndexEntry>, { scopes, ...wanted }: IndexFilter): IndexEntry[] {
  return [...model.values()]
    .filter(entry => Object.entries(wanted).every(([name, value]) => entry[name as keyof IndexEntry] === value) && scopes.some(scope => scope === '' || `${entry.cluster}/`.startsWith(`${scope}/`)))
    .sort((one, other) => other.createdAt - one.createdAt || (one.jobId < other.jobId ? 1 : -1))
}
