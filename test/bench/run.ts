import { spawn, type ChildProcess } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { Redis } from 'ioredis'
import { startEmbeddedPostgres } from '../../src/jobs/stores/embedded.ts'
import { openStore } from '../../src/jobs/stores/open-store.ts'
import { createJobQueue } from '../../src/jobs/queue.ts'
import { startEmulator } from '../helpers/emulator.ts'
import { ready, slipwayEnv, startServerProcess, startWorkerProcess } from '../helpers/slipway.ts'
import { findRedisServer, freePort, startRedis } from '../helpers/stores-setup.ts'
import { load, median } from './load.ts'

/** What Slipway has to hold, as ratios measured side by side in one run. Prints; judges nothing by its exit code. */
const parts = ['start', 'accept', 'read', 'list', 'inflight']
const { values: { only } } = parseArgs({ options: { only: { type: 'string', default: parts.join(',') } } })
const wanted = new Set(only.split(','))
const rounds = 3
const seconds = 3
const backlog = 30_000
const redisServer = findRedisServer()
const body = JSON.stringify({ highAvailability: { enabled: false }, applicationNamespaces: ['team-a', 'team-b'], url: 'https://argocd.contoso.com' })
const cluster = (index: number | string) => `/v1/subscriptions/5f0c1a52-8a53-4a2e-9c0b-3f6f8f0f1a11/resourceGroups/rg/managedClusters/c${index}/argocd`

if (wanted.has('start') || wanted.has('accept') || wanted.has('read')) await requests()
if (wanted.has('list')) await lists()
if (wanted.has('inflight')) await inFlight()
process.exit()

/** Accepting and reading, beside a bare Fastify route that makes the same BullMQ call on the same Redis. */
async function requests (): Promise<void> {
  const redis = await startRedis(redisServer)
  const emulator = await startEmulator()
  const [port, barePort] = [await freePort(), await freePort()]
  const begun = performance.now()
  const server = startServerProcess(slipwayEnv(emulator, { url: redis.url, namespace: 'slipway' }, { SLIPWAY_PORT: String(port) }))
  await ready(`http://127.0.0.1:${port}`)
  report('API ready', `${Math.round(performance.now() - begun)} ms`, '< 2000 ms', performance.now() - begun < 2_000)
  const bare = spawn(process.execPath, [fileURLToPath(new URL('bare.ts', import.meta.url)), redis.url, String(barePort)], { stdio: 'ignore' })
  await answering(barePort)
  const client = new Redis(redis.url)
  let unique = 0

  const accept = (forSeconds = seconds) => ({
    ours: async () => await load(port, forSeconds, () => ({ method: 'PUT', path: cluster(unique++), body })),
    bare: async () => await load(barePort, forSeconds, () => ({ method: 'PUT', path: `/add/c${unique++}`, body }))
  })
  const readOf = (id: string) => ({
    ours: async () => await load(port, seconds, () => ({ method: 'GET', path: `/v1/jobs/${id}` })),
    bare: async () => await load(barePort, seconds, () => ({ method: 'GET', path: `/jobs/${id}` }))
  })
  const prepare = async (waiting: number) => {
    await client.flushall()
    const accepted = await fetch(`http://127.0.0.1:${port}${cluster('first')}`, { method: 'PUT', headers: { 'content-type': 'application/json' }, body })
    const { id } = await accepted.json() as { id: string }
    await fill(redis.url, waiting)
    return id
  }

  // No worker runs, so what is accepted waits: many short rounds, each from an empty store, keep "none waiting" near the truth.
  const idle = { accept: await sideBySide(accept(0.5), 9, async () => { await prepare(0) }), read: await sideBySide(readOf(await prepare(0))) }
  const id = await prepare(backlog)
  const busy = { read: await sideBySide(readOf(id)), accept: await sideBySide(accept()) }
  for (const kind of ['accept', 'read'] as const) {
    if (!wanted.has(kind)) continue
    const ratio = idle[kind].ours / idle[kind].bare
    report(`${kind}: ours ÷ bare`, `${rate(idle[kind].ours)} ÷ ${rate(idle[kind].bare)} = ${ratio.toFixed(2)}`, '≥ 0.7', ratio >= 0.7)
    const busyRatio = busy[kind].ours / busy[kind].bare
    report(`${kind}, ${backlog} waiting: ours ÷ bare`, `${rate(busy[kind].ours)} ÷ ${rate(busy[kind].bare)} = ${busyRatio.toFixed(2)}`, '≥ 0.7', busyRatio >= 0.7)
    const slower = idle[kind].ours / busy[kind].ours
    report(`${kind}: time with ${backlog} waiting ÷ with none`, `${slower.toFixed(2)} (bare ${(idle[kind].bare / busy[kind].bare).toFixed(2)})`, '≤ 1.2', slower <= 1.2)
  }
  client.disconnect()
  await stop(bare)
  await server.stop()
  await emulator.close()
  await redis.stop()
}

