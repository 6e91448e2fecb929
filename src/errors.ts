/**
 * Every way in which Slipway says no, in one place. HTTP problems are made from the catalogue; a job's failures are
 * `TerminalError`s with a code of `jobErrorCodes`.
 */

/** One finding of a validation: where it is and how to mend it. */
export interface FieldError {
  /** Which part of the request: `body`, `path`, `query` or `header`. */
  in: 'body' | 'path' | 'query' | 'header'
  /** JSON Pointer (RFC 6901) into that part; '' is the whole of it. */
  pointer: string
  detail: string
}

/** An answer other than success, in the terms of RFC 9457. Thrown anywhere below a route. */
export class Problem extends Error {
  readonly code: ProblemCode
  readonly status: number
  readonly title: string
  readonly errors: FieldError[] | undefined
  readonly headers: Record<string, string>
  readonly extensions: Record<string, unknown>

  constructor (code: ProblemCode, detail: string, options: ProblemOptions = {}) {
    super(detail, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'Problem'
    this.code = code
    this.status = problems[code].status
    this.title = problems[code].title
    this.errors = options.errors
    this.headers = { ...retryHeader(problems[code].status, options.retryAfterSeconds), ...options.headers }
    this.extensions = options.extensions ?? {}
  }
}

/** What else a problem may carry. `extensions` are further members of the body, documented with the code. */
export interface ProblemOptions {
  cause?: unknown
  errors?: FieldError[]
  headers?: Record<string, string>
  extensions?: Record<string, unknown>
  retryAfterSeconds?: number
}

/** Code → HTTP status and title. The codes are stable: clients may branch on them. */
export const problems = {
  InvalidRequest: { status: 400, title: 'The request does not fit its schema' },
  MalformedJson: { status: 400, title: 'The body is not valid JSON' },
  MalformedUrl: { status: 400, title: 'The URL cannot be decoded' },
  InvalidCursor: { status: 400, title: 'The cursor is not one that this list handed out' },
  InvalidIdempotencyKey: { status: 400, title: 'The Idempotency-Key header is not valid' },
  Unauthenticated: { status: 401, title: 'No valid bearer token' },
  ActionNotAllowed: { status: 403, title: 'The caller may not do this' },
  RouteNotFound: { status: 404, title: 'No such route' },
  ClusterNotFound: { status: 404, title: 'No such cluster' },
  ExtensionNotFound: { status: 404, title: 'Argo CD is not installed on this cluster' },
  JobNotFound: { status: 404, title: 'No such job' },
  MethodNotAllowed: { status: 405, title: 'The route does not have this method' },
  RequestTimeout: { status: 408, title: 'The request took too long to arrive' },
  JobInProgress: { status: 409, title: 'Another job is changing this cluster' },
  PreconditionFailed: { status: 412, title: 'The extension is not the one the request was made for' },
  BodyTooLarge: { status: 413, title: 'The body is too large' },
  UriTooLong: { status: 414, title: 'The URL is too long' },
  ExpectationFailed: { status: 417, title: 'The expectation cannot be met' },
  UnsupportedMediaType: { status: 415, title: 'The content type is not accepted here' },
  IdempotencyKeyReused: { status: 422, title: 'The Idempotency-Key belongs to another request' },
  HeadersTooLarge: { status: 431, title: 'The request headers are too large' },
  InternalError: { status: 500, title: 'Slipway failed' },
  RepeatabilityNotSupported: { status: 501, title: 'Repeatability headers are not supported' },
  AzureRefused: { status: 502, title: 'Azure refused to be read' },
  AzureUnavailable: { status: 503, title: 'Azure cannot be read at the moment' },
  StoreUnavailable: { status: 503, title: 'The job store cannot be reached' },
  NotReady: { status: 503, title: 'The process cannot do its work now' },
  ShuttingDown: { status: 503, title: 'This process is stopping' }
} as const satisfies Record<string, { status: number, title: string }>

export type ProblemCode = keyof typeof problems

/** Code → what it means, for jobs that ended Failed. */
export const jobErrorCodes = {
  AzureOperationFailed: 'Azure refused the request or its operation failed; `azure` carries its own words.',
  DeadlineExceeded: 'The job waited as long as it may. Azure may still be working.',
  ExtensionChangedByOther: 'Someone else changed the extension while this job was writing it.',
  ExtensionNameMismatch: 'Argo CD is installed under another extension name than the one asked for.',
  ExtensionNotFound: 'There is no Argo CD extension to update on this cluster.',
  ClusterNotFound: 'Azure does not know the cluster.',
  ImmutableField: 'The request changes something that Azure fixes at creation.',
  InvalidSpecification: 'The patch applied to what is installed gives no valid specification.',
  PreconditionFailed: 'The extension changed between the request and the write.',
  ProtectedSettingsRequired: 'The extension has protected settings that this change would delete.',
  SettingsNotApplied: 'Azure reports success, but the extension does not show what was sent.',
  ExtensionUnhealthy: 'Azure reports success, but the extension shows a status of level Error.',
  WorkerCrashLoop: 'The worker process died too often while it worked on this job.',
  UnexpectedFailure: 'Slipway met something it does not know how to handle.'
} as const

export type JobErrorCode = keyof typeof jobErrorCodes

/** What Azure said, verbatim, as far as it is safe to show. */
export interface AzureErrorFacts {
  code?: string
  message?: string
  requestId?: string
  correlationId?: string
  httpStatus?: number
}

/** A failure that trying again will not help. The job ends Failed with exactly this. */
export class TerminalError extends Error {
  readonly code: JobErrorCode
  readonly remediation: string[]
  readonly retryable: boolean
  readonly azure: AzureErrorFacts | undefined

  constructor (code: JobErrorCode, message: string, options: { remediation?: string[], retryable?: boolean, azure?: AzureErrorFacts, cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'TerminalError'
    this.code = code
    this.remediation = options.remediation ?? []
    this.retryable = options.retryable ?? false
    this.azure = options.azure
  }
}

/** Retry-After belongs on every 429 and 503 (checklist: clients must never have to guess). */
function retryHeader (status: number, seconds?: number): Record<string, string> {
  if (seconds !== undefined) return { 'retry-after': String(Math.min(86_400, Math.max(1, Math.ceil(seconds)))) } // Azure may name weeks
  return status === 503 || status === 429 ? { 'retry-after': '5' } : {}
}
