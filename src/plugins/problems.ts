import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest, FastifySchemaValidationError } from 'fastify'
import fp from 'fastify-plugin'
import { escapePointer } from '../argocd/check.ts'
import { Problem, type FieldError, type ProblemCode } from '../errors.ts'
import type { Problem as ProblemBody } from '../schemas/problem.ts'

/** Every answer other than success is a problem document: of routes, of unknown paths, of Fastify itself. */
export const problemAnswers = fp(async (app: FastifyInstance) => {
  app.setErrorHandler((error: FastifyError | Problem, request, reply) => {
    const problem = problemOf(error)
    if (problem.status >= 500 && !expected.has(problem.code)) request.log.error({ err: error, code: problem.code }, 'request failed')
    const { jobId } = problem.extensions
    if (typeof jobId === 'string') reply.auditJobId = jobId
    return sendProblem(request, reply, problem)
  })

  app.setNotFoundHandler((request, reply) =>
    sendProblem(request, reply, new Problem('RouteNotFound', `There is nothing at ${request.method} ${pathOf(request.url)}. The API is described at /openapi.json.`)))
}, { name: 'problem-answers' })

/** Server errors that are answers by design, not failures to look into. */
const expected = new Set<ProblemCode>(['RepeatabilityNotSupported', 'NotReady', 'ShuttingDown'])

/** Answers with a problem document; its code stands in `x-ms-error-code` too. */
export function sendProblem (request: FastifyRequest, reply: FastifyReply, problem: Problem): FastifyReply {
  return reply.code(problem.status)
    .headers({ ...problem.headers, 'x-ms-error-code': problem.code })
    .type('application/problem+json')
    .serializer((body: unknown) => JSON.stringify(body)) // the body is of our own making, on every route and none
    .send(problemBody(problem, pathOf(request.url), request.id))
}

/** The document of a problem. */
export function problemBody (problem: Problem, instance: string, requestId: string): ProblemBody {
  const { code, title, status, errors, extensions, headers } = problem
  return {
    type: `urn:slipway:problem:${code}`,
    title,
    status,
    // The cause of a failure of ours belongs into the log, not to the caller.
    detail: (status === 500 ? 'Slipway failed; its log has more under the request id.' : problem.message).slice(0, 4096),
    instance: instance.slice(0, 4096),
    code,
    requestId,
    ...(errors && { errors }),
    ...(headers['retry-after'] !== undefined && { retryAfterSeconds: Number(headers['retry-after']) }),
    ...extensions
  }
}

/** Anything thrown → a problem. What is not known to be the caller's fault is ours. */
export function problemOf (error: FastifyError | Problem): Problem {
  if (error instanceof Problem) return error
  if (error.validation) return invalidRequest(error.validation, error.validationContext)
  const known = ofFastify[error.code]
  if (known) return new Problem(known.code, known.detail ?? error.message, { cause: error })
  if (error.statusCode === 400 && error instanceof SyntaxError) return new Problem('MalformedJson', 'The body is not valid JSON: ' + error.message, { cause: error })
  return new Problem('InternalError', 'unexpected', { cause: error })
}

/** The path of a URL, without its query. */
export function pathOf (url: string): string {
  return url.split('?', 1)[0] ?? '/'
}

const ofFastify: Record<string, { code: ProblemCode, detail?: string }> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: { code: 'UnsupportedMediaType', detail: 'Send the body as application/json, or a patch as application/merge-patch+json.' },
  FST_ERR_CTP_INVALID_CONTENT_TYPE: { code: 'UnsupportedMediaType', detail: 'The content-type header cannot be read. Send the body as application/json.' },
  FST_ERR_CTP_BODY_TOO_LARGE: { code: 'BodyTooLarge', detail: 'A body may have 64 kB at most.' },
  FST_ERR_CTP_EMPTY_JSON_BODY: { code: 'MalformedJson', detail: 'The body is empty; the content type says JSON. An empty object {} asks for every default.' },
  FST_ERR_CTP_INVALID_JSON_BODY: { code: 'MalformedJson', detail: 'The body is not valid JSON, or has a forbidden key such as __proto__.' },
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: { code: 'InvalidRequest', detail: 'The content-length header does not fit the body.' },
  FST_ERR_BAD_URL: { code: 'MalformedUrl', detail: 'The URL has a percent sign that is not followed by two hexadecimal digits.' },
  FST_ERR_MAX_PARAM_LENGTH: { code: 'UriTooLong', detail: 'A segment of the path is too long.' },
  FST_ERR_REOPENED_CLOSE_SERVER: { code: 'ShuttingDown', detail: 'This process is stopping. Send the request again.' }
}

const pointerAtMost = 2_048 // what the document promises; names in a body may be longer

function invalidRequest (validation: FastifySchemaValidationError[], context = 'body'): Problem {
  const part = ({ params: 'path', querystring: 'query', headers: 'header' } as const)[context] ?? 'body'
  const errors = validation.slice(0, 20).map(finding => fieldError(finding, part))
  const summary = errors.map(({ pointer, detail }) => `${part}${pointer} ${detail}`).join('; ')
  const isKey = errors.every(({ pointer }) => pointer === '/idempotency-key')
  return new Problem(isKey && part === 'header' ? 'InvalidIdempotencyKey' : 'InvalidRequest', summary, { errors })
}

function fieldError (finding: FastifySchemaValidationError & { parentSchema?: { patternProperties?: object } }, part: FieldError['in']): FieldError {
  const { keyword, params, message = 'is not valid', parentSchema } = finding
  const instancePath = finding.instancePath.slice(0, pointerAtMost)
  const at = (key: unknown) => `${instancePath}/${escapePointer(String(key))}`.slice(0, pointerAtMost)
  const [names] = Object.keys(parentSchema?.patternProperties ?? {})
  if (keyword === 'additionalProperties' && names !== undefined) return { in: part, pointer: at(params['additionalProperty']), detail: `is not a name that may stand here: it must match ${names}` }
  if (keyword === 'additionalProperties') return { in: part, pointer: at(params['additionalProperty']), detail: 'is not a known field here: remove it, or check its spelling' }
  if (keyword === 'required') return { in: part, pointer: at(params['missingProperty']), detail: 'is required' }
  if (keyword === 'enum') return { in: part, pointer: instancePath, detail: `must be one of ${String(params['allowedValues'])}` }
  return { in: part, pointer: instancePath, detail: message }
}
