import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import type { TestProject } from 'vitest/node'
import { startEmbeddedPostgres } from '../../src/jobs/stores/embedded.ts'

declare module 'vitest' {
  interface ProvidedContext {
    redisUrl: string
    postgresUrl: string
    /** The redis-server (or valkey-server) of this machine, for tests that need one of their own. */
    redisServer: string
  }
}

/** One Redis and one PostgreSQL for the whole run. A store that cannot be had fails the run. */
export default async function setup (project: TestProject): Promise<() => Promise<void>> {
  const redisServer = findRedisServer()
  const given = process.env['SLIPWAY_TEST_REDIS_URL']
  const [redis, postgres] = await Promise.all([
    given === undefined ? startRedis(redisServer) : { url: given, stop: () => Promise.resolve() },
    startEmbeddedPostgres()
  ])
  project.provide('redisUrl', redis.url)
  project.provide('postgresUrl', postgres.url)
  project.provide('redisServer', redisServer)
  return async () => {
    await Promise.all([redis.stop(), postgres.stop()])
  }
}

/** Starts a Redis on a free port of loopback; it ends with `stop`. `options` are lines of its configuration. */
export async function startRedis (redisServer: string, options: Record<string, string | string[]> = {}, port?: number): Promise<{ url: string, port: number, child: ChildProcess, stop: () => Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-redis-'))
  const ownPort = port ?? await freePort()
  const settings: Record<string, string | string[]> = { port: String(ownPort), bind: '127.0.0.1', dir: folder, save: '', appendonly: 'yes', appendfsync: 'always', 'maxmemory-policy': 'noeviction', daemonize: 'no', ...options }
  const child = spawn(redisServer, Object.entries(settings).flatMap(([name, value]) => [`--${name}`, ...[value].flat()]), { stdio: 'ignore' })
  process.once('exit', () => child.kill('SIGKILL'))
  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL')
      await once(child, 'exit')
    }
    rmSync(folder, { recursive: true, force: true })
  }
  // One that speaks TLS only answers nobody without its certificate; its clients wait for it themselves.
  if (settings.port !== '0') await answers(ownPort)
  return { url: `redis://127.0.0.1:${ownPort}`, port: ownPort, child, stop }
}

/** A port of loopback that nobody listens on. */
export async function freePort (): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

async function answers (port: number): Promise<void> {
  const client = new Redis(port, '127.0.0.1', { retryStrategy: () => 20, maxRetriesPerRequest: null })
  client.on('error', () => undefined) // it is about to come up
  // A Redis that asks for a password answers, too.
  await client.ping().catch((error: unknown) => { if (!String(error).includes('NOAUTH')) throw error })
  client.disconnect()
}

/** The Redis of this machine; installed where that is possible. Throws, saying how to get one, where it is not. */
export function findRedisServer (): string {
  return findCommand(['redis-server', 'valkey-server'], 'redis-server')
}

/** The first of these commands that is on the PATH; installed from Debian's package where that is possible. */
export function findCommand (names: string[], debianPackage: string): string {
  const found = names.find(isOnPath)
  if (found !== undefined) return found
  if (process.getuid?.() === 0 && isOnPath('apt-get')) {
    execFileSync('apt-get', ['update', '-qq'], { stdio: 'inherit' })
    execFileSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', debianPackage], { stdio: 'inherit', env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } })
    return names[0] ?? debianPackage
  }
  throw new Error(`The tests need ${names.join(' or ')}: install it, so that it is on the PATH (brew install ${debianPackage}, apt-get install ${debianPackage}).`)
}

function isOnPath (name: string): boolean {
  try {
    execFileSync(name, ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
