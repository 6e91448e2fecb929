import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { Redis } from 'ioredis'
import { Client } from 'pg'
import { startEmulator, type StartedEmulator } from '../helpers/emulator.ts'
import { anyCluster, openQueue } from '../helpers/jobs.ts'
import { checkedFetch } from '../helpers/openapi.ts'
import { startProxy } from '../helpers/proxy.ts'
import { ready, slipwayEnv, startServerProcess, startWorkerProcess } from '../helpers/slipway.ts'
import { freePort, startRedis } from '../helpers/stores-setup.ts'
import { describeEachStore, uniqueNamespace } from '../helpers/stores.ts'
import { createLog } from '../../src/log.ts'
import { loadConfig } from '../../src/config.ts'
import { startEmbeddedPostgres } from '../../src/jobs/stores/embedded.ts'
import { openStore } from '../../src/jobs/stores/open-store.ts'
import { startWorker } from '../../src/worker.ts'

let emulator: StartedEmulator
beforeAll(async () => { emulator = await startEmulator() })
afterAll(async () => { await emulator.close() })

const unknownJob = '0b9ee4f2-6a32-8c11-9d0f-5d2f6f6a1c11'
const gracefulMs = 10_000
const answeredWithinMs = 2_500 // two seconds for the store, and half a one for this machine

