import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'

/** The OpenAPI document of the routes registered after this, at /openapi.json, and a page for people at /docs. */
export const openapi = fp(async (app: FastifyInstance, { version, docs }: { version: string, docs: boolean }) => {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Slipway',
        version,
        summary: 'Argo CD on AKS and Azure Arc-enabled clusters, by asking for it.',
        description: 'Installs, updates and removes the managed Argo CD extension (Microsoft.ArgoCD). A change is accepted with 202 and done by a background job; the answer says where to follow it.',
        contact: { name: 'Slipway', url: 'https://github.com/slipway-dev/slipway' },
        license: { name: 'MIT', url: 'https://opensource.org/license/mit' }
      },
      servers: [{ url: '/', description: 'The environment that serves this document: production, or whichever it was read from.', 'x-internal': false } as { url: string }],
      tags: [
        { name: 'argocd', description: 'The Argo CD extension of a cluster.' },
        { name: 'jobs', description: 'Accepted changes and how far they came.' },
        { name: 'service', description: 'The service itself.' }
      ],
      components: {
        securitySchemes: {
          bearer: { type: 'http', scheme: 'bearer', description: 'A static token of the callers file.' }
        }
      },
      security: [{ bearer: [] }]
    },
    refResolver: { buildLocalReference: (json, _base, _fragment, index) => typeof json['$id'] === 'string' ? json['$id'] : `def-${index}` }
  })
  if (docs) await app.register(swaggerUi, { routePrefix: '/docs' })
}, { name: 'openapi' })
