import { createPostgresStore } from './postgres.ts'
import { createRedisStore } from './redis.ts'
import type { JobStore, StoreOptions } from './store.ts'

/** Opens the store that a URL names; it need not answer yet. Throws for a URL that names none. */
export function openStore (options: StoreOptions): JobStore {
  if (/^(redis|rediss|redis\+sentinel|redis\+cluster):\/\//.test(options.url)) return createRedisStore(options)
  if (/^postgres(ql)?:\/\//.test(options.url)) return createPostgresStore(options)
  throw new Error('a store URL begins with redis://, rediss://, redis+sentinel://, redis+cluster:// or postgres://')
}
