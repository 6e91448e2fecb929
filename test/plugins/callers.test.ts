import { createHash } from 'node:crypto'
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test, vi } from 'vitest'
import { isInScope, normaliseScope, parseCallers, watchCallers } from '../../src/plugins/callers.ts'
import { clusterKey } from '../../src/schemas/cluster.ts'
import { argocdPath, testApp, tokenOf } from '../helpers/app.ts'
import { document, inject } from '../helpers/openapi.ts'

const hash = (token: string) => createHash('sha256').update(token).digest('hex')
const entry = (name: string, ...tokens: string[]) => ({ name, tokenSha256: tokens.map(hash), actions: ['read'], scopes: ['/'] })

test('a callers file is YAML or JSON', () => {
  const callers = [entry('portal', 'a')]
  const yaml = `callers:\n  - name: portal\n    tokenSha256: [${hash('a')}]\n    actions: [read]\n    scopes: [/]\n`
  expect(parseCallers(JSON.stringify({ callers }))).toEqual(parseCallers(yaml))
})

test.each([
  ['the same name twice', { callers: [entry('a', 'x'), entry('a', 'y')] }, 'twice'],
  ['a token instead of its hash', { callers: [{ ...entry('a'), tokenSha256: ['token'] }] }, '/callers/0/tokenSha256/0'],
  ['three tokens', { callers: [entry('a', 'x', 'y', 'z')] }, '/callers/0/tokenSha256'],
  ['an unknown action', { callers: [{ ...entry('a', 'x'), actions: ['admin'] }] }, '/callers/0/actions/0'],
  ['the same token twice', { callers: [entry('a', 'x'), entry('b', 'y', 'x')] }, 'same token'],
  ['a scope of nothing but slashes', { callers: [{ ...entry('a', 'x'), scopes: ['//'] }] }, '/callers/0/scopes/0'],
  ['no scope', { callers: [{ ...entry('a', 'x'), scopes: [] }] }, '/callers/0/scopes'],
  ['an unknown field', { callers: [{ ...entry('a', 'x'), admin: true }] }, '/callers/0'],
  ['no callers', { callers: [] }, '/callers']
])('%s is refused, and said where', (_name, file, where) => {
  expect(() => parseCallers(JSON.stringify(file))).toThrow(where)
})

test('a changed file counts within a second; one that has become invalid is reported, and the callers known before stay', () => {
  vi.useFakeTimers()
  const folder = mkdtempSync(join(tmpdir(), 'slipway-callers-'))
  try {
    const path = join(folder, 'callers.json')
    const replace = (text: string) => {
      writeFileSync(`${path}.new`, text)
      renameSync(`${path}.new`, path)
      vi.advanceTimersByTime(1_001)
    }
    replace(JSON.stringify({ callers: [entry('portal', 'old', 'new')] }))
    const errors: unknown[] = []
    const find = watchCallers(path, error => errors.push(error))
    expect([find('old')?.name, find('new')?.name, find('other')?.name]).toEqual(['portal', 'portal', undefined])

    replace(JSON.stringify({ callers: [entry('portal', 'new')] }))
    expect([find('old')?.name, find('new')?.name]).toEqual([undefined, 'portal'])

    replace('callers: [')
    expect(find('new')?.name).toBe('portal')
    expect(errors).not.toEqual([])
  } finally {
    vi.useRealTimers()
    rmSync(folder, { recursive: true })
  }
})

test('a file that cannot be used stops the start', () => {
  expect(() => watchCallers('/nowhere/callers.yaml', () => undefined)).toThrow()
})

const segment = fc.stringMatching(/^[a-z0-9][-a-z0-9]{0,8}$/)

test('a scope holds what lies below it by whole segments, whatever the case and a slash at its end', () => {
  fc.assert(fc.property(fc.array(segment, { minLength: 1, maxLength: 6 }), fc.nat(6), segment, fc.boolean(), (segments, depth, more, slash) => {
    const id = `/${segments.join('/')}`
    const prefix = `/${segments.slice(0, depth).join('/')}`
    expect(isInScope([normaliseScope(prefix.toUpperCase() + (slash ? '/' : ''))], id)).toBe(true)
    // A longer last segment is another one: rg1 does not hold rg10.
    if (depth > 0 && depth <= segments.length) expect(isInScope([normaliseScope(prefix + more)], id)).toBe(false)
    if (depth > 0) expect(isInScope([prefix], `${prefix}${more}/${segments.join('/')}`)).toBe(false)
  }))
})

test('every route that is not public shows and changes nothing of another scope, and answers as for what is absent', async () => {
  const actions = ['read', 'install', 'update', 'delete'] as const
  const scopeOf = (group: string) => clusterKey({ subscriptionId: '5f0c1a52-8a53-4a2e-9c0b-3f6f8f0f1a11', resourceGroup: group, clusterType: 'managedClusters', clusterName: 'x' }).split('/providers/')[0]!
  await using tested = await testApp({ callers: [{ name: 'one', actions, scopes: [scopeOf('rg1')] }, { name: 'ten', actions, scopes: [scopeOf('rg10')] }] })
  const as = (name: string) => ({ authorization: `Bearer ${tokenOf(name)}` })
  const { id } = (await inject(tested.app, { method: 'PUT', url: argocdPath('RG10'), headers: as('ten'), payload: {} })).json()

  const outcomes: string[] = []
  for (const { method, path, operation } of protectedRoutes()) {
    const ask = async (resourceGroup: string, jobId: string, caller: string) => {
      const payload = Object.values(operation.requestBody?.content ?? {})[0]?.example
      const url = path.replace(/.*\{clusterName\}/, argocdPath(resourceGroup).replace(/\/argocd$/, '')).replace('{jobId}', jobId)
      expect(url).not.toContain('{')
      const response = await inject(tested.app, { method, url, headers: as(caller), ...(payload !== undefined && { payload: payload as object }) })
      const { requestId: _requestId, instance: _instance, ...rest } = response.json()
      return { status: response.statusCode, rest }
    }
    const foreign = await ask('rg10', id, 'one')
    expect(foreign).toEqual(await ask('rg404', 'absent', 'one'))
    expect(JSON.stringify(foreign)).not.toContain(id)
    expect((await ask('rg10', id, 'ten')).status, `${method} ${path}`).toBeLessThan(412)
    outcomes.push(`${operation.operationId} ${foreign.status}`)
  }
  expect(outcomes.toSorted()).toEqual(['deleteExtension 404', 'getExtension 404', 'getJob 404', 'installExtension 404', 'listJobs 200', 'updateExtension 404'])
  expect((await inject(tested.app, { method: 'GET', url: '/v1/jobs', headers: as('one') })).json()).toEqual({ value: [] })
  expect((await inject(tested.app, { method: 'GET', url: '/v1/jobs', headers: as('ten') })).json().value).toHaveLength(1)
  expect(tested.fake.accepted).toHaveLength(1)
})

/** Every route of the document that needs a token. */
function protectedRoutes () {
  return Object.entries(document.paths).flatMap(([path, item]) => Object.entries(item).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })))
    .filter(({ operation }) => operation.security.some(scheme => Object.keys(scheme).length > 0))
}
