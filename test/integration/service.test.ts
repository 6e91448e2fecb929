import { createHash, randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createHttpPoller } from '@azure/core-lro'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ClusterRef } from '../../src/schemas/cluster.ts'
import type { Job } from '../../src/schemas/job.ts'
import { badRequests } from '../helpers/bad-requests.ts'
import { startEmulator, type StartedEmulator } from '../helpers/emulator.ts'
import { checkedFetch } from '../helpers/openapi.ts'
import { ready, slipwayEnv, startServerProcess, startWorkerProcess, type SlipwayProcess } from '../helpers/slipway.ts'
import { freePort } from '../helpers/stores-setup.ts'
import { describeEachStore } from '../helpers/stores.ts'

const subscriptionId = randomUUID()
const tokens = { admin: 'admin-token', rg1: 'rg1-token', reader: 'reader-token' }

describeEachStore('The service', store => {
  let emulator: StartedEmulator
  let bases: string[]
  const processes: SlipwayProcess[] = []
  const folder = mkdtempSync(join(tmpdir(), 'slipway-test-'))

  beforeAll(async () => {
    emulator = await startEmulator()
    const callersFile = join(folder, 'callers.json')
    writeFileSync(callersFile, JSON.stringify({
      callers: [
        caller('admin', ['read', 'install', 'update', 'delete'], ['/']),
        caller('rg1', ['read', 'install', 'update', 'delete'], [`/subscriptions/${subscriptionId}/resourceGroups/rg1`]),
        caller('reader', ['read'], ['/'])
      ]
    }))
    const ports = [await freePort(), await freePort()]
    bases = ports.map(port => `http://127.0.0.1:${port}`)
    for (const port of ports) {
      processes.push(startServerProcess(slipwayEnv(emulator, store, {
        SLIPWAY_CALLERS_FILE: callersFile, SLIPWAY_HOST: '127.0.0.1', SLIPWAY_PORT: String(port), SLIPWAY_PUBLIC_URL: bases[0]!
      })))
    }
    processes.push(startWorkerProcess(slipwayEnv(emulator, store)))
    await Promise.all(bases.map(ready))
  })

  afterAll(async () => {
    const codes = await Promise.all(processes.map(async process => await process.stop()))
    await emulator.close()
    rmSync(folder, { recursive: true, force: true })
    expect(codes).toEqual([0, 0, 0])
  })

  test.each(['managedClusters', 'connectedClusters'] as const)('installs, updates by the smallest verb, lists and deletes on %s', async clusterType => {
    const cluster = await makeCluster({ clusterType })

    const installed = await follow(await put(cluster, { highAvailability: { enabled: false }, url: 'https://argocd.test', applicationNamespaces: ['team-a'], settings: { 'controller.replicas': '2' } }))
    expect(installed).toMatchObject({ status: 'Succeeded', effect: 'created', azureVerb: 'PUT', requestedBy: 'admin', result: { extensionName: 'argocd', namespace: 'argocd', url: 'https://argocd.test' } })
    expect(installed.steps.map(({ name, status }) => `${name} ${status}`)).toEqual(['submit Succeeded', 'provision Succeeded', 'verify Succeeded'])

    const shown = await call('GET', cluster)
    expect(shown.body).toMatchObject({ provisioningState: 'Succeeded', specification: { highAvailability: { enabled: false }, url: 'https://argocd.test', applicationNamespaces: ['team-a'], settings: { 'controller.replicas': '2' } } })

    const same = await follow(await put(cluster, { highAvailability: { enabled: false }, url: 'https://argocd.test', applicationNamespaces: ['team-a'], settings: { 'controller.replicas': '2' } }))
    expect(same).toMatchObject({ status: 'Succeeded', effect: 'unchanged' })

    const patched = await follow(await call('PATCH', cluster, { highAvailability: { serverReplicas: 2 } }))
    expect(patched).toMatchObject({ status: 'Succeeded', effect: 'patched', azureVerb: 'PATCH' })

    const removed = await follow(await call('PATCH', cluster, { settings: { 'controller.replicas': null } }))
    expect(removed).toMatchObject({ status: 'Succeeded', effect: 'replaced', azureVerb: 'PUT' })

    // What a key was accepted for stays accepted, although the extension has another tag since.
    const tag = { 'if-match': (await call('GET', cluster)).headers.get('etag')!, 'idempotency-key': `tagged-${cluster.clusterName}` }
    const tagged = await call('PATCH', cluster, { highAvailability: { serverReplicas: 3 } }, tag)
    expect(await follow(tagged)).toMatchObject({ effect: 'patched' })
    const again = await call('PATCH', cluster, { highAvailability: { serverReplicas: 3 } }, tag)
    expect([again.status, again.body.id, again.headers.get('idempotent-replayed')]).toEqual([202, tagged.body.id, 'true'])

    const stale = await call('PATCH', cluster, { url: null }, { 'if-match': shown.headers.get('etag')! })
    expect(stale.body).toMatchObject({ status: 412, code: 'PreconditionFailed' })

    const current = await call('GET', cluster)
    const deleted = await follow(await call('DELETE', cluster, undefined, { 'if-match': current.headers.get('etag')! }))
    expect(deleted).toMatchObject({ status: 'Succeeded', effect: 'deleted', azureVerb: 'DELETE' })
    expect(deleted.notes.join(' ')).toContain('The cluster may go on cleaning up')
    expect((await call('GET', cluster)).body).toMatchObject({ code: 'ExtensionNotFound' })
    expect(await follow(await call('DELETE', cluster))).toMatchObject({ status: 'Succeeded', effect: 'absent' })

    const ledger = (await emulator.control.ledger()).filter(({ id }) => id.includes(cluster.clusterName))
    expect(ledger.map(({ method, effect }) => `${method} ${effect}`)).toEqual(['PUT created', 'PATCH patched', 'PUT replaced', 'PATCH patched', 'DELETE deleted'])
    expect(ledger[1]!.body).toMatchObject({ properties: { configurationSettings: { 'server.replicas': '2' } } })

    const all = await list({ cluster: armId(cluster) })
    expect(all.map(job => job.action)).toEqual(['delete', 'delete', 'update', 'update', 'update', 'install', 'install'])
    expect(await list({ cluster: armId(cluster).toUpperCase().replace('/SUBSCRIPTIONS', '/subscriptions'), action: 'update', status: 'Succeeded', requestedBy: 'admin', top: '1' })).toHaveLength(3)
    expect(await list({ cluster: armId(cluster), status: 'Failed' })).toEqual([])
  })

  test('reads once, writes once, polls and reads once more for an install, and no more', async () => {
    const cluster = await makeCluster({}, { createSeconds: 0.5, retryAfterSeconds: 1 })
    await follow(await put(cluster, {}))
    const requests = (await emulator.control.requests()).filter(({ path }) => path.includes(cluster.clusterName))
    const kinds = requests.map(({ method, path }) => `${method} ${path.includes('/operations/') ? 'operation' : path.includes('extensions/argocd') ? 'extension' : 'list'}`)
    expect(kinds).toEqual(['GET list', 'PUT extension', 'GET operation', 'GET operation', 'GET extension'])
  })

  test('takes 50 equal requests with one key over two processes for one job, and answers all alike', async () => {
    const cluster = await makeCluster()
    const answers = await Promise.all(Array.from({ length: 50 }, async (_, index) =>
      await call('PUT', cluster, { url: 'https://fifty.test' }, { 'idempotency-key': 'fifty' }, bases[index % 2])))
    expect(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size).toBe(1)
    expect(answers.filter(({ headers }) => headers.get('idempotent-replayed') === null)).toHaveLength(1)
    await follow(answers[0]!)
    const again = await call('PUT', cluster, { url: 'https://fifty.test' }, { 'idempotency-key': '"fifty"' })
    expect([again.status, again.text, again.headers.get('idempotent-replayed')]).toEqual([202, answers[0]!.text, 'true'])
    expect((await call('PUT', cluster, { url: 'https://other.test' }, { 'idempotency-key': 'fifty' })).body).toMatchObject({ status: 422, code: 'IdempotencyKeyReused', jobId: again.body.id })
    expect(await list({ cluster: armId(cluster) })).toHaveLength(1)
  })

  test('takes one of two different requests, and names its job to the other, whichever is first', async () => {
    await Promise.all(Array.from({ length: 20 }, async () => {
      const cluster = await makeCluster()
      const answers = await Promise.all(['a', 'b'].map(async (name, index) => await call('PUT', cluster, { url: `https://${name}.test` }, {}, bases[index])))
      const [taken, refused] = answers.toSorted((one, other) => one.status - other.status)
      expect([taken!.status, refused!.status]).toEqual([202, 409])
      expect(refused!.body).toMatchObject({ code: 'JobInProgress', jobId: taken!.body.id, jobUrl: taken!.body.url })
      expect(refused!.headers.get('location')).toBe(taken!.body.url)
      await follow(taken!)
      expect((await emulator.control.ledger()).filter(({ id }) => id.includes(cluster.clusterName))).toHaveLength(1)
    }))
  })

  test('refuses the same body under a second key while the first one\'s job runs, and takes it as a new job after that', async () => {
    const cluster = await makeCluster()
    const first = await call('PUT', cluster, {}, { 'idempotency-key': 'k1' })
    expect((await call('PUT', cluster, {}, { 'idempotency-key': 'k2' })).body).toMatchObject({ status: 409, code: 'JobInProgress', jobId: first.body.id })
    const without = await call('PUT', cluster, {})
    expect([without.status, without.body.id]).toEqual([202, first.body.id])
    await follow(first)
    const second = await call('PUT', cluster, {}, { 'idempotency-key': 'k2' })
    expect(second.status).toBe(202)
    expect(second.body.id).not.toBe(first.body.id)
    expect(await follow(second)).toMatchObject({ effect: 'unchanged' })
    expect(await list({ cluster: armId(cluster) })).toHaveLength(2)
  })

  test('shows Azure\'s own words when its operation fails', async () => {
    const cluster = await makeCluster({}, { outcome: 'Failed', error: { code: 'ExtensionOperationFailed', message: 'Helm installation failed: context deadline exceeded' } })
    const job = await follow(await put(cluster, {}))
    expect(job).toMatchObject({ status: 'Failed', error: { code: 'AzureOperationFailed', retryable: false, azure: { code: 'ExtensionOperationFailed', message: 'Helm installation failed: context deadline exceeded', requestId: expect.any(String) } } })
    expect(job.steps.map(({ name, status }) => `${name} ${status}`)).toEqual(['submit Succeeded', 'provision Failed', 'verify Skipped'])
  })

  describe('satisfies Azure\'s own poller', () => {
    test.each([
      ['PUT', {}, false],
      ['PATCH', { highAvailability: { serverReplicas: 3 } }, true],
      ['DELETE', undefined, true]
    ] as const)('which follows %s to a job that succeeds, and to one that fails', async (method, body, isInstalled) => {
      const extensions = isInstalled ? [{ name: 'argocd', properties: { configurationSettings: { 'redis-ha.enabled': 'true' } } }] : []
      const good = await makeCluster({}, { extensions })
      const bad = await makeCluster({}, { extensions, outcome: 'Failed', error: { code: 'ExtensionOperationFailed', message: 'no' } })

      const polled = poll(method, good, body)
      await polled.poller.pollUntilDone()
      expect(polled.poller.operationState?.status).toBe('succeeded')
      expect(polled.paths.some(path => path.startsWith('/v1/jobs/'))).toBe(true)

      const failing = poll(method, bad, body)
      await expect(failing.poller.pollUntilDone()).rejects.toThrow('AzureOperationFailed')
      expect(failing.paths.some(path => path.startsWith('/v1/jobs/'))).toBe(true)
    })
  })

  test('shows, lists and changes nothing of rg10 to a token for rg1', async () => {
    const own = await makeCluster({ resourceGroup: 'RG1' })
    const foreign = await makeCluster({ resourceGroup: 'rg10' })
    const foreignJob = await follow(await put(foreign, {}))
    const as = { authorization: `Bearer ${tokens.rg1}` }

    expect((await call('PUT', own, {}, as)).status).toBe(202)
    const refused = [
      await call('GET', foreign, undefined, as), await call('PUT', foreign, {}, as), await call('PATCH', foreign, { url: null }, as), await call('DELETE', foreign, undefined, as)
    ]
    expect(refused.map(({ body }) => body.code)).toEqual(['ClusterNotFound', 'ClusterNotFound', 'ClusterNotFound', 'ClusterNotFound'])
    const absent = await call('GET', { ...own, clusterName: 'absent' }, undefined, as)
    expect(withoutIds(refused[0]!.body)).toEqual(withoutIds(absent.body))

    const job = await checkedFetch(`${bases[0]!}/v1/jobs/${foreignJob.id}`, { headers: as })
    const noJob = await checkedFetch(`${bases[0]!}/v1/jobs/${randomUUID()}`, { headers: as })
    expect(withoutIds(job.body)).toEqual(withoutIds(noJob.body))
    const listed = await list({ top: '2' }, as)
    expect(listed.length).toBeGreaterThan(0)
    expect(listed.every(({ cluster }) => cluster.resourceGroup.toLowerCase() === 'rg1')).toBe(true)
    expect(await list({ cluster: armId(foreign) }, as)).toEqual([])
    const theirs = await checkedFetch(`${bases[0]!}/v1/jobs?top=1`, { headers: { authorization: `Bearer ${tokens.admin}` } })
    const throughTheirCursor = await checkedFetch(theirs.body.nextLink, { headers: as })
    expect((throughTheirCursor.body.value as Job[] | undefined ?? []).every(({ cluster }) => cluster.resourceGroup.toLowerCase() === 'rg1')).toBe(true)
    // Nothing of the other group changed: its one job's one write is all.
    expect((await emulator.control.ledger()).filter(({ id }) => id.includes(foreign.clusterName)).map(({ effect }) => effect)).toEqual(['created'])
    expect(await list({ cluster: armId(foreign) })).toHaveLength(1)
  })

  test('refuses what a caller may not do, and who is not known', async () => {
    const cluster = await makeCluster()
    expect((await call('PUT', cluster, {}, { authorization: `Bearer ${tokens.reader}` })).body).toMatchObject({ status: 403, code: 'ActionNotAllowed' })
    expect((await call('PUT', cluster, {}, { authorization: 'Bearer wrong' })).body).toMatchObject({ status: 401, code: 'Unauthenticated' })
    expect((await emulator.control.ledger()).filter(({ id }) => id.includes(cluster.clusterName))).toEqual([])
  })

  test('refuses bad input as documented, without a 500 and without a job', async () => {
    const before = (await list({ top: '100' })).length
    for (const [what, { method, url, payload, headers, status, code }] of Object.entries(badRequests)) {
      const answer = await checkedFetch(bases[0]! + url, { method, headers: { authorization: `Bearer ${tokens.admin}`, ...headers }, ...(payload !== undefined && { body: payload }) })
      expect([what, answer.status, answer.body.code]).toEqual([what, status, code])
    }
    expect(await list({ top: '100' })).toHaveLength(before)
  })

  async function makeCluster (names: Partial<ClusterRef> = {}, script: Parameters<StartedEmulator['control']['cluster']>[1] = {}): Promise<ClusterRef> {
    const cluster: ClusterRef = { subscriptionId, resourceGroup: 'rg', clusterType: 'managedClusters', clusterName: `c-${randomUUID()}`, ...names }
    await emulator.control.cluster(cluster, { createSeconds: 0.5, updateSeconds: 0.3, deleteSeconds: 0.3, retryAfterSeconds: null, ...script })
    return cluster
  }

  async function call (method: string, cluster: ClusterRef, body?: unknown, headers: Record<string, string> = {}, base = bases[0]!) {
    return await checkedFetch(base + pathOf(cluster), {
      method,
      headers: { authorization: `Bearer ${tokens.admin}`, ...(body !== undefined && { 'content-type': method === 'PATCH' ? 'application/merge-patch+json' : 'application/json' }), ...headers },
      ...(body !== undefined && { body: JSON.stringify(body) })
    })
  }

  async function put (cluster: ClusterRef, body: unknown) {
    return await call('PUT', cluster, body)
  }

  async function follow (accepted: Awaited<ReturnType<typeof call>>): Promise<Job> {
    expect(accepted.status, accepted.text).toBe(202)
    for (;;) {
      const { body: job } = await checkedFetch(accepted.body.url, { headers: { authorization: `Bearer ${tokens.admin}`, prefer: 'wait=20' } })
      if (job.endedAt) return job
    }
  }

  async function list (query: Record<string, string>, headers: Record<string, string> = { authorization: `Bearer ${tokens.admin}` }): Promise<Job[]> {
    const jobs: Job[] = []
    let url: string | undefined = `${bases[0]!}/v1/jobs?${new URLSearchParams(query).toString()}`
    while (url !== undefined) {
      const page: { status: number, body: { value: Job[], nextLink?: string } } = await checkedFetch(url, { headers })
      expect(page.status).toBe(200)
      jobs.push(...page.body.value)
      url = page.body.nextLink
    }
    return jobs
  }

  /** The SDK's poller over our answers; it is told nothing of us but how to send. */
  function poll (method: 'PUT' | 'PATCH' | 'DELETE', cluster: ClusterRef, body: unknown) {
    const paths: string[] = []
    const send = async (url: string, init: RequestInit) => {
      const absolute = new URL(url, bases[0])
      paths.push(absolute.pathname)
      const answer = await checkedFetch(absolute.href, { ...init, headers: { authorization: `Bearer ${tokens.admin}`, ...(init.headers as Record<string, string> | undefined) } })
      const headers = Object.fromEntries(answer.headers)
      return { flatResponse: answer.body, rawResponse: { statusCode: answer.status, headers, body: answer.body, request: { method: init.method ?? 'GET', url } } }
    }
    const poller = createHttpPoller({
      sendInitialRequest: async () => await send(pathOf(cluster), { method, ...(body !== undefined && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }) }),
      sendPollRequest: async path => await send(path, { method: 'GET' })
    }, { intervalInMs: 100 })
    return { poller, paths }
  }
})

function caller (name: keyof typeof tokens, actions: string[], scopes: string[]) {
  return { name, actions, scopes, tokenSha256: [createHash('sha256').update(tokens[name]).digest('hex')] }
}

function pathOf ({ subscriptionId, resourceGroup, clusterType, clusterName }: ClusterRef): string {
  return `/v1/subscriptions/${subscriptionId}/resourceGroups/${resourceGroup}/${clusterType}/${clusterName}/argocd`
}

function armId ({ subscriptionId, resourceGroup, clusterType, clusterName }: ClusterRef): string {
  const provider = clusterType === 'managedClusters' ? 'Microsoft.ContainerService' : 'Microsoft.Kubernetes'
  return `/subscriptions/${subscriptionId}/resourceGroups/${resourceGroup}/providers/${provider}/${clusterType}/${clusterName}`
}

function withoutIds ({ instance: _instance, requestId: _requestId, ...rest }: Record<string, unknown>): Record<string, unknown> {
  return rest
}
