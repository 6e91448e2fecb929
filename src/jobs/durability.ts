import type { Logger } from 'pino'
import type { JobStore } from './stores/store.ts'

/** The store may lose what it acknowledged, and the configuration forbids that. */
export class StoreNotDurable extends Error {
  constructor (findings: readonly string[]) {
    super(`SLIPWAY_REQUIRE_DURABLE_STORE is set, and the job store may lose jobs: ${findings.join(' ')}`)
    this.name = 'StoreNotDurable'
  }
}

/** Looks at the store's own settings: warns of what may lose jobs, or throws `StoreNotDurable` where that is forbidden. */
export async function checkDurability (store: Pick<JobStore, 'durability'>, required: boolean, log: Logger): Promise<void> {
  const { state, findings } = await store.durability()
  if (state === 'durable') return
  if (state === 'lossy' && required) throw new StoreNotDurable(findings)
  for (const finding of findings) log.warn({ durability: state }, `JOB STORE: ${finding}`)
}
