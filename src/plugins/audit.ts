import type { FastifyInstance, FastifyReply } from 'fastify'
import fp from 'fastify-plugin'
import { pathOf } from './problems.ts'

declare module 'fastify' {
  interface FastifyReply {
    /** The job that a mutation led to, or was refused for. */
    auditJobId: string
  }
}

const mutations = new Set(['PUT', 'PATCH', 'DELETE', 'POST'])

/** One log line for each mutation, refused ones too, written before its answer is sent. Without bodies, tokens or keys. */
export const audit = fp(async (app: FastifyInstance) => {
  app.decorateReply('auditJobId', '')

  app.addHook('onSend', async (request, reply) => {
    const { access } = request.routeOptions.config
    if (!mutations.has(request.method) || access === undefined || access === 'public') return
    request.log.info({
      audit: true,
      actor: (request.caller as typeof request.caller | undefined)?.name ?? 'unknown',
      action: access,
      resource: pathOf(request.url),
      outcome: outcomeOf(reply),
      status: reply.statusCode,
      ...(reply.getHeader('x-ms-error-code') !== undefined && { code: reply.getHeader('x-ms-error-code') }),
      ...(reply.auditJobId !== '' && { jobId: reply.auditJobId })
    }, 'audit')
  })
}, { name: 'audit' })

function outcomeOf ({ statusCode }: FastifyReply): 'accepted' | 'refused' | 'failed' {
  if (statusCode < 400) return 'accepted'
  return statusCode < 500 ? 'refused' : 'failed'
}
