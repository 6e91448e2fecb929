import { METHODS } from 'node:http'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { Problem } from '../errors.ts'
import { sendProblem } from './problems.ts'

/** Every method that Node reads; CONNECT is for proxies, and Node answers it by itself. */
const methods = METHODS.filter(method => method !== 'CONNECT')

/** A known path with another method answers 405 with Allow, where Fastify would say 404. Register it before the routes and call `seal` after them. */
export const methodNotAllowed = fp(async (app: FastifyInstance) => {
  const known = new Map<string, Set<string>>()
  let sealed = false

  app.addHook('onRoute', ({ url, method }) => {
    if (sealed) return
    const allowed = known.get(url) ?? new Set()
    known.set(url, allowed)
    for (const one of [method].flat()) allowed.add(one)
  })

  app.decorate('sealMethods', () => {
    sealed = true
    for (const method of methods) if (!app.supportedMethods.includes(method)) app.addHttpMethod(method)
    for (const [url, allowed] of known) {
      const allow = [...allowed].sort().join(', ')
      app.route({
        method: methods.filter(method => !allowed.has(method)), // those added above among them
        url,
        schema: { hide: true },
        config: { access: 'public' },
        onRequest: async (request, reply) => await sendProblem(request, reply, new Problem('MethodNotAllowed', `This path has ${allow}, not ${request.method}.`, { headers: { allow } })),
        handler: () => undefined
      })
    }
  })
}, { name: 'method-not-allowed' })

declare module 'fastify' {
  interface FastifyInstance {
    /** Gives every path registered so far an answer to the methods it lacks. */
    sealMethods: () => void
  }
}
