import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, inject, onTestFinished, test, vi } from 'vitest'
import { copiedFiles, healthCommand, installCommand } from './dockerfile-checks.ts'
import { freePort } from '../helpers/stores-setup.ts'

// What the image does, without a container: the files that the Dockerfile copies, installed as it installs them,
// started with the commands of the image.
const root = join(import.meta.dirname, '../..')
const dockerfile = readFileSync(join(root, 'Dockerfile'), 'utf8')
const folder = mkdtempSync(join(tmpdir(), 'slipway-image-'))

beforeAll(async () => {
  for (const file of copiedFiles(dockerfile)) cpSync(join(root, file), join(folder, file), { recursive: true })
  const [npm = '', ...parameters] = installCommand(dockerfile)
  // What `npm ci` of the project downloaded is still in npm's cache.
  await promisify(execFile)(npm, [...parameters, '--prefer-offline', '--no-audit', '--no-fund'], { cwd: folder, env: { ...process.env, NODE_ENV: 'production', npm_config_update_notifier: 'false' } })
}, 120_000)

afterAll(() => { rmSync(folder, { recursive: true, force: true }) })

test('the production install has no development tool and no second Node', () => {
  const { devDependencies, optionalDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as
    Record<'devDependencies' | 'optionalDependencies', Record<string, string>>

  // A name of ours that a production dependency brings along as well is no leftover: only direct ones are looked for.
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as { packages: Record<string, { dev?: boolean, optional?: boolean }> }
  const unwanted = Object.keys({ ...devDependencies, ...optionalDependencies }).filter(name => {
    const locked = lock.packages[`node_modules/${name}`]
    return locked?.dev === true || locked?.optional === true
  })

  expect(unwanted).toContain('vitest')
  expect(unwanted.filter(name => existsSync(join(folder, 'node_modules', name)))).toEqual([])
  expect(readdirSync(folder).toSorted()).toEqual([...copiedFiles(dockerfile), 'node_modules'].toSorted())
})

test.each([
  { command: 'src/server.ts', portVariable: 'SLIPWAY_PORT', store: 'redisUrl' },
  { command: 'src/worker.ts', portVariable: 'SLIPWAY_WORKER_PORT', store: 'redisUrl' },
  { command: 'src/server.ts', portVariable: 'SLIPWAY_PORT', store: 'postgresUrl' },
  { command: 'src/worker.ts', portVariable: 'SLIPWAY_WORKER_PORT', store: 'postgresUrl' }
] as const)('node $command becomes ready on the production install with the $store, is healthy, and ends with 0 on SIGTERM', async ({ command, portVariable, store }) => {
  const port = await freePort()
  const ports = { SLIPWAY_PORT: String(await freePort()), SLIPWAY_WORKER_PORT: String(await freePort()), [portVariable]: String(port) }
  const started = start(command, { ...ports, SLIPWAY_STORE_URL: inject(store) })

  const ready = vi.waitFor(async () => { expect(await statusOf(port, '/readyz')).toBe(200) }, { timeout: 20_000, interval: 50 })
  await Promise.race([ready, started.exited.then(ending => { throw new Error(`It ended before it was ready: ${ending}`) })])
  expect(await statusOf(port, '/livez')).toBe(200)
  expect(await isHealthy(ports)).toBe(true)

  started.child.kill('SIGTERM')
  expect(await Promise.race([started.exited, setTimeout(10_000, 'still running after 10 s')])).toMatch(/^code 0, signal null\b/)
  expect(await isHealthy(ports)).toBe(false)
}, 40_000)

/** A running command; `exited` tells how it ended and all it had to say. */
interface Started { child: ChildProcess, exited: Promise<string> }

/** Starts a command of the image with nothing in its environment but what is named here. */
function start (command: string, environment: Record<string, string>): Started {
  const child = spawn(process.execPath, [command], {
    cwd: folder,
    env: {
      NODE_ENV: 'production',
      PATH: [dirname(process.execPath), process.env.PATH].join(delimiter),
      SLIPWAY_STORE_NAMESPACE: 'production_install', // no other test's jobs
      SLIPWAY_HOST: '127.0.0.1',
      SLIPWAY_WORKER_HOST: '127.0.0.1',
      // Never used: there is no job.
      AZURE_TENANT_ID: '11111111-1111-4111-8111-111111111111',
      AZURE_CLIENT_ID: '22222222-2222-4222-8222-222222222222',
      AZURE_CLIENT_SECRET: 'unused',
      ...environment
    }
  })
  let output = ''
  child.stdout.on('data', chunk => { output += String(chunk) })
  child.stderr.on('data', chunk => { output += String(chunk) })
  onTestFinished(() => { child.kill('SIGKILL') })
  return { child, exited: once(child, 'close').then(([code, signal]) => `code ${code}, signal ${signal}\n${output}`) }
}

/** What the image's own health check says. */
async function isHealthy (environment: Record<string, string>): Promise<boolean> {
  const [, ...parameters] = healthCommand(dockerfile)
  expect(parameters).not.toEqual([])
  const child = spawn(process.execPath, parameters, { cwd: folder, env: environment, stdio: 'ignore' })
  const [code] = await once(child, 'exit') as [number | null]
  return code === 0
}

async function statusOf (port: number, path: string): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, { signal: AbortSignal.timeout(2_000) })
  await response.body?.cancel()
  return response.status
}
