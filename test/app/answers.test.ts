import { pino } from 'pino'
import { expect, test } from 'vitest'
import { AzureFailure } from '../../src/azure/errors.ts'
import type { JobRecord } from '../../src/jobs/job.ts'
import type { Job } from '../../src/schemas/job.ts'
import { argocdPath, testApp, tokenOf } from '../helpers/app.ts'
import { document, inject } from '../helpers/openapi.ts'

const path = argocdPath()
const put = { method: 'PUT', url: path, payload: { url: 'https://argocd.test' } } as const

test('an accepted change answers 202 with where to follow it, in the headers and in the body, whatever host was asked', async () => {
  await using tested = await testApp()
  const response = await inject(tested.app, { ...put, headers: { host: 'evil.test', 'x-forwarded-host': 'evil.test', 'x-forwarded-proto': 'gopher' } })
  const job = response.json()
  expect(response.statusCode).toBe(202)
  expect(job).toMatchObject({ status: 'NotStarted', action: 'install', requestedBy: 'anonymous', specification: put.payload, url: `https://slipway.test/v1/jobs/${job.id}` })
  expect([response.headers.location, response.headers['operation-location'], Number(response.headers['retry-after'])]).toEqual([job.url, job.url, job.retryAfterSeconds])
  expect(response.body).not.toContain('evil')
})

test('no operation documents 202 beside another success', () => {
  for (const [path, item] of Object.entries(document.paths)) {
    for (const [method, { responses }] of Object.entries(item)) {
      const successes = Object.keys(responses).filter(status => status.startsWith('2'))
      if (successes.includes('202')) expect([path, method, successes]).toEqual([path, method, ['202']])
    }
  }
})

test('a key makes repeating safe: the first answer again, marked; another request under it is refused', async () => {
  await using tested = await testApp()
  const first = await inject(tested.app, { ...put, headers: { 'idempotency-key': 'k' } })
  tested.fake.change(first.json().id, { processedOn: Date.now() })
  const again = await inject(tested.app, { ...put, url: path.toUpperCase().replace('/V1/SUBSCRIPTIONS', '/v1/subscriptions').replace('/RESOURCEGROUPS/', '/resourceGroups/').replace('/MANAGEDCLUSTERS/', '/managedClusters/').replace('/ARGOCD', '/argocd'), headers: { 'idempotency-key': '"k"' } })
  expect([again.statusCode, again.body, again.headers['idempotent-replayed']]).toEqual([202, first.body, 'true'])
  const other = await inject(tested.app, { ...put, payload: {}, headers: { 'idempotency-key': 'k' } })
  expect([other.statusCode, other.json().code]).toEqual([422, 'IdempotencyKeyReused'])
})

test('a request that was refused does not use up its key', async () => {
  await using tested = await testApp()
  expect((await inject(tested.app, { ...put, payload: { bad: 1 }, headers: { 'idempotency-key': 'k' } })).statusCode).toBe(400)
  const good = await inject(tested.app, { ...put, headers: { 'idempotency-key': 'k' } })
  expect([good.statusCode, good.headers['idempotent-replayed']]).toEqual([202, undefined])
})

test('a caller\'s own references are stored and given back, and make another request of the same specification', async () => {
  await using tested = await testApp()
  const correlation = { taskId: 'task-1', runId: 'run-1', link: 'https://portal.test/runs/1' }
  const first = await inject(tested.app, { ...put, payload: { ...put.payload, correlation } })
  expect(first.json()).toMatchObject({ correlation, specification: put.payload })
  const second = await inject(tested.app, { ...put, payload: { ...put.payload, correlation: { taskId: 'task-2' } } })
  expect(second.json()).toMatchObject({ code: 'JobInProgress', jobId: first.json().id })
  const deletion = await inject(tested.app, { method: 'DELETE', url: `${argocdPath('rg', 'c2')}?taskId=task-3&force=true` })
  expect(deletion.json()).toMatchObject({ action: 'delete', force: true, correlation: { taskId: 'task-3' } })
})

