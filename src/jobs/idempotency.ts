import { createHash } from 'node:crypto'
import { Problem } from '../errors.ts'

/**
 * Reads an Idempotency-Key: 1 to 255 visible ASCII characters, bare or as a quoted string. Both spellings are one key.
 * Throws `InvalidIdempotencyKey`.
 */
export function parseIdempotencyKey (header: string | undefined): string | undefined {
  if (header === undefined) return undefined
  const key = /^"(.*)"$/s.exec(header)?.[1] ?? header
  if (!/^[\x21-\x7e]{1,255}$/.test(key)) {
    throw new Problem('InvalidIdempotencyKey', 'An Idempotency-Key has 1 to 255 visible ASCII characters without spaces, bare or in double quotes.', {
      errors: [{ in: 'header', pointer: '/idempotency-key', detail: 'must match ^[\\x21-\\x7e]{1,255}$' }]
    })
  }
  return key
}

/** Whether an id can be one that Slipway gave to a job. The queue keeps other things beside its jobs, under names like ids. */
export function isJobId (id: string): boolean {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id)
}

/** The job id that a caller's key stands for: keys belong to their caller. In the form of a UUID (version 8, RFC 9562). */
export function jobIdFor (caller: string, key: string): string {
  const bytes = createHash('sha256').update(`${caller}\n${key}`).digest().subarray(0, 16)
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x80, 6)
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8)
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}
