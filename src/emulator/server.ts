import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { setImmediate } from 'node:timers/promises'
import { ArmError, invalidResourceType, missingSubscription, type Answer } from './answers.ts'
import { createArmHeaders } from './arm-headers.ts'
import type { Call, Handler, Route } from './call.ts'
import type { Certificates } from './certificates.ts'
import { checkLoopback } from './control-routes.ts'
import { withoutSignature } from './ledger.ts'
import { armTime, stampOf } from './clock.ts'
import type { Tokens } from './tokens.ts'
import { clientRequestId, type World } from './world.ts'

/** The emulator's routes by who may call them. */
export interface RouteTable {
  /** Anyone; faults apply. */
  open: Route[]
  /** Bearers of a token for ARM; faults apply, and each call is noted. */
  arm: Route[]
  /** This machine only; no faults. */
  control: Route[]
}

/** The HTTPS server, not listening yet. */
export function createServer (deps: { world: World, tokens: Tokens, certificates: Certificates, routes: RouteTable }): FastifyInstance {
  const { world, tokens, certificates, routes } = deps
  const armHeaders = createArmHeaders()
  const app = Fastify({
    https: { cert: certificates.certificate, key: certificates.key },
    // ARM's ids are long, and nobody looks at their case.
    routerOptions: { caseSensitive: false, ignoreTrailingSlash: true, maxParamLength: 1_000 },
    exposeHeadRoutes: false,
    forceCloseConnections: true,
    bodyLimit: 8 * 1024 * 1024
  })
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => { done(null, body) })

  function add (path: string, method: Route['method'], serve: (request: FastifyRequest, reply: FastifyReply) => Promise<void>): void {
    app.route({ method, url: path, handler: serve })
  }
  for (const { path, method, handler } of routes.control) {
    add(path, method, async (request, reply) => {
      send(reply, await settle(callOf(request), call => {
        checkLoopback(request.socket.remoteAddress)
        return handler(call)
      }))
    })
  }
  for (const { path, method, handler } of routes.open) {
    add(path, method, async (request, reply) => { await withFaults(callOf(request), reply, handler) })
  }
  for (const { path, method, handler } of routes.arm) add(path, method, asArm(handler))
  app.setNotFoundHandler(asArm(unknownPath))

  function asArm (handler: Handler): (request: FastifyRequest, reply: FastifyReply) => Promise<void> {
    return async (request, reply) => {
      const call = callOf(request)
      const status = await withFaults(call, reply, call => {
        tokens.authenticate(call)
        return handler(call)
      }, answer => armHeaders.add(call, answer))
      world.requests.add({
        at: armTime(stampOf(world.clock.now())), method: call.method, path: withoutSignature(call.path + (call.search && `?${call.search}`)),
        status, clientRequestId: clientRequestId(call)
      })
    }
  }

  /** Answers as the handler does, unless a fault comes between. The status that was sent; null when none was. */
  async function withFaults (call: Call, reply: FastifyReply, handler: Handler, finish = (answer: Answer) => answer): Promise<number | null> {
    const fault = world.faults.take(call)
    if (fault === undefined) return send(reply, finish(await settle(call, handler)))

    const connection = { closed: closedSignal(reply) }
    let answer = fault.when === 'after' ? await settle(call, handler) : undefined
    if (!await fault.hold(connection)) return reset(reply)
    const instead = fault.answer(answer)
    if (instead === 'reset') return reset(reply)
    answer = instead ?? answer ?? await settle(call, handler)
    return fault.truncate ? sendHalf(reply, finish(answer)) : send(reply, finish(answer))
  }

  return app
}

/** The handler's answer, or the error that it ended with. */
async function settle (call: Call, handler: Handler): Promise<Answer> {
  try {
    return await handler(call)
  } catch (error) {
    if (error instanceof ArmError) return error.answer
    throw error
  }
}

function callOf (request: FastifyRequest): Call {
  const [path = '', ...search] = (request.raw.url ?? '').split('?')
  return {
    method: request.method,
    origin: `https://${request.host}`,
    path,
    search: search.join('?'),
    params: request.params as Record<string, string>, // the router's patterns have no other values
    headers: request.headers,
    body: typeof request.body === 'string' ? request.body : ''
  }
}

function unknownPath (call: Call): never {
  const [, subscriptions, , , namespace] = call.path.split('/')
  if (subscriptions?.toLowerCase() !== 'subscriptions') throw missingSubscription()
  throw invalidResourceType(namespace ?? '', new URLSearchParams(call.search).get('api-version') ?? '')
}

function send (reply: FastifyReply, answer: Answer): number {
  const { status, headers } = answer
  const payload = payloadOf(answer)
  void reply.code(status).headers({ ...(payload !== undefined && { 'content-type': 'application/json; charset=utf-8' }), ...headers }).send(payload)
  return status
}

function payloadOf ({ body }: Answer): string | undefined {
  return body === undefined || typeof body === 'string' ? body : JSON.stringify(body)
}

/** Half the answer, then the end of the connection. */
async function sendHalf (reply: FastifyReply, answer: Answer): Promise<null> {
  const payload = Buffer.from(payloadOf(answer) ?? '')
  reply.hijack()
  reply.raw.writeHead(answer.status, { 'content-type': 'application/json; charset=utf-8', ...answer.headers, 'content-length': String(payload.length) })
  await new Promise<void>(resolve => { reply.raw.write(payload.subarray(0, payload.length / 2), () => { resolve() }) })
  await setImmediate() // the bytes are with the system by now; destroying a moment earlier may take them along
  return reset(reply)
}

function reset (reply: FastifyReply): null {
  reply.hijack()
  reply.raw.socket?.destroy()
  return null
}

function closedSignal (reply: FastifyReply): AbortSignal {
  const controller = new AbortController()
  reply.raw.once('close', () => { controller.abort() })
  return controller.signal
}