test('a conditional change is refused at once when the extension is another than the one it was made for', async () => {
  await using tested = await testApp()
  const shown = await inject(tested.app, { method: 'GET', url: path })
  const etag = String(shown.headers.etag)
  expect((await inject(tested.app, { ...put, headers: { 'if-match': '"other"' } })).json().code).toBe('PreconditionFailed')
  expect((await inject(tested.app, { ...put, headers: { 'if-match': `W/${etag}` } })).statusCode).toBe(412)
  expect((await inject(tested.app, { ...put, headers: { 'if-match': `"other", ${etag}` } })).statusCode).toBe(202)

  await using absent = await testApp({ extensions: { find: async () => undefined } })
  expect((await inject(absent.app, { ...put, headers: { 'if-match': '*' } })).statusCode).toBe(412)
  await using away = await testApp({ extensions: { find: async () => { throw new Error('away') } } })
  expect((await inject(away.app, { ...put, headers: { 'if-match': etag } })).json().code).toBe('AzureUnavailable')
})

test('the monitor answers 200 whatever the status, says when to ask again until the job has ended, and has an error only when it failed', async () => {
  await using tested = await testApp()
  const { id } = (await inject(tested.app, put)).json()
  const show = async () => await inject(tested.app, { method: 'GET', url: `/v1/jobs/${id}` })
  const error = { code: 'AzureOperationFailed' as const, message: 'no', remediation: [], retryable: false }
  const stages: [Partial<JobRecord>, string][] = [
    [{}, 'NotStarted'], [{ processedOn: Date.now() }, 'Running'], [{ finishedOn: Date.now(), returnvalue: { status: 'Failed', error, notes: [] } }, 'Failed'],
    [{ returnvalue: { status: 'Canceled', notes: [] } }, 'Canceled'], [{ returnvalue: { status: 'Succeeded', effect: 'created', notes: [] } }, 'Succeeded'],
    [{ returnvalue: null, failedReason: 'job stalled more than allowable limit' }, 'Failed']
  ]
  for (const [changes, status] of stages) {
    tested.fake.change(id, changes)
    const response = await show()
    const over = !['NotStarted', 'Running'].includes(status)
    expect([response.statusCode, response.json().status, response.headers['retry-after'] === undefined, response.json().error !== undefined]).toEqual([200, status, over, status === 'Failed'])
  }
  expect((await show()).json().error).toMatchObject({ code: 'WorkerCrashLoop', retryable: true })
})

test('the monitor answers 304 to who has seen the job as it is', async () => {
  await using tested = await testApp()
  const { id } = (await inject(tested.app, put)).json()
  const url = `/v1/jobs/${id}`
  const etag = String((await inject(tested.app, { method: 'GET', url })).headers.etag)
  expect((await inject(tested.app, { method: 'GET', url, headers: { 'if-none-match': etag } })).statusCode).toBe(304)
  tested.fake.change(id, { processedOn: Date.now() })
  expect((await inject(tested.app, { method: 'GET', url, headers: { 'if-none-match': etag } })).statusCode).toBe(200)
})

test('a long poll says how long it was willing to wait, at most 30 seconds', async () => {
  await using tested = await testApp()
  const { id } = (await inject(tested.app, put)).json()
  const applied = async (prefer: string) => (await inject(tested.app, { method: 'GET', url: `/v1/jobs/${id}`, headers: { prefer } })).headers['preference-applied']
  expect([await applied('wait=5'), await applied('respond-async, wait=100'), await applied('return=minimal')]).toEqual(['wait=5', 'wait=30', undefined])
})

