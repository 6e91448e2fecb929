import { createHmac, timingSafeEqual } from 'node:crypto'
import { Problem } from '../errors.ts'
import { hashOf } from './job.ts'
import type { IndexPosition } from './stores/store.ts'

/** Writes and reads the cursors of lists: opaque, signed, bound to the filters of their list, and granting nothing. */
export interface Cursors {
  write: (position: IndexPosition, filters: unknown) => string
  /** Throws `InvalidCursor` for anything that `write` did not make with the same filters. */
  read: (cursor: string, filters: unknown) => IndexPosition
}

/** Cursors signed with a secret that every API process shares. */
export function createCursors (secret: string): Cursors {
  const sign = (payload: string, filters: unknown) =>
    createHmac('sha256', secret).update(`${payload}\n${hashOf(filters)}`).digest().subarray(0, 16)

  return {
    write ({ createdAt, jobId }, filters) {
      const payload = Buffer.from(JSON.stringify([createdAt, jobId])).toString('base64url')
      return `${payload}.${sign(payload, filters).toString('base64url')}`
    },

    read (cursor, filters) {
      const [payload = '', signature = ''] = cursor.split('.')
      const given = Buffer.from(signature, 'base64url')
      const expected = sign(payload, filters)
      if (given.length !== expected.length || !timingSafeEqual(given, expected)) {
        throw new Problem('InvalidCursor', 'This cursor was not handed out by this list with these filters. Begin again without a cursor, or follow nextLink as it is.', {
          errors: [{ in: 'query', pointer: '/cursor', detail: 'must be the cursor of a nextLink of this list, with the same filters' }]
        })
      }
      // The signature proves that `write` made it.
      const [createdAt, jobId] = JSON.parse(Buffer.from(payload, 'base64url').toString()) as [number, string]
      return { createdAt, jobId }
    }
  }
}
