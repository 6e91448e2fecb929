import { Problem } from '../errors.ts'

/** What a store call may take inside a request, in milliseconds: a caller rather hears 503 than waits. */
export const storeDeadlineMs = 2_000

/**
 * Waits for a store call, at most `storeDeadlineMs`. Rejects with `StoreUnavailable` when it fails or is late; a late
 * call may still take effect, and asking again with the same idempotency key finds out.
 */
export async function withinDeadline<T> (call: Promise<T>, deadlineMs = storeDeadlineMs): Promise<T> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => { late.reject(new Error(`no answer within ${deadlineMs} ms`)) }, deadlineMs)
  try {
    return await Promise.race([call, late.promise])
  } catch (cause) {
    throw new Problem('StoreUnavailable', 'The job store did not answer in time. If this request was to start something, it may have: send it again, with the same Idempotency-Key if it had one.', { cause })
  } finally {
    clearTimeout(timer)
    call.catch(() => undefined) // a failure after the deadline has nobody left to hear it
  }
}