test('a list is followed page by page through absolute links, whose cursors are bound to its filters', async () => {
  await using tested = await testApp()
  for (let index = 0; index < 5; index++) await inject(tested.app, { ...put, url: argocdPath('rg', `c${index}`) })
  const names: string[] = []
  let url: string | undefined = '/v1/jobs?top=2'
  const links: string[] = []
  while (url !== undefined) {
    const { value, nextLink }: { value: Job[], nextLink?: string } = (await inject(tested.app, { method: 'GET', url })).json()
    names.push(...value.map(({ cluster }) => cluster.clusterName))
    if (nextLink) links.push(nextLink)
    url = nextLink?.replace('https://slipway.test', '')
  }
  expect(names).toEqual(['c4', 'c3', 'c2', 'c1', 'c0'])
  expect(links.every(link => link.startsWith('https://slipway.test/v1/jobs?'))).toBe(true)

  const tampered = links[0]!.replace('https://slipway.test', '').replace(/cursor=(.)/, (_match, first: string) => `cursor=${first === 'A' ? 'B' : 'A'}`)
  expect((await inject(tested.app, { method: 'GET', url: tampered })).json().code).toBe('InvalidCursor')
  const refiltered = `${links[0]!.replace('https://slipway.test', '')}&action=delete`
  expect((await inject(tested.app, { method: 'GET', url: refiltered })).json().code).toBe('InvalidCursor')
})

test('every answer has ids to look it up by, and a trace that goes on where the caller\'s is valid', async () => {
  await using tested = await testApp()
  const ask = async (headers: Record<string, string>) => (await inject(tested.app, { method: 'GET', url: '/livez', headers })).headers
  const trace = '0af7651916cd43dd8448eb211c80319c'
  const continued = await ask({ traceparent: `00-${trace}-b7ad6b7169203331-01`, 'x-ms-client-request-id': '5f0c1a52-8a53-4a2e-9c0b-3f6f8f0f1a11' })
  expect(continued['traceparent']).toMatch(new RegExp(`^00-${trace}-[0-9a-f]{16}-01$`))
  expect(continued['traceparent']).not.toContain('b7ad6b7169203331')
  expect(continued['x-ms-client-request-id']).toBe('5f0c1a52-8a53-4a2e-9c0b-3f6f8f0f1a11')
  const replaced = await ask({ traceparent: '00-00000000000000000000000000000000-b7ad6b7169203331-01', 'x-ms-client-request-id': 'no guid' })
  expect(replaced['traceparent']).toMatch(/^00-(?!0{32})[0-9a-f]{32}-[0-9a-f]{16}-00$/)
  expect(replaced['x-ms-client-request-id']).toBeUndefined()
  expect((await ask({ traceparent: `00-${trace}-b7ad6b7169203331-01-extra` }))['traceparent']).not.toContain(trace)
  expect((await ask({ traceparent: `01-${trace}-b7ad6b7169203331-01-extra` }))['traceparent']).toContain(trace)
  expect([replaced['x-ms-request-id'], replaced['cache-control']]).toEqual([expect.any(String), 'no-store'])
})

test('a mutation leaves one audit line before its answer, refused or not, without tokens, keys or bodies', async () => {
  const callers = [{ name: 'portal', actions: ['read', 'install'] as const, scopes: [''] }]
  await using tested = await testApp({ callers: callers.map(caller => ({ ...caller })) })
  const as = { authorization: `Bearer ${tokenOf('portal')}` }
  const requests = [
    { ...put, headers: { ...as, 'idempotency-key': 'secret-key' } }, { ...put, payload: { bad: 'secret-body' }, headers: as }, put,
    { method: 'DELETE', url: path, headers: as }, { ...put, payload: {}, headers: as }, { ...put, payload: 'x', headers: { ...as, 'content-type': 'text/plain' } },
    { ...put, headers: { ...as, 'if-match': '"old"' } }, { ...put, payload: {}, headers: { ...as, 'idempotency-key': 'secret-key' } }, { method: 'GET', url: path, headers: as }
  ]
  for (const request of requests) await inject(tested.app, request)
  const audit = tested.lines().filter(line => line['audit'] === true)
  expect(audit.map(({ actor, action, outcome, code }) => [actor, action, outcome, code])).toEqual([
    ['portal', 'install', 'accepted', undefined], ['portal', 'install', 'refused', 'InvalidRequest'], ['unknown', 'install', 'refused', 'Unauthenticated'],
    ['portal', 'delete', 'refused', 'ActionNotAllowed'], ['portal', 'install', 'refused', 'JobInProgress'], ['portal', 'install', 'refused', 'UnsupportedMediaType'],
    ['portal', 'install', 'refused', 'PreconditionFailed'], ['portal', 'install', 'refused', 'IdempotencyKeyReused']
  ])
  expect(audit[0]).toMatchObject({ resource: path, jobId: tested.fake.accepted[0]!.id })
  expect(audit[4]).toMatchObject({ jobId: tested.fake.accepted[0]!.id }) // the one it was refused for
  expect(JSON.stringify(tested.lines())).not.toMatch(/secret|token-of/)
})

