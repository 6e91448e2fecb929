/** How polling is paced; every number is configurable. */
export interface PollPace {
  /** Delay where ARM gives no Retry-After. */
  defaultMs: number
  /** Reads a second that polling may take of ARM's budget. */
  perSecond: number
}

/** When a job's operation is worth reading again, in milliseconds from now. */
export type PollDelay = (jobId: string, retryAfterMs?: number) => number

/**
 * max(Retry-After, or the default without one; operations in flight ÷ reads per second), plus up to a tenth so that
 * jobs accepted together do not poll together. ARM's budget holds for a subscription and again for the tenant; a worker
 * serves one tenant, whose operations are never fewer than a subscription's, so one count serves both. In flight are the
 * operations that this process has paced within twice the delay it gave them.
 */
export function createPollDelay ({ defaultMs, perSecond }: PollPace, now: () => number = Date.now): { delay: PollDelay, forget: (jobId: string) => void } {
  const pacedUntil = new Map<string, number>()
  let sweepAt = 0

  return {
    delay (jobId, retryAfterMs) {
      if (now() > sweepAt) sweep()
      pacedUntil.set(jobId, Infinity)
      const delayMs = Math.max(retryAfterMs ?? defaultMs, pacedUntil.size / perSecond * 1000)
      pacedUntil.set(jobId, now() + delayMs * 2)
      return Math.round(delayMs * (1 + Math.random() / 10))
    },
    forget (jobId) {
      pacedUntil.delete(jobId)
    }
  }

  /** Another worker may have ended a job that this one once paced. */
  function sweep (): void {
    sweepAt = now() + 10_000
    for (const [jobId, until] of pacedUntil) if (until < now()) pacedUntil.delete(jobId)
  }
}
