import { Cluster, Redis } from 'ioredis'
import type { StoreOptions } from './store.ts'

/**
 * Connects to what the URL names, and goes on trying for as long as it lives. A command waits for the connection, so
 * whoever must not wait sets a deadline. Throws for a URL that names nothing.
 */
export function connectRedis ({ url, ca }: Pick<StoreOptions, 'url' | 'ca'>): Redis | Cluster {
  const tls = ca === undefined ? {} : { tls: { ca } }
  const common = {
    maxRetriesPerRequest: null, // workers block on purpose; requests have deadlines of their own
    retryStrategy: (tries: number) => Math.min(tries * 100, 1_000)
  }
  if (url.startsWith('redis+sentinel://')) {
    const { hosts, credentials, path } = parseHosts(url, 26_379)
    const [name, db = '0'] = path
    if (!name) throw new Error('redis+sentinel:// needs the name of the master: redis+sentinel://host1,host2/master')
    return new Redis({ ...common, ...credentials, sentinels: hosts, name, db: Number(db), sentinelRetryStrategy: common.retryStrategy })
  }
  if (url.startsWith('redis+cluster://')) {
    const { hosts, credentials } = parseHosts(url, 6_379)
    return new Cluster(hosts, { redisOptions: { maxRetriesPerRequest: null, ...credentials, ...tls }, clusterRetryStrategy: common.retryStrategy })
  }
  return new Redis(url, { ...common, ...(url.startsWith('rediss://') && tls) })
}

/** A Lua script as a function: keys first, then arguments. Redis is sent the script's hash, and the script itself only when it lacks it. */
export function scriptOf (client: Redis | Cluster, name: string, numberOfKeys: number, lua: string): (...keysAndArgs: (string | number)[]) => Promise<unknown> {
  client.defineCommand(name, { numberOfKeys, lua })
  // `defineCommand` adds the method at run time; its types cannot say so.
  const commands = client as unknown as Record<string, (...keysAndArgs: (string | number)[]) => Promise<unknown>>
  return async (...keysAndArgs) => await commands[name]?.(...keysAndArgs)
}

/** Every server that holds jobs: one, or the masters of a Cluster. */
export function mastersOf (client: Redis | Cluster): Redis[] {
  return client instanceof Cluster ? client.nodes('master') : [client]
}

/** `scheme://user:password@h1:p1,h2:p2/a/b`: several hosts are more than URL can parse. */
function parseHosts (url: string, defaultPort: number): { hosts: { host: string, port: number }[], credentials: { username?: string, password?: string }, path: string[] } {
  const [, login = '', list = '', path = ''] = /^[^:]+:\/\/(?:([^@]*)@)?([^/]*)\/?(.*)$/.exec(url) ?? []
  const hosts = list.split(',').filter(Boolean).map(entry => {
    const [, host = '', port] = /^(.*?)(?::(\d+))?$/.exec(entry) ?? []
    return { host: host.replace(/^\[|\]$/g, ''), port: Number(port ?? defaultPort) }
  })
  if (hosts.length === 0) throw new Error('the store URL names no host')
  const [username = '', password = ''] = login.split(':').map(decodeURIComponent)
  const credentials = { ...(username !== '' && { username }), ...(password !== '' && { password }) }
  return { hosts, credentials, path: path.split('/') }
}
