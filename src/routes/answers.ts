import { Type, type TSchema } from 'typebox'

interface Answer {
  description: string
  schema?: TSchema
  headers?: Record<string, TSchema>
}

/** How a route that is not public is called. */
export const bearer = [{ bearer: [] }]

/** Headers of every answer. */
const common = {
  'x-ms-request-id': Type.String({ maxLength: 128, description: 'Id of the request, for the log and support.' }),
  'x-ms-client-request-id': Type.String({ maxLength: 36, description: 'The caller\'s own id, given back when it is a GUID.' }),
  Traceparent: Type.String({ maxLength: 55, description: 'W3C trace context: the caller\'s trace, or a new one.' }),
  'Cache-Control': Type.String({ maxLength: 64, description: 'Always `no-store`.' })
}

const retryAfter = Type.Integer({ format: 'int32', minimum: 1, maximum: 86_400, description: 'Seconds to wait before asking again.' })
const errorCode = Type.String({ maxLength: 64, description: 'The same as `code` in the body.' })

/** Headers of an answer that accepted a job. */
export const acceptedHeaders = {
  Location: Type.String({ format: 'uri', maxLength: 2048, description: 'Where to follow the job.' }),
  'Operation-Location': Type.String({ format: 'uri', maxLength: 2048, description: 'Where to follow the job.' }),
  'Retry-After': retryAfter,
  'Idempotent-Replayed': Type.Enum(['true'], { type: 'string', description: 'This Idempotency-Key was seen before; the answer is the first one again.' })
}

/** Headers of the status monitor. */
export const monitorHeaders = {
  ETag: Type.String({ maxLength: 128, description: 'Changes with the job.' }),
  'Retry-After': retryAfter,
  'Preference-Applied': Type.String({ maxLength: 64, description: 'The Prefer header, where it was followed.' })
}

/** Problems that every route can give; `default` stands for those of the server itself (408, 414, 417, 431, 501). */
const usualProblems: Record<string, string> = {
  400: 'The request is not valid.',
  401: 'The bearer token is missing or not known.',
  403: 'The caller may not do this.',
  404: 'There is no such thing, or the caller may not know of it.',
  405: 'The route does not have this method.',
  409: 'Another job is changing the cluster.',
  415: 'The content type is not accepted.',
  422: 'The Idempotency-Key belongs to another request.',
  500: 'Slipway failed.',
  503: 'The job store or Azure cannot be reached, or the process is stopping.',
  default: 'Any other problem.'
}

/** A route's answers: its own, and the problems that every route can give. */
export function answers (own: Record<number, Answer>, moreProblems: Record<number, string> = {}): Record<string, object> {
  const problems = Object.entries<string>({ ...usualProblems, ...moreProblems }).map(([status, description]) => [status, response({
    description,
    schema: Type.Ref('Problem'),
    headers: {
      'x-ms-error-code': errorCode,
      ...(['503', 'default'].includes(status) && { 'Retry-After': retryAfter }),
      ...(status === '401' && { 'WWW-Authenticate': Type.String({ maxLength: 256, description: 'How to authenticate.' }) }),
      ...(status === '405' && { Allow: Type.String({ maxLength: 256, description: 'The methods that the route has.' }) }),
      ...(status === '409' && { Location: Type.String({ format: 'uri', maxLength: 2048, description: 'The job in the way.' }) })
    }
  }, 'application/problem+json')])
  const successes = Object.entries(own).map(([status, answer]) => [status, response(answer, 'application/json')])
  return Object.fromEntries([...problems, ...successes]) as Record<string, object>
}

function response ({ description, schema, headers = {} }: Answer, contentType: string): object {
  return {
    description,
    headers: { ...common, ...headers },
    ...(schema ? { content: { [contentType]: { schema } } } : { type: 'null' })
  }
}
