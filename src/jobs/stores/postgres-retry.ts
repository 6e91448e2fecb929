let deadlocks = 0

/** How many deadlocks this process has met and retried. */
export function deadlockCount (): number {
  return deadlocks
}

/** Runs a statement again when PostgreSQL chose it as the victim of a deadlock (40P01), which is expected under load. */
export async function withDeadlockRetry<T> (run: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await run()
    } catch (error) {
      const isDeadlock = error instanceof Error && 'code' in error && error.code === '40P01'
      if (!isDeadlock || tries === 5) throw error
      deadlocks += 1
    }
  }
}
