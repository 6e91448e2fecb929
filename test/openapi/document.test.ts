import { METHODS } from 'node:http'
import { readFileSync } from 'node:fs'
import { Ajv2020 } from 'ajv/dist/2020.js'
import formats from 'ajv-formats'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { renderOpenApi } from '../../src/openapi-document.ts'
import { InstallRequest, UpdateRequest } from '../../src/schemas/requests.ts'
import { testApp, tokenOf } from '../helpers/app.ts'
import { document, inject } from '../helpers/openapi.ts'
import { arbitraryOf, type Schema } from '../helpers/schema-arbitrary.ts'

interface Parameter { name: string, in: string, required?: boolean, schema: Schema, description?: string }
interface Operation {
  operationId?: string
  summary?: string
  description?: string
  tags?: string[]
  security?: object[]
  parameters?: Parameter[]
  requestBody?: { content: Record<string, { schema: Schema, example?: unknown, examples?: object }> }
  responses: Record<string, { description: string, headers?: object, content?: Record<string, { schema: Schema & { examples?: unknown[] } }> }>
}

const operations = Object.entries(document.paths).flatMap(([path, item]) => Object.entries(item as Record<string, Operation>).map(([method, operation]) => ({ path, method, operation })))
const ajv = new Ajv2020({ strict: false })
formats.default(ajv)
ajv.addSchema({ $id: 'https://test/examples', ...document })

test('the committed document is what the routes render, byte for byte', async () => {
  expect(readFileSync(new URL('../../openapi/openapi.yaml', import.meta.url), 'utf8')).toBe(await renderOpenApi())
})

test.each(operations)('$method $path says all that a client has to know', ({ operation }) => {
  expect(operation).toMatchObject({ operationId: expect.any(String), summary: expect.any(String), description: expect.any(String), tags: [expect.any(String)], security: [expect.any(Object)] })
  expect(operation.responses['default']).toBeDefined()
  for (const [status, { description, headers, content }] of Object.entries(operation.responses)) {
    expect([status, description.length > 0, Object.keys(headers ?? {}).length > 0]).toEqual([status, true, true])
    for (const { schema } of Object.values(content ?? {})) expect(examplesOf(schema), `${status} has examples`).not.toEqual([])
  }
  for (const { schema, example } of Object.values(operation.requestBody?.content ?? {})) {
    expect(example).toBeDefined()
    expect(ajv.validate(schema, example)).toBe(true)
  }
})

test('every example fits its schema', () => {
  let count = 0
  const visit = (value: unknown, pointer: string) => {
    if (typeof value !== 'object' || value === null) return
    const { examples } = value as { examples?: unknown[] }
    if (Array.isArray(examples) && ('type' in value || 'enum' in value)) {
      const validate = ajv.getSchema(`https://test/examples#${pointer}`)
      for (const example of examples) {
        count += 1
        expect([pointer, validate?.(example), validate?.errors]).toEqual([pointer, true, null])
      }
    }
    for (const [key, item] of Object.entries(value)) if (key !== 'examples') visit(item, `${pointer}/${encodeURIComponent(key.replaceAll('~', '~0').replaceAll('/', '~1'))}`)
  }
  visit(document, '')
  expect(count).toBeGreaterThan(50)
})

test('what is documented is routed, and what is routed is documented', async () => {
  await using tested = await testApp()
  const routed = new Set<string>()
  for (const { path, method } of operations) {
    const url = path.replace(/\{(\w+)\}/g, ':$1')
    expect([method, url, tested.app.hasRoute({ method: method.toUpperCase(), url })]).toEqual([method, url, true])
    routed.add(url)
  }
  // Fastify lists every route; what answers 405 is no operation.
  const lines = tested.app.printRoutes({ commonPrefix: false }).split('\n').filter(line => line.includes('('))
  const methods = lines.flatMap(line => /\((.*)\)/.exec(line)?.[1]?.split(', ') ?? [])
  const lacking = routed.size * METHODS.filter(method => method !== 'CONNECT').length - operations.length
  expect(methods).toHaveLength(operations.length + lacking)
})

const callers = [{ name: 'portal', actions: ['read', 'install', 'update', 'delete'] as const, scopes: [''] }].map(caller => ({ ...caller }))
const authorization = `Bearer ${tokenOf('portal')}`
const options = { seed: 20261124, numRuns: 60 }

