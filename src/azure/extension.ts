import type { Compiled } from '../argocd/compile.ts'
import type { AzureErrorFacts } from '../errors.ts'
import { parseObject, retryAfterOf, type ArmAnswer } from './errors.ts'

/** The extension type of Argo CD. Azure compares it case-insensitively and echoes it as it was sent. */
export const extensionType = 'microsoft.argocd'

/** A status entry of an extension, as Azure reports it. */
export interface ExtensionStatus {
  code?: string
  level?: string
  message?: string
}

/** What Azure reports of an extension, read from the raw body: absent is absent. */
export interface Extension {
  id: string
  name: string
  /** Lower case. */
  type: string
  /** Succeeded, Failed, Canceled, or (under way) Creating, Updating, Deleting, or a word not known yet. */
  provisioningState: string
  compiled: Compiled
  /** Keys of protected settings; Azure never returns their values. */
  protectedKeys: string[]
  currentVersion?: string
  statuses: ExtensionStatus[]
  createdAt?: string
  lastModifiedAt?: string
}

/** One reading of a long-running operation. Its words are the provisioning state's. */
export interface OperationReading {
  status: string
  error?: AzureErrorFacts
  retryAfterMs?: number
}

/** Whether a provisioning state, or the status of an operation, is final. Unknown words mean: under way. */
export function isTerminal (state: string): state is 'Succeeded' | 'Failed' | 'Canceled' {
  return state === 'Succeeded' || state === 'Failed' || state === 'Canceled'
}

/** Reads an extension out of a body; undefined when it is not one. */
export function extensionOf (body: unknown): Extension | undefined {
  const { id, name, properties, systemData } = objectOf(body)
  if (typeof name !== 'string' || typeof properties !== 'object' || properties === null) return undefined
  const fields = objectOf(properties)
  const cluster = objectOf(objectOf(fields['scope'])['cluster'])
  const { createdAt, lastModifiedAt } = objectOf(systemData)
  const version = textOf(fields['version'])
  const releaseTrain = textOf(fields['releaseTrain'])
  const currentVersion = textOf(fields['currentVersion'])
  return {
    id: textOf(id) ?? '',
    name,
    type: (textOf(fields['extensionType']) ?? '').toLowerCase(),
    provisioningState: textOf(fields['provisioningState']) ?? 'Unknown',
    compiled: {
      extensionName: name,
      namespace: textOf(cluster['releaseNamespace']) ?? 'argocd',
      autoUpgradeMinorVersion: fields['autoUpgradeMinorVersion'] !== false,
      ...(version !== undefined && { version }),
      ...(releaseTrain !== undefined && { releaseTrain }),
      settings: Object.fromEntries(Object.entries(objectOf(fields['configurationSettings'])).map(([key, value]) => [key, typeof value === 'string' ? value : JSON.stringify(value)]))
    },
    protectedKeys: Object.keys(objectOf(fields['configurationProtectedSettings'])).sort(),
    ...(currentVersion !== undefined && { currentVersion }),
    statuses: (Array.isArray(fields['statuses']) ? fields['statuses'] : []).map(statusOf),
    ...(typeof createdAt === 'string' && { createdAt }),
    ...(typeof lastModifiedAt === 'string' && { lastModifiedAt })
  }
}

/** Reads an operation's status out of a 200 answer. A body without a status is an operation under way. */
export function operationOf ({ headers, body }: ArmAnswer): OperationReading {
  const document = parseObject(body)
  const { code, message } = objectOf(document?.['error'])
  const retryAfterMs = retryAfterOf(headers)
  const requestId = headers['x-ms-request-id']
  const correlationId = headers['x-ms-correlation-request-id']
  const failed = typeof code === 'string' || typeof message === 'string'
  return {
    status: textOf(document?.['status']) ?? 'Unknown',
    ...(failed && {
      error: {
        ...(typeof code === 'string' && { code }),
        ...(typeof message === 'string' && { message }),
        ...(requestId !== undefined && { requestId }),
        ...(correlationId !== undefined && { correlationId })
      }
    }),
    ...(retryAfterMs !== undefined && { retryAfterMs })
  }
}

function statusOf (value: unknown): ExtensionStatus {
  const entry = objectOf(value)
  const code = textOf(entry['code'])
  const level = textOf(entry['level'])
  const message = textOf(entry['message'])
  return { ...(code !== undefined && { code }), ...(level !== undefined && { level }), ...(message !== undefined && { message }) }
}

function objectOf (value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value as Record<string, unknown> : {}
}

function textOf (value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}
