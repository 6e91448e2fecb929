import { randomUUID } from 'node:crypto'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { Problem } from '../errors.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** W3C trace context of this request: the caller's trace with a span of ours. */
    traceparent: string
  }
}

const guid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i
/** A later version than 00 may have more to say. */
const validTraceparent = /^(?!ff)(?!00-.{53})[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-([0-9a-f]{2})(-.*)?$/

/** Ids and headers that every answer has, and headers that no request may have. */
export const requestContext = fp(async (app: FastifyInstance) => {
  app.decorateRequest('traceparent', '')
  let closing = false
  app.addHook('preClose', async () => { closing = true })
  // A connection that is kept alive would keep the process alive.
  app.addHook('onSend', async (_request, reply) => { if (closing) reply.header('connection', 'close') })

  app.addHook('onRequest', async (request, reply) => {
    reply.headers(contextHeaders(request))
    if (closing) throw new Problem('ShuttingDown', 'This process is stopping. Send the request again: another one will answer.')
    refuseUnreadable(request)
    refuseRepeatability(request)
  })
}, { name: 'request-context' })

/** Takes up the request's trace, and tells the headers that its answer has whatever it is. */
export function contextHeaders (request: FastifyRequest): Record<string, string> {
  request.traceparent = continueTrace(request.headers['traceparent'])
  const clientRequestId = request.headers['x-ms-client-request-id']
  return {
    'x-ms-request-id': request.id,
    traceparent: request.traceparent,
    'cache-control': 'no-store',
    ...(typeof clientRequestId === 'string' && guid.test(clientRequestId) && { 'x-ms-client-request-id': clientRequestId })
  }
}

/** A new id for a request. */
export function newRequestId (): string {
  return randomUUID()
}

/** The caller's trace with a new span, or a new trace where the header is absent or not valid (W3C Trace Context 1). */
function continueTrace (header: string | string[] | undefined): string {
  const [, traceId, flags] = (typeof header === 'string' ? validTraceparent.exec(header) : null) ?? []
  const random = randomUUID().replaceAll('-', '') // from a pool of randomness, many times faster than asking the system
  return `00-${traceId ?? random}-${random.slice(16)}-${flags ?? '00'}`
}

/** What HTTP/1.1 demands, and what no body here may be. */
function refuseUnreadable ({ headers }: FastifyRequest): void {
  if (headers.host === undefined) throw new Problem('InvalidRequest', 'The Host header is missing.', { errors: [{ in: 'header', pointer: '/host', detail: 'is required' }] })
  const encoding = headers['content-encoding']
  if (encoding !== undefined && encoding !== 'identity') throw new Problem('UnsupportedMediaType', `The body is encoded as ${encoding.slice(0, 64)}. Send it as it is.`)
}

/** A client that sends these counts on them; ignoring them would promise what is not done. */
function refuseRepeatability ({ headers }: FastifyRequest): void {
  const sent = ['repeatability-request-id', 'repeatability-first-sent', 'repeatability-client-id'].find(name => name in headers)
  if (sent) throw new Problem('RepeatabilityNotSupported', `The header ${sent} is not supported; use Idempotency-Key.`)
}
