/** The store's clock as this process reckons it. */
export interface StoreClock {
  /** Milliseconds since the epoch. */
  now: () => number
  /** How far this machine's clock is ahead of the store's, in milliseconds, when last measured. */
  offsetMs: () => number
  /** Measures again; rejects, and leaves the offset as it was, when the store cannot be reached or is too slow to tell. */
  measure: () => Promise<number>
}

const slowestMs = 1_000 // half of a longer round trip is no guess, but an error as large as those that matter

/** Reckons the store's time from the machine's and the offset last measured; call `measure` now and then. */
export function createStoreClock (storeNow: () => Promise<number>): StoreClock {
  let offsetMs = 0
  return {
    now: () => Date.now() - offsetMs,
    offsetMs: () => offsetMs,
    async measure () {
      const before = Date.now()
      const there = await storeNow()
      const after = Date.now()
      if (after - before > slowestMs) throw new Error(`the job store took ${after - before} ms to tell its time`)
      offsetMs = Math.round((before + after) / 2 - there) // half the round trip is the best guess for the moment it was read
      return offsetMs
    }
  }
}