/** Listing one cluster's jobs among few and among many. */
async function lists (): Promise<void> {
  const redis = await startRedis(redisServer)
  const postgres = await startEmbeddedPostgres()
  for (const [name, url] of [['Redis', redis.url], ['PostgreSQL', postgres.url]] as const) {
    const store = openStore({ url, namespace: 'lists', indexRetentionMs: 86_400_000, onError: () => undefined })
    let entries = 0
    const growTo = async (size: number) => {
      for (; entries < size; entries += 500) {
        await Promise.all(Array.from({ length: 500 }, async (_, index) => {
          const number = entries + index
          await store.index.put({ jobId: `job-${number}`, cluster: `/c${number % 100 === 0 ? 'one' : number}`, requestedBy: 'portal', action: 'install', status: 'Succeeded', createdAt: Date.now() })
        }))
      }
    }
    const measure = async () => {
      const times: number[] = []
      for (let index = 0; index < 300; index++) {
        const begun = performance.now()
        await store.index.list({ cluster: '/cone', scopes: [''] }, { limit: 10 })
        times.push(performance.now() - begun)
      }
      return median(times.slice(50))
    }
    await growTo(1_000)
    const few = await measure()
    await growTo(100_000)
    const many = await measure()
    report(`list by cluster on ${name}: 100,000 jobs ÷ 1,000`, `${many.toFixed(2)} ms ÷ ${few.toFixed(2)} ms = ${(many / few).toFixed(2)}`, '≤ 1.5', many / few <= 1.5)
    await store.close()
  }
  await redis.stop()
  await postgres.stop()
}

/** Ten thousand operations under way in one worker process. */
async function inFlight (): Promise<void> {
  const count = 10_000
  const redis = await startRedis(redisServer)
  const emulator = await startEmulator({ defaults: { createSeconds: 3_600, retryAfterSeconds: null } })
  const port = await freePort()
  const env = slipwayEnv(emulator, { url: redis.url, namespace: 'slipway' }, { SLIPWAY_PORT: String(port), SLIPWAY_POLL_SECONDS: '30', SLIPWAY_POLLS_PER_SECOND: '1000', SLIPWAY_LOCK_MS: '8000', SLIPWAY_STALLED_INTERVAL_MS: '3000', SLIPWAY_SETTLE_SECONDS: '90' })
  const [server, worker] = [startServerProcess(env), startWorkerProcess(env)]
  await ready(`http://127.0.0.1:${port}`)
  const base = '/subscriptions/5f0c1a52-8a53-4a2e-9c0b-3f6f8f0f1a11/resourceGroups/rg/providers/Microsoft.ContainerService/managedClusters'
  for (let index = 0; index < count; index += 50) await Promise.all(Array.from({ length: 50 }, async (_, offset) => await emulator.control.cluster(`${base}/c${index + offset}`)))
  let next = 0
  const begun = performance.now()
  await Promise.all(Array.from({ length: 32 }, async () => {
    while (next < count) {
      const response = await fetch(`http://127.0.0.1:${port}${cluster(next++)}`, { method: 'PUT', headers: { 'content-type': 'application/json' }, body })
      await response.arrayBuffer()
    }
  }))
  for (;;) {
    const { operations } = await emulator.control.state()
    if (operations.inFlight >= count || performance.now() - begun > 240_000) break
    await new Promise(resolve => setTimeout(resolve, 1_000))
  }
  const polls = async () => (await emulator.control.requests()).at(-1)?.seq ?? 0
  const [before, at] = [await polls(), performance.now()]
  await new Promise(resolve => setTimeout(resolve, 20_000))
  const pollsPerSecond = (await polls() - before) / (performance.now() - at) * 1000
  const residentMb = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${worker.child.pid}/status`, 'utf8'))?.[1] ?? NaN) / 1024
  const { operations } = await emulator.control.state()
  report('operations in flight in one worker', `${operations.inFlight}, polled ${rate(pollsPerSecond)} (one each 30 s is ${rate(count / 31.5)})`, '10,000', operations.inFlight >= count)
  report('its memory', `${Math.round(residentMb)} MB`, '< 400 MB', residentMb < 400)
  await worker.kill()
  await server.stop()
  await emulator.close()
  await redis.stop()
}

/** Alternates, so that whatever else the machine does falls on both; the middle of the rounds counts. */
async function sideBySide (rates: { ours: () => Promise<number>, bare: () => Promise<number> }, times = rounds, before = async () => { /* nothing to prepare */ }): Promise<{ ours: number, bare: number }> {
  const [ours, bare]: [number[], number[]] = [[], []]
  for (let round = 0; round < times; round++) {
    await before()
    bare.push(await rates.bare())
    await before()
    ours.push(await rates.ours())
  }
  return { ours: median(ours), bare: median(bare) }
}

/** Jobs that wait, accepted as any other: with their index and their hold on a cluster. */
async function fill (url: string, waiting: number): Promise<void> {
  const store = openStore({ url, namespace: 'slipway', indexRetentionMs: 86_400_000, onError: () => undefined })
  const closing = new AbortController()
  const jobs = createJobQueue({ store, retentionMs: 86_400_000, monitorUrl: id => id, closing: closing.signal })
  const request = { action: 'install' as const, specification: JSON.parse(body) as object, requestedBy: 'bench', correlationId: 'c' }
  for (let index = 0; index < waiting; index += 500) {
    await Promise.all(Array.from({ length: 500 }, async (_, offset) => await jobs.accept({
      ...request, cluster: { subscriptionId: 's', resourceGroup: 'rg', clusterType: 'managedClusters', clusterName: `waiting-${index + offset}` }, requestId: `${index + offset}`, fingerprint: `${index + offset}`
    })))
  }
  closing.abort()
  await store.close()
}

async function answering (port: number): Promise<void> {
  while ((await fetch(`http://127.0.0.1:${port}/`).catch(() => undefined)) === undefined) await new Promise(resolve => setTimeout(resolve, 50))
}

async function stop (child: ChildProcess): Promise<void> {
  await new Promise(resolve => {
    child.once('exit', resolve)
    child.kill('SIGKILL')
  })
}

function rate (perSecond: number): string {
  return `${Math.round(perSecond)}/s`
}

function report (what: string, figure: string, target: string, isHeld: boolean): void {
  console.log(`${isHeld ? 'OK    ' : 'MISSED'}  ${what}: ${figure}  (to hold: ${target})`)
}