describeEachStore('A process', store => {
  test('of the API ends with 0 in time on SIGTERM, answering those who wait, and answers nobody after that', async () => {
    const port = await freePort()
    const base = `http://127.0.0.1:${port}`
    const namespace = uniqueNamespace()
    await using queue = openQueue(store.url, namespace)
    const server = startServerProcess(slipwayEnv(emulator, { url: store.url, namespace }, { SLIPWAY_PORT: String(port) }))
    await ready(base)
    const id = await queue.submit(anyCluster(), { action: 'delete', force: false })
    const waiting = Array.from({ length: 20 }, async () => await checkedFetch(`${base}/v1/jobs/${id}`, { headers: { prefer: 'wait=30' } }))
    await checkedFetch(`${base}/livez`) // behind them on the way
    const begun = Date.now()
    expect(await server.stop()).toBe(0)
    expect(Date.now() - begun).toBeLessThan(gracefulMs)
    const answers = await Promise.all(waiting.map(async answer => await answer.catch(() => ({ status: 0 }))))
    expect(answers.every(({ status }) => [200, 503].includes(status))).toBe(true)
    await expect(fetch(`${base}/livez`)).rejects.toThrow()
  })

  test('of a worker ends with 0 in time on SIGTERM, in the middle of a write too, and leaves the job to the next one', async () => {
    const namespace = uniqueNamespace()
    await using queue = openQueue(store.url, namespace)
    const env = slipwayEnv(emulator, { url: store.url, namespace })
    const cluster = anyCluster()
    await emulator.control.cluster(cluster, { createSeconds: 0.3, retryAfterSeconds: null })
    const fault = await emulator.control.fault({ path: cluster.clusterName, method: 'PUT', when: 'after', hold: true })
    const first = startWorkerProcess(env)
    const id = await queue.submit(cluster, { action: 'install', specification: {} })
    await fault.fired(20)
    const begun = Date.now()
    expect(await first.stop()).toBe(0)
    expect(Date.now() - begun).toBeLessThan(gracefulMs)
    const second = startWorkerProcess(env)
    expect(await queue.ended(id)).toMatchObject({ status: 'Succeeded', effect: 'created' })
    await second.stop()
    expect((await emulator.control.ledger()).filter(entry => entry.id.includes(cluster.clusterName))).toHaveLength(1)
  })

  test('that loses every connection to its store goes on when the store does', async () => {
    const own = store.kind === 'redis' ? await startRedis(inject('redisServer')) : await startEmbeddedPostgres() // other tests keep their connections
    const namespace = uniqueNamespace()
    const port = await freePort()
    const base = `http://127.0.0.1:${port}`
    const env = slipwayEnv(emulator, { url: own.url, namespace }, { SLIPWAY_PORT: String(port) })
    const [server, worker] = [startServerProcess(env), startWorkerProcess(env)]
    await ready(base)
    const cluster = anyCluster()
    await emulator.control.cluster(cluster, { createSeconds: 1, retryAfterSeconds: null })
    const path = `/v1/subscriptions/${cluster.subscriptionId}/resourceGroups/rg/managedClusters/${cluster.clusterName}/argocd`
    const { body: { id } } = await checkedFetch(base + path, { method: 'PUT', headers: { 'content-type': 'application/json' }, body: '{}' })
    await cutConnections(store.kind, own.url)
    await ready(base)
    for (;;) {
      const { status, body } = await checkedFetch(`${base}/v1/jobs/${id}`, { headers: { prefer: 'wait=5' } })
      if (status !== 200 || body.endedAt === undefined) continue
      expect(body).toMatchObject({ status: 'Succeeded', effect: 'created' })
      break
    }
    expect([server.child.exitCode, worker.child.exitCode]).toEqual([null, null])
    expect([await server.stop(), await worker.stop()]).toEqual([0, 0])
    await own.stop()
  })

  test('whose store hangs answers 503 in time, and goes on when the store does', async () => {
    const proxy = await startProxy(store.url)
    const port = await freePort()
    const base = `http://127.0.0.1:${port}`
    const env = slipwayEnv(emulator, { url: proxy.url, namespace: uniqueNamespace() }, { SLIPWAY_PORT: String(port) })
    const [server, worker] = [startServerProcess(env), startWorkerProcess(env)]
    await ready(base)
    const cluster = anyCluster()
    await emulator.control.cluster(cluster, { createSeconds: 0.2, retryAfterSeconds: null })
    const install = async () => await checkedFetch(`${base}/v1/subscriptions/${cluster.subscriptionId}/resourceGroups/rg/managedClusters/${cluster.clusterName}/argocd`, { method: 'PUT', headers: { 'content-type': 'application/json', 'idempotency-key': 'k' }, body: '{}' })

    proxy.stall()
    await Promise.all([install, ...[`/v1/jobs/${unknownJob}`, '/v1/jobs', '/readyz'].map(path => async () => await checkedFetch(base + path))].map(async ask => {
      const begun = Date.now()
      const { status, headers } = await ask()
      expect([status, Number(headers.get('retry-after')) > 0]).toEqual([503, true])
      expect(Date.now() - begun).toBeLessThan(answeredWithinMs)
    }))

    proxy.resume()
    await ready(base)
    const accepted = await install() // the first may have arrived after all: one key, one job
    expect(accepted.status).toBe(202)
    for (;;) {
      const { body } = await checkedFetch(`${base}/v1/jobs/${accepted.body.id}`, { headers: { prefer: 'wait=5' } })
      if (body.endedAt === undefined) continue
      expect(body).toMatchObject({ status: 'Succeeded', effect: 'created' })
      break
    }
    expect([await server.stop(), await worker.stop()]).toEqual([0, 0])
    await proxy.close()
  })

  test('of a worker whose clock is not the store\'s takes no jobs, and says why', async () => {
    const namespace = uniqueNamespace()
    await using queue = openQueue(store.url, namespace)
    const real = openStore({ url: store.url, namespace, indexRetentionMs: 60_000, onError: () => undefined })
    const config = loadConfig({ SLIPWAY_WORKER_PORT: '0', SLIPWAY_WORKER_HOST: '127.0.0.1', SLIPWAY_ARM_ENDPOINT: emulator.url })
    const worker = await startWorker({ config, log: createLog('silent', 'test'), fail: () => undefined, store: { ...real, now: async () => await real.now() - 600_000 } })
    const id = await queue.submit(anyCluster(), { action: 'delete', force: false })
    for (;;) {
      const { status, body } = await checkedFetch(`${worker.url}/readyz`)
      expect([status, body.code]).toEqual([503, 'NotReady'])
      if (String(body.detail).includes('600 s ahead')) break
    }
    expect((await queue.jobs.get(id))?.processedOn).toBeUndefined()
    await worker.close()
  })

  test('of a worker puts back a job of a newer version, for a newer worker to take', async () => {
    const namespace = uniqueNamespace()
    await using queue = openQueue(store.url, namespace)
    const bull = queue.store.createQueue({})
    const newer = randomUUID()
    const cluster = anyCluster()
    await bull.add('argocd', { version: 2, request: { action: 'delete', cluster, requestedBy: 't', requestId: 'r', correlationId: 'c', fingerprint: 'f' }, checkpoint: { steps: [], notes: [] } }, { jobId: newer })
    const worker = startWorkerProcess(slipwayEnv(emulator, { url: store.url, namespace }))
    for (;;) {
      const job = await bull.getJob(newer)
      if (job?.delay) break
      await new Promise(resolve => setTimeout(resolve, 50)) // nobody is told of what is put back
    }
    expect(await queue.jobs.get(newer)).not.toHaveProperty('finishedOn')
    await worker.stop()
  })
})

