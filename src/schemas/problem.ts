import { Type, type Static } from 'typebox'
import { problems, type ProblemCode } from '../errors.ts'

const closed = { additionalProperties: false } as const

/** An answer other than success (RFC 9457). */
export const Problem = Type.Object({
  type: Type.String({ format: 'uri-reference', maxLength: 256, description: 'Identifies the kind of problem.', examples: ['urn:slipway:problem:JobInProgress'] }),
  title: Type.String({ maxLength: 256, description: 'The kind of problem, in words.' }),
  status: Type.Integer({ format: 'int32', minimum: 400, maximum: 599, description: 'The HTTP status.' }),
  detail: Type.String({ maxLength: 4096, description: 'What happened here, and how to mend it.' }),
  instance: Type.String({ maxLength: 4096, description: 'Path of the request.' }),
  code: Type.Enum(Object.keys(problems) as ProblemCode[], { type: 'string', description: 'Stable code to branch on; the same as x-ms-error-code.' }),
  requestId: Type.String({ maxLength: 128, description: 'Id of the request, for the log.' }),
  errors: Type.Optional(Type.Array(Type.Object({
    in: Type.Enum(['body', 'path', 'query', 'header'], { type: 'string', description: 'Part of the request.' }),
    pointer: Type.String({ maxLength: 2048, description: 'JSON Pointer into that part.', examples: ['/highAvailability/enabled'] }),
    detail: Type.String({ maxLength: 2048, description: 'What is wrong there and how to mend it.' })
  }, { ...closed, description: 'One thing that is wrong.' }), { maxItems: 50, description: 'Everything that is wrong with the request.' })),
  jobId: Type.Optional(Type.String({ maxLength: 128, description: 'The job that stands in the way, or that the key belongs to.' })),
  jobUrl: Type.Optional(Type.String({ format: 'uri', maxLength: 2048, description: 'Where to follow that job.' })),
  retryAfterSeconds: Type.Optional(Type.Integer({ format: 'int32', minimum: 1, maximum: 86_400, description: 'When to try again; the same as Retry-After.' }))
}, {
  ...closed,
  description: 'What went wrong.',
  examples: [{
    type: 'urn:slipway:problem:InvalidRequest', title: 'The request does not fit its schema', status: 400, code: 'InvalidRequest',
    detail: 'body/highAvailability/enabled must be boolean', instance: '/v1/subscriptions/5f0c1a52-8a53-4a2e-9c0b-3f6f8f0f1a11/resourceGroups/rg-platform/managedClusters/aks-team-a/argocd',
    requestId: '8d0c6a52-6b2a-4f0e-8f0e-6d8f1c0a7b11', errors: [{ in: 'body', pointer: '/highAvailability/enabled', detail: 'must be boolean' }]
  }]
})

export type Problem = Static<typeof Problem>