test.each(operations.filter(({ operation }) => operation.security?.every(scheme => 'bearer' in scheme)))('$method $path answers 401 without a token, and with one that is not known', async ({ path, method }) => {
  await using tested = await testApp({ callers })
  for (const headers of [{}, { authorization: 'Bearer no' }, { authorization: 'Basic abc' }, { authorization: `bearer${tokenOf('portal')}` }]) {
    const response = await inject(tested.app, { method: method.toUpperCase(), url: samplePath(path), headers })
    expect([response.statusCode, response.headers['www-authenticate']]).toEqual([401, 'Bearer realm="slipway"'])
  }
})

test.each([['put', InstallRequest, 'application/json'], ['patch', UpdateRequest, 'application/merge-patch+json'], ['patch', UpdateRequest, 'application/json']] as const)('%s takes what its schema describes, and refuses what a mutation made of it', async (method, schema, contentType) => {
  await using tested = await testApp({ callers })
  const path = operations.find(operation => operation.method === method)!.path
  const send = async (payload: unknown) => await inject(tested.app, { method: method.toUpperCase(), url: samplePath(path, String(tested.fake.accepted.length)), headers: { authorization, 'content-type': contentType }, payload: JSON.stringify(payload) })

  await fc.assert(fc.asyncProperty(arbitraryOf(schema), fc.constantFrom(...mutations), async (value, mutate) => {
    const good = await send(value)
    // What a schema cannot say (a pinned version with automatic upgrades, an owned raw key) may be refused, too.
    expect([202, 400]).toContain(good.statusCode)
    if (good.statusCode === 400) expect(good.json().errors.every((error: { detail: string }) => /Azure refuses|belongs to the field/.test(error.detail))).toBe(true)

    const bad = await send(mutate(value as Record<string, unknown>))
    expect([bad.statusCode, bad.json().code]).toEqual([400, 'InvalidRequest'])
  }), options)
})

test('any query and any path are answered with a documented status, never with a failure', async () => {
  await using tested = await testApp({ callers })
  const reads = operations.filter(({ method }) => method === 'get')
  await fc.assert(fc.asyncProperty(fc.constantFrom(...reads), fc.dictionary(fc.string({ maxLength: 10 }), fc.string({ unit: 'binary', maxLength: 20 })), fc.string({ unit: 'grapheme', minLength: 1, maxLength: 60 }), async ({ path }, query, segment) => {
    const search = new URLSearchParams(query).toString()
    const url = `${path.replace(/\{\w+\}/g, () => encodeURIComponent(segment))}${search === '' ? '' : `?${search}`}`
    const response = await inject(tested.app, { method: 'GET', url, headers: { authorization } })
    expect(response.statusCode).toBeLessThan(500)
  }), { ...options, numRuns: 300 })
})

type Mutation = (value: Record<string, unknown>) => unknown
const mutations: Mutation[] = [
  value => ({ ...value, unknownField: 1 }), value => ({ ...value, url: 5 }), value => ({ ...value, applicationNamespaces: 'a' }), value => ({ ...value, settings: { a: 1 } }),
  value => ({ ...value, upgrade: { autoMinor: 'true' } }), value => ({ ...value, highAvailability: { serverReplicas: 0 } }), value => ({ ...value, extensionName: 'UPPER' }),
  value => [value], () => 'text', value => ({ ...value, correlation: { taskId: 5 } }), value => ({ ...value, highAvailability: { serverReplicas: 1.5 } })
]

function samplePath (path: string, suffix = ''): string {
  const values: Record<string, string> = { subscriptionId: '5f0c1a52-8a53-4a2e-9c0b-3f6f8f0f1a11', resourceGroup: 'rg', clusterType: 'managedClusters', clusterName: `c${suffix}`, jobId: 'job' }
  return path.replace(/\{(\w+)\}/g, (_match, name: string) => values[name] ?? 'x')
}

function examplesOf (schema: Schema & { examples?: unknown[] }): unknown[] {
  if (schema.$ref === undefined) return schema.examples ?? []
  const name = schema.$ref.split('/').at(-1)!
  return (document.components.schemas[name] as { examples?: unknown[] }).examples ?? []
}