describe('A process without its store [Redis]', () => {
  test('starts, says so, answers 503 within two seconds or so, and recovers by itself', async () => {
    const [storePort, port] = [await freePort(), await freePort()]
    const base = `http://127.0.0.1:${port}`
    const env = slipwayEnv(emulator, { url: `redis://127.0.0.1:${storePort}`, namespace: 'late' }, { SLIPWAY_PORT: String(port) })
    const [server, worker] = [startServerProcess(env), startWorkerProcess(env)]
    while (!(await fetch(`${base}/livez`).catch(() => undefined))?.ok) await new Promise(resolve => setTimeout(resolve, 50)) // nothing tells that a port is about to open

    const cluster = anyCluster()
    await emulator.control.cluster(cluster, { createSeconds: 0.2, retryAfterSeconds: null })
    const install = async () => await checkedFetch(`${base}/v1/subscriptions/${cluster.subscriptionId}/resourceGroups/rg/managedClusters/${cluster.clusterName}/argocd`, { method: 'PUT', headers: { 'content-type': 'application/json', 'idempotency-key': 'k' }, body: '{}' })
    for (const ask of [install, async () => await checkedFetch(`${base}/v1/jobs/${unknownJob}`), async () => await checkedFetch(`${base}/v1/jobs`), async () => await checkedFetch(`${base}/readyz`)]) {
      const begun = Date.now()
      const { status, headers } = await ask()
      expect([status, Number(headers.get('retry-after')) > 0]).toEqual([503, true])
      expect(Date.now() - begun).toBeLessThan(answeredWithinMs)
    }

    const redis = await startRedis(inject('redisServer'), {}, storePort)
    await ready(base)
    const accepted = await install()
    expect(accepted.status).toBe(202)
    for (;;) {
      const { body } = await checkedFetch(`${base}/v1/jobs/${accepted.body.id}`, { headers: { prefer: 'wait=5' } })
      if (body.endedAt) {
        expect(body.effect).toBe('created')
        break
      }
    }
    expect([await server.stop(), await worker.stop()]).toEqual([0, 0])
    await redis.stop()
  })

  test('refuses a store that may lose jobs where that is asked for, and only warns where it is not', async () => {
    const redis = await startRedis(inject('redisServer'), { appendonly: 'no' })
    const env = slipwayEnv(emulator, { url: redis.url, namespace: 'lossy' }, { SLIPWAY_PORT: '0' })
    const strict = [startServerProcess({ ...env, SLIPWAY_REQUIRE_DURABLE_STORE: 'true' }), startWorkerProcess({ ...env, SLIPWAY_REQUIRE_DURABLE_STORE: 'true' })]
    const codes = await Promise.all(strict.map(async ({ child }) => await new Promise(resolve => child.once('exit', resolve))))
    expect(codes).toEqual([1, 1])
    for (const { output } of strict) expect(output()).toContain('appendonly')
    const lenient = startServerProcess(env)
    while (!lenient.output().includes('JOB STORE')) await new Promise(resolve => setTimeout(resolve, 50)) // its output is all that tells
    expect(await lenient.stop()).toBe(0)
    await redis.stop()
  })

  test('refuses to start without one named, with a wrong variable, or open to the network without callers', async () => {
    const start = async (env: Record<string, string>) => {
      const { child, output } = startServerProcess({ ...process.env, ...env })
      const code = await new Promise(resolve => child.once('exit', resolve))
      return { code, output: output() }
    }
    const [nothing, misspelt, open] = await Promise.all([start({}), start({ SLIPWAY_STORE_ULR: 'x' }), start({ SLIPWAY_STORE_URL: 'redis://127.0.0.1:1', SLIPWAY_HOST: '0.0.0.0' })])
    expect([nothing.code, misspelt.code, open.code]).toEqual([1, 1, 1])
    expect(nothing.output).toContain('SLIPWAY_STORE_URL is not set')
    expect(misspelt.output).toContain('Did you mean SLIPWAY_STORE_URL?')
    expect(open.output).toContain('SLIPWAY_CALLERS_FILE')
  })
})

