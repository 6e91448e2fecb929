import { randomBytes } from 'node:crypto'
import { afterAll, describe, inject } from 'vitest'
import { openStore } from '../../src/jobs/stores/open-store.ts'
import type { JobStore, StoreOptions } from '../../src/jobs/stores/store.ts'
import { storeNames } from './store-names.ts'

/** One of the stores that tests run on. */
export interface TestStore {
  kind: keyof typeof storeNames
  url: string
  /** Namespace of this suite alone. */
  namespace: string
  /** Opens the store; closed after the suite. */
  open: (options?: Partial<StoreOptions>) => JobStore
}

/** Runs a suite on Redis and on PostgreSQL, each in a namespace of its own. */
export function describeEachStore (title: string, suite: (store: TestStore) => void): void {
  for (const kind of ['redis', 'postgres'] as const) {
    describe(`${title} [${storeNames[kind]}]`, () => {
      const url = inject(kind === 'redis' ? 'redisUrl' : 'postgresUrl')
      const namespace = uniqueNamespace()
      const opened: JobStore[] = []
      afterAll(async () => { await Promise.all(opened.map(async store => { await store.close() })) })
      suite({
        kind,
        url,
        namespace,
        open (options = {}) {
          const store = openStore({ url, namespace, indexRetentionMs: 86_400_000, onError: () => undefined, ...options })
          opened.push(store)
          return store
        }
      })
    })
  }
}

/** A namespace that no other suite uses. */
export function uniqueNamespace (): string {
  return `t${randomBytes(6).toString('hex')}`
}
