import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { answers } from './answers.ts'

/** Serves the OpenAPI document that the routes render. */
export const documentRoutes: FastifyPluginAsyncTypebox = async app => {
  app.get('/openapi.json', {
    config: { access: 'public' },
    schema: {
      operationId: 'getDocument', tags: ['service'], summary: 'Show this document', security: [{}],
      description: 'The OpenAPI 3.1 description of this API.',
      querystring: Type.Object({}, { additionalProperties: false }),
      response: answers({
        200: {
          description: 'The document.',
          schema: Type.Object({}, { additionalProperties: true, maxProperties: 100, description: 'An OpenAPI 3.1 document.', examples: [{ openapi: '3.1.0' }] })
        }
      })
    }
  }, async () => app.swagger())
}
