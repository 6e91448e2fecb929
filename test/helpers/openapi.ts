import { readFileSync } from 'node:fs'
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import formats from 'ajv-formats'
import type { FastifyInstance, InjectOptions, LightMyRequestResponse } from 'fastify'
import { parse } from 'yaml'

interface Answer { method: string, url: string, status: number, headers: Record<string, string | string[] | number | undefined>, body: string }
interface Header { schema: object }
interface Response { headers?: Record<string, Header>, content?: Record<string, { schema: object }> }
interface Operation {
  operationId: string
  security: Record<string, string[]>[]
  requestBody?: { content: Record<string, { example?: unknown }> }
  responses: Record<string, Response>
}
export interface OpenApiDocument {
  paths: Record<string, Record<string, Operation>>
  components: { schemas: Record<string, object> }
}

/** The committed OpenAPI document. */
export const document = parse(readFileSync(new URL('../../openapi/openapi.yaml', import.meta.url), 'utf8')) as OpenApiDocument

const addFormats = formats.default
const ajv = new Ajv2020({ strict: false, allErrors: true, coerceTypes: false })
addFormats(ajv)
ajv.addSchema({ $id: 'https://test/openapi', ...document })
const headerAjv = new Ajv2020({ strict: false, coerceTypes: true })
addFormats(headerAjv)

const compiled = new Map<object, ValidateFunction>()

/**
 * Holds an answer against the committed document: a documented status (or `default`), content type, body and headers.
 * Throws with what does not fit. Paths that the document does not have must answer 404 problems, in the same shape.
 */
export function checkAnswer (answer: Answer): void {
  const path = answer.url.split('?', 1)[0] ?? '/'
  if (path.startsWith('/docs')) return
  const operation = findOperation(answer.method, path)
  const response = operation === undefined
    ? problemResponse()
    : operation.responses[String(answer.status)] ?? operation.responses['default']
  if (!response) throw new Error(`${answer.method} ${path} → ${answer.status} is not documented`)
  if (operation?.responses[String(answer.status)] === undefined && answer.status < 400) throw new Error(`${answer.method} ${path} → ${answer.status} is not documented`)
  checkHeaders(answer, response)
  checkBody(answer, response)
}

/** Injects a request and holds the answer against the document. */
export async function inject (app: FastifyInstance, request: InjectOptions & { method: string, url: string }): Promise<LightMyRequestResponse> {
  const response = await app.inject(request)
  checkAnswer({ method: request.method, url: request.url, status: response.statusCode, headers: response.headers, body: response.body })
  return response
}

/** `fetch` that holds every answer of our API against the document. */
export async function checkedFetch (url: string, init: RequestInit = {}): Promise<{ status: number, headers: Headers, body: any, text: string }> { // eslint-disable-line @typescript-eslint/no-explicit-any -- a test reads whatever came
  const response = await fetch(url, init)
  const text = await response.text()
  const { pathname, search } = new URL(url)
  checkAnswer({ method: init.method ?? 'GET', url: pathname + search, status: response.status, headers: Object.fromEntries(response.headers), body: text })
  return { status: response.status, headers: response.headers, text, body: text === '' ? undefined : JSON.parse(text) }
}

function findOperation (method: string, path: string): Operation | undefined {
  for (const [template, item] of Object.entries(document.paths)) {
    const pattern = new RegExp(`^${template.replace(/[.]/g, '\\.').replace(/\{[^}]+\}/g, '[^/]+')}$`, 'i')
    if (!pattern.test(path)) continue
    return item[method.toLowerCase()] ?? Object.values(item)[0] // another method: 405 is documented on each
  }
  return undefined
}

function problemResponse (): Response {
  return { content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } } }
}

function checkHeaders ({ method, url, headers }: Answer, response: Response): void {
  for (const [name, { schema }] of Object.entries(response.headers ?? {})) {
    const value = headers[name.toLowerCase()]
    if (value === undefined) continue
    const validate = compiled.get(schema) ?? headerAjv.compile(schema)
    compiled.set(schema, validate)
    if (!validate(String(value))) throw new Error(`${method} ${url}: header ${name}: ${String(value)} does not fit the document: ${headerAjv.errorsText(validate.errors)}`)
  }
}

function checkBody ({ method, url, status, headers, body }: Answer, response: Response): void {
  const contentType = String(headers['content-type'] ?? '').split(';', 1)[0] ?? ''
  if (body === '') {
    if (response.content) throw new Error(`${method} ${url} → ${status}: the document promises a body`)
    return
  }
  const media = response.content?.[contentType]
  if (!media) throw new Error(`${method} ${url} → ${status}: content type ${contentType} is not documented (${Object.keys(response.content ?? {}).join(', ')})`)
  const validate = compiled.get(media.schema) ?? ajv.compile(absolute(media.schema))
  compiled.set(media.schema, validate)
  if (!validate(JSON.parse(body))) throw new Error(`${method} ${url} → ${status}: the body does not fit the document: ${ajv.errorsText(validate.errors)}\n${body.slice(0, 2000)}`)
}

/** References in the document are to itself. */
function absolute (schema: object): object {
  return JSON.parse(JSON.stringify(schema).replaceAll('"#/', '"https://test/openapi#/')) as object
}
