import type { FastifyInstance, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { Problem } from '../errors.ts'
import { clusterKey, type ClusterRef } from '../schemas/cluster.ts'
import { isInScope, type Caller, type CallerAction, type FindCaller } from './callers.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Who asks; set on every route that is not public. */
    caller: Caller
  }

  interface FastifyContextConfig {
    /** Who may use the route: everybody, or callers with this action. Every route declares it. */
    access?: 'public' | CallerAction
  }
}

/** Everybody on this machine, where no callers are configured. */
export const localCaller: Caller = { name: 'anonymous', actions: ['read', 'install', 'update', 'delete'], scopes: [''] }

/**
 * Tells who asks, before the body is read. Static bearer tokens are one way; another one is another branch of
 * `identify`. `findCaller` undefined means that the API serves this machine only, and everybody on it.
 */
export const authentication = fp(async (app: FastifyInstance, { findCaller }: { findCaller: FindCaller | undefined }) => {
  app.decorateRequest('caller')

  app.addHook('onRoute', ({ url, config }) => {
    if (config?.access === undefined) throw new Error(`route ${url} does not say who may use it`)
  })

  app.addHook('onRequest', async request => {
    const { access } = request.routeOptions.config
    if (access === 'public' || access === undefined) return // no route: the answer is 404 for everybody
    request.caller = identify(request)
  })

  function identify (request: FastifyRequest): Caller {
    if (findCaller === undefined) return localCaller
    const token = /^Bearer ([\x21-\x7e]+)$/i.exec(request.headers.authorization ?? '')?.[1]
    const caller = token === undefined ? undefined : findCaller(token)
    if (caller === undefined) {
      throw new Problem('Unauthenticated', 'Send a token that this service knows: Authorization: Bearer <token>.', { headers: { 'www-authenticate': 'Bearer realm="slipway"' } })
    }
    return caller
  }
}, { name: 'authentication' })

/** Refuses a cluster outside the caller's scopes exactly as one that does not exist, and then what the caller may not do. */
export function authoriseCluster ({ caller, routeOptions }: FastifyRequest, cluster: ClusterRef): void {
  if (!isInScope(caller.scopes, clusterKey(cluster))) throw clusterNotFound()
  authoriseAction(caller, routeOptions.config.access)
}

/** Refuses a caller that does not have the route's action. */
export function authoriseAction (caller: Caller, access: 'public' | CallerAction | undefined): void {
  if (access === undefined || access === 'public' || caller.actions.includes(access)) return
  throw new Problem('ActionNotAllowed', `The caller ${caller.name} may not ${access} here. Its entry in the callers file lists what it may do.`)
}

/** One answer for a cluster that is absent and for one that the caller may not know of. */
export function clusterNotFound (): Problem {
  return new Problem('ClusterNotFound', 'There is no such cluster, or you may not see it.')
}
