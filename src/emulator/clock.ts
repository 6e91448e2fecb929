/** The emulator's own time. `advance` moves it ahead of the machine's, so that nobody waits for an operation. */
export interface Clock {
  /** Milliseconds since 1970, as `Date.now()`. */
  now: () => number
  /** A moment in units of 100 ns, as .NET counts them: later than every stamp before it, by a millisecond at least, as clients read no finer. */
  stamp: () => bigint
  advance: (seconds: number) => void
  reset: () => void
}

const ticksPerMs = 10_000n

export function createClock (): Clock {
  let ahead = 0
  let last = 0n
  const now = () => Date.now() + ahead

  return {
    now,
    stamp () {
      const measured = stampOf(Date.now() + ahead) + process.hrtime.bigint() / 100n % ticksPerMs
      last = measured / ticksPerMs > last / ticksPerMs ? measured : last + ticksPerMs
      return last
    },
    advance (seconds) { ahead += seconds * 1000 },
    // What was stamped stays: time that went backwards would repeat stamps.
    reset () { ahead = 0 }
  }
}

/** A stamp as the extension resource provider writes it: seven digits and a numeric offset. */
export function dotnetTime (stamp: bigint): string {
  return `${digits(stamp)}+00:00`
}

/** A stamp as most of ARM writes it: seven digits and a Z. */
export function armTime (stamp: bigint): string {
  return `${digits(stamp)}Z`
}

/** Milliseconds as a stamp. */
export function stampOf (milliseconds: number): bigint {
  return BigInt(Math.floor(milliseconds)) * ticksPerMs
}

const ticksAt1970 = 621_355_968_000_000_000n

/** A stamp in .NET ticks, which signed operation URLs carry as `t`. */
export function ticks (stamp: bigint): string {
  return String(stamp + ticksAt1970)
}

function digits (stamp: bigint): string {
  const seconds = new Date(Number(stamp / ticksPerMs)).toISOString().slice(0, 19)
  return `${seconds}.${String(stamp % 10_000_000n).padStart(7, '0')}`
}