describe('Callers of a process', () => {
  const start = async (env: Record<string, string>) => {
    const port = await freePort()
    const server = startServerProcess({ ...process.env, SLIPWAY_STORE_URL: inject('redisUrl'), SLIPWAY_STORE_NAMESPACE: uniqueNamespace(), SLIPWAY_PORT: String(port), ...env })
    const base = `http://127.0.0.1:${port}`
    await ready(base)
    return { server, base }
  }

  test('are only those on this machine where none are configured, and it says so', async () => {
    const { server, base } = await start({})
    expect(server.output()).toContain('NO CALLERS ARE CONFIGURED')
    expect(server.output()).toContain(`"url":"${base}"`) // bound to loopback, without SLIPWAY_HOST
    expect((await checkedFetch(`${base}/v1/jobs`)).body).toEqual({ value: [] })
    const docs = await fetch(`${base}/docs`)
    expect([docs.status, docs.headers.get('content-type')]).toEqual([200, expect.stringContaining('text/html')])
    await server.stop()
  })

  test('are let in with the token that npm run token made, within its scope', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'slipway-token-'))
    const { stdout } = await promisify(execFile)(process.execPath, ['src/cli.ts', 'token', '--name', 'portal', '--action', 'read', '--scope', '/subscriptions/5f0c1a52-8a53-4a2e-9c0b-3f6f8f0f1a11/resourceGroups/rg1'])
    const [, token = '', entry = ''] = /^Token[^\n]*\n(\S+)\n\nEntry[^\n]*\n(.*)$/s.exec(stdout) ?? []
    expect(entry).not.toContain(token)
    writeFileSync(join(folder, 'callers.yaml'), entry)
    const { server, base } = await start({ SLIPWAY_CALLERS_FILE: join(folder, 'callers.yaml'), SLIPWAY_HOST: '127.0.0.1', SLIPWAY_DOCS: 'false' })
    const authorization = `Bearer ${token}`
    const path = '/v1/subscriptions/5f0c1a52-8a53-4a2e-9c0b-3f6f8f0f1a11/resourceGroups/rg1/managedClusters/c/argocd'

    expect((await checkedFetch(`${base}/v1/jobs`, { headers: { authorization } })).status).toBe(200)
    expect((await checkedFetch(`${base}/v1/jobs`)).body.code).toBe('Unauthenticated')
    expect((await checkedFetch(base + path, { method: 'DELETE', headers: { authorization } })).body.code).toBe('ActionNotAllowed')
    expect((await checkedFetch(base + path.replace('rg1', 'rg10'), { headers: { authorization } })).body.code).toBe('ClusterNotFound')
    expect((await fetch(`${base}/docs`)).status).toBe(404)
    await server.stop()
    rmSync(folder, { recursive: true })
  })

  test.each([
    [['token'], '--name is missing'],
    [['token', '--name', 'x', '--action', 'fly'], 'unknown action fly'],
    [['nonsense'], 'usage:']
  ])('that are to be made by %j get no token, and are told why', async (parameters, why) => {
    await expect(promisify(execFile)(process.execPath, ['src/cli.ts', ...parameters])).rejects.toMatchObject({ code: 2, stderr: expect.stringContaining(why) })
  })
})

describeEachStore('npm run reindex', store => {
  test('makes jobs findable again whose index was lost', async () => {
    const namespace = uniqueNamespace()
    await using queue = openQueue(store.url, namespace)
    const cluster = anyCluster()
    const id = await queue.submit(cluster, { action: 'delete', force: false })
    await queue.store.index.remove(id)
    const listed = async () => (await queue.jobs.list({ scopes: [''] }, { limit: 10 })).records.map(record => record.id)
    expect(await listed()).toEqual([])

    const { stdout } = await promisify(execFile)(process.execPath, ['src/cli.ts', 'reindex'], { env: { ...process.env, SLIPWAY_STORE_URL: store.url, SLIPWAY_STORE_NAMESPACE: namespace } })

    expect(stdout).toBe('1 jobs indexed\n')
    expect(await listed()).toEqual([id])
  })
})

async function cutConnections (kind: 'redis' | 'postgres', url: string): Promise<void> {
  if (kind === 'redis') {
    const client = new Redis(url)
    await client.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
    client.disconnect()
  } else {
    const client = new Client({ connectionString: url })
    await client.connect()
    await client.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()')
    await client.end()
  }
}
