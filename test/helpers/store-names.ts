/** What the stores are called in the titles of tests. */
export const storeNames = { redis: 'Redis', postgres: 'PostgreSQL' } as const