test('a log that hears only of warnings still has the audit lines', async () => {
  const lines: string[] = []
  await using tested = await testApp({ log: pino({ level: 'error' }, { write: line => { lines.push(line) } }) })
  await inject(tested.app, put)
  expect(lines.map(line => (JSON.parse(line) as { msg: string }).msg)).toEqual(['audit'])
})

test('who shows the tag of an earlier state does not wait for the next one', async () => {
  await using tested = await testApp()
  const { id } = (await inject(tested.app, put)).json()
  const waits: string[] = []
  tested.fake.jobs.waitForChange = async record => { waits.push(record.id); return record }
  const ask = async (headers: Record<string, string>) => await inject(tested.app, { method: 'GET', url: `/v1/jobs/${id}`, headers: { prefer: 'wait=5', ...headers } })
  const { headers: { etag } } = await ask({})
  expect((await ask({ 'if-none-match': '"old"' })).statusCode).toBe(200)
  expect(waits).toHaveLength(1)
  expect((await ask({ 'if-none-match': String(etag) })).statusCode).toBe(304)
  expect(waits).toHaveLength(2)
})

test('paths are ARM\'s: their words have no case, and names keep theirs', async () => {
  await using tested = await testApp()
  const response = await inject(tested.app, { ...put, url: path.replace('resourceGroups/rg', 'resourcegroups/RG').replace('managedClusters', 'ManagedClusters') })
  expect(response.json()).toMatchObject({ status: 'NotStarted', cluster: { resourceGroup: 'RG', clusterType: 'managedClusters' } })
})

test.each([
  ['does not accept the token', new AzureFailure('unauthenticated', { httpStatus: 401 }), 'AzureUnavailable', '5'],
  ['is asked too often, and wants a rest for weeks', new AzureFailure('throttled', { httpStatus: 429, message: 'Too many requests.' }, { retryAfterMs: 2_000_000_000 }), 'AzureUnavailable', '86400'],
  ['gives no token', new AzureFailure('not-sent', { code: 'CredentialUnavailableError', message: 'Slipway could not get a token for Azure; its log says why.' }), 'AzureUnavailable', '5'],
  ['does not let it be read', new AzureFailure('refused', { httpStatus: 403, code: 'AuthorizationFailed' }), 'AzureRefused', undefined]
])('when Azure %s, the answer says so', async (_name, failure, code, retryAfter) => {
  await using tested = await testApp({ extensions: { find: async () => { throw failure } } })
  const response = await inject(tested.app, { method: 'GET', url: path })
  expect([response.json().code, response.headers['retry-after']]).toEqual([code, retryAfter])
  expect(response.json().detail).not.toContain('in time')
})

test('a route that does not say who may use it cannot be added', async () => {
  const { default: Fastify } = await import('fastify')
  const { authentication } = await import('../../src/plugins/authentication.ts')
  const app = Fastify()
  await app.register(authentication, { findCaller: undefined })
  expect(() => app.get('/open', async () => 'ok')).toThrow('does not say who may use it')
  await app.close()
})
