/** The store's clock as this process reckons it. */
export interface StoreClock {
  /** Milliseconds since the epoch. */
  now: () => number
  /** How far this machine's clock is ahead of the store's, in milliseconds, when last measured. */
  offsetMs: () => number
  /** Measures again; rejects when the store cannot be reached. */
  measure: () => Promise<number>
}

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
      offsetMs = Math.round((before + after) / 2 - there) // half the round trip is the best guess for the moment it was read
      return offsetMs
    }
  }
}
