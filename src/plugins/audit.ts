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
  // Whatever else the operator wants to hear of, who changed what is told; only a silent log stays silent.
  const auditLog = app.log.level === 'silent' ? app.log : app.log.child({ audit: true }, { level: 'info' })

  app.addHook('onSend', async (request, reply) => {
    const { access } = request.routeOptions.config
    if (!mutations.has(request.method) || access === undefined || access === 'public') return
    auditLog.info({
      reqId: request.id,
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
