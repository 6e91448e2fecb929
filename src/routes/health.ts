import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { Problem } from '../errors.ts'
import type { Health } from '../schemas/health.ts'
import { answers } from './answers.ts'

/** Why the process cannot do its work now; empty when it can. */
export type Readiness = () => Promise<string[]>

const noQuery = Type.Object({}, { additionalProperties: false })

/** Tells orchestrators whether the process lives, and whether it can do its work. */
export const healthRoutes: FastifyPluginAsyncTypebox<{ readiness: Readiness }> = async (app, { readiness }) => {
  app.get('/livez', {
    config: { access: 'public' },
    logLevel: 'warn',
    schema: {
      operationId: 'getLiveness', tags: ['service'], summary: 'Does the process live?', security: [{}], querystring: noQuery,
      description: 'Looks at nothing but the process itself.',
      response: answers({ 200: { description: 'It lives.', schema: Type.Ref('Health') } })
    }
  }, async (): Promise<Health> => ({ status: 'ok' }))

  app.get('/readyz', {
    config: { access: 'public' },
    logLevel: 'warn',
    schema: {
      operationId: 'getReadiness', tags: ['service'], summary: 'Can the process do its work?', security: [{}], querystring: noQuery,
      description: 'Looks at the job store, and whether the process is stopping; not at Azure.',
      response: answers({ 200: { description: 'It can.', schema: Type.Ref('Health') } })
    }
  }, async (): Promise<Health> => {
    const reasons = await readiness()
    if (reasons.length > 0) throw new Problem('NotReady', reasons.join(' '), { retryAfterSeconds: 2 })
    return { status: 'ok' }
  })
}
