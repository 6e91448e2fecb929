import { isRestError, type RestError } from '@azure/core-rest-pipeline'
import type { AzureErrorFacts } from '../errors.ts'

/**
 * What a failed call to Azure means for the caller.
 * - `absent`: ARM says 404 for the extension. `cluster-absent`: for the cluster or its resource group.
 * - `busy`: another operation is under way (409). `throttled`: 429, nothing was done.
 * - `refused`: Azure decided against the request; sending it again gives the same answer.
 * - `not-sent`: the request never reached Azure. `unknown`: it may or may not have taken effect.
 */
export type AzureFailureKind = 'absent' | 'cluster-absent' | 'busy' | 'throttled' | 'refused' | 'unauthenticated' | 'not-sent' | 'unknown'

/** A failed call to Azure, judged. `message` is safe to show to callers. */
export class AzureFailure extends Error {
  readonly kind: AzureFailureKind
  readonly facts: AzureErrorFacts
  readonly retryAfterMs: number | undefined

  constructor (kind: AzureFailureKind, facts: AzureErrorFacts, options: { cause?: unknown, retryAfterMs?: number } = {}) {
    super(facts.message ?? `Azure answered ${facts.httpStatus ?? 'nothing'}`, { cause: options.cause })
    this.name = 'AzureFailure'
    this.kind = kind
    this.facts = facts
    this.retryAfterMs = options.retryAfterMs
  }
}

/** Judges whatever the SDK threw. The one place that decides whether trying again would help. */
export function judgeFailure (error: unknown): AzureFailure {
  if (error instanceof AzureFailure) return error
  if (!isRestError(error)) return judgeLocal(error)
  // Every ARM address of ours names a subscription; a failure at any other is the token endpoint's, before the request.
  if (error.request !== undefined && !error.request.url.includes('/subscriptions/')) return tokenFailure(error)
  if (error.response === undefined) return judgeUnanswered(error)
  return judgeAnswer({
    status: error.response.status,
    headers: error.response.headers.toJSON(),
    body: error.response.bodyAsText ?? undefined
  }, error)
}

/** An answer of ARM as it came. Header names are lower case. */
export interface ArmAnswer {
  status: number
  headers: Record<string, string>
  body: string | undefined
}

/** Judges an answer that is not a success. */
export function judgeAnswer (answer: ArmAnswer, cause?: unknown): AzureFailure {
  const facts = factsOf(answer)
  const retryAfterMs = retryAfterOf(answer.headers)
  return new AzureFailure(kindOf(answer, facts), facts, { cause, ...(retryAfterMs !== undefined && { retryAfterMs }) })
}

/** Retry-After in milliseconds, from its seconds or its date form; undefined when absent or unreadable. */
export function retryAfterOf (headers: Record<string, string>): number | undefined {
  const value = headers['retry-after']
  if (value === undefined) return undefined
  const seconds = Number(value)
  if (value.trim() !== '' && Number.isFinite(seconds)) return Math.max(0, seconds * 1000)
  const date = Date.parse(value)
  return Number.isNaN(date) ? undefined : Math.max(0, date - Date.now())
}

/** An answer of success that is not what it should be: it says nothing, least of all that something is absent. */
export function unreadable ({ status }: ArmAnswer): AzureFailure {
  return new AzureFailure('unknown', { code: 'UnreadableAnswer', message: 'Azure answered with something that cannot be read.', httpStatus: status })
}

/** A JSON object, or undefined for anything else: Azure's front ends also answer in HTML, and connections break. */
export function parseObject (text: string | undefined): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text ?? '')
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value as Record<string, unknown> : undefined
  } catch {
    return undefined
  }
}

function kindOf ({ status, headers }: ArmAnswer, { code, message = '' }: AzureErrorFacts): AzureFailureKind {
  if (status === 404) {
    // The gateway's 404 speaks of the cluster or its group; the extension provider's of the extension.
    const clusterIsMissing = headers['x-ms-failure-cause'] === 'gateway' || code === 'ResourceGroupNotFound' ||
      code === 'ParentResourceNotFound' || code === 'SubscriptionNotFound' || message.startsWith('The Resource ')
    return clusterIsMissing ? 'cluster-absent' : 'absent'
  }
  if (status === 429) return 'throttled'
  if (status === 401) return 'unauthenticated'
  if (status === 409 && !finalConflicts.has(code ?? '')) return 'busy'
  if (status < 400 || status === 408 || status >= 500) return 'unknown' // below 400: a success that cannot be read
  return 'refused'
}

/** Conflicts that waiting does not resolve. */
const finalConflicts = new Set(['MissingSubscriptionRegistration', 'ScopeLocked', 'RequestDisallowedByPolicy', 'ReadOnlyDisabledSubscription'])

function factsOf ({ status, headers, body }: ArmAnswer): AzureErrorFacts {
  const document = parseObject(body)
  const error = (document?.['error'] ?? document) as Record<string, unknown> | undefined
  const { code, message } = error ?? {}
  const requestId = headers['x-ms-request-id']
  const correlationId = headers['x-ms-correlation-request-id']
  return {
    httpStatus: status,
    ...(typeof code === 'string' && { code }),
    message: typeof message === 'string' ? message : `Azure answered HTTP ${status} without an error body.`,
    ...(requestId !== undefined && { requestId }),
    ...(correlationId !== undefined && { correlationId })
  }
}

/** No answer came. Only failures that happen before a connection exists prove that nothing was sent. */
function judgeUnanswered (error: RestError): AzureFailure {
  const code = error.code ?? ''
  const neverConnected = ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'CERT_HAS_EXPIRED',
    'DEPTH_ZERO_SELF_SIGNED_CERT', 'SELF_SIGNED_CERT_IN_CHAIN', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY'].includes(code)
  return new AzureFailure(neverConnected ? 'not-sent' : 'unknown', {
    ...(code !== '' && { code }),
    message: neverConnected ? `Azure could not be reached (${code}).` : `The connection to Azure broke before it answered${code === '' ? '' : ` (${code})`}.`
  }, { cause: error })
}

/** Errors that are not of an HTTP exchange with ARM: tokens, and our own timeouts. */
function judgeLocal (error: unknown): AzureFailure {
  const name = error instanceof Error ? error.name : 'Error'
  if (/^(CredentialUnavailableError|ChainedTokenCredential|AggregateAuthenticationError|AuthenticationError|AuthenticationRequiredError)/.test(name)) {
    return tokenFailure(error)
  }
  return new AzureFailure('unknown', { code: name, message: 'The call to Azure did not finish.' }, { cause: error })
}

function tokenFailure (cause: unknown): AzureFailure {
  const code = cause instanceof Error ? cause.name : 'AuthenticationError'
  // The SDK's own text lists every credential it tried, with paths and hosts of the machine: it belongs into the log.
  return new AzureFailure('not-sent', { code, message: 'Slipway could not get a token for Azure; its log says why.' }, { cause })
}
