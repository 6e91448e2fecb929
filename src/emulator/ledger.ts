import { createHash } from 'node:crypto'
import { isObject } from './call.ts'

/** What a write did. Writes that changed nothing have no entry. */
export type Effect = 'created' | 'replaced' | 'patched' | 'deleted' | 'registered'

export interface LedgerEntry {
  /** From 1, without gaps. */
  seq: number
  at: string
  method: string
  /** ARM id of what was written. */
  id: string
  /** Body as sent, protected values as `sha256:<hex>`. Null when the request had none. */
  body: unknown
  effect: Effect
  clientRequestId: string | null
}

/** One ARM request that was answered, or cut off: then its status is null. */
export interface RequestEntry {
  seq: number
  at: string
  method: string
  path: string
  status: number | null
  clientRequestId: string | null
}

/** An append-only, numbered list that may forget its oldest entries. */
export interface Log<Entry extends { seq: number }> {
  add: (entry: Omit<Entry, 'seq'>) => void
  since: (seq: number) => Entry[]
  reset: () => void
}

export function createLog<Entry extends { seq: number }> (capacity = Number.POSITIVE_INFINITY): Log<Entry> {
  let entries: Entry[] = []
  let lastSeq = 0

  return {
    add (entry) {
      lastSeq += 1
      entries.push({ seq: lastSeq, ...entry } as unknown as Entry) // Omit<Entry, 'seq'> and a seq are an Entry
      if (entries.length >= capacity * 2) entries = entries.slice(-capacity) // rarely, and never fewer than promised
    },
    since: seq => entries.slice(-capacity).filter(entry => entry.seq > seq),
    reset () {
      entries = []
      lastSeq = 0
    }
  }
}

/** A request body fit for showing: what was protected can be compared, not read. */
export function hashProtected (body: Record<string, unknown>): Record<string, unknown> {
  const properties = body['properties']
  if (!isObject(properties) || !isObject(properties['configurationProtectedSettings'])) return body
  const settings = Object.entries(properties['configurationProtectedSettings'])
  const hashed = Object.fromEntries(settings.map(([key, value]) => [key, sha256(String(value))] as const))
  return { ...body, properties: { ...properties, configurationProtectedSettings: hashed } }
}

const signedParameters = /(?<=[?&])([csh])=[^&]*/g

/** A path with its query, without what makes an operation URL a secret. */
export function withoutSignature (path: string): string {
  return path.replace(signedParameters, '$1=')
}

function sha256 (value: string): string {
  return `sha256:${createHash('sha256').update(value).digest('hex')}`
}
