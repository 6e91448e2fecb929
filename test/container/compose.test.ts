import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { defaultCommand } from './dockerfile-checks.ts'

interface Service {
  image: string
  command: string[]
  profiles?: string[]
  user?: string
  read_only?: boolean
  cap_drop?: string[]
  security_opt?: string[]
  environment?: Record<string, string>
  env_file?: { path: string, required?: boolean }[]
  ports?: string[]
  networks?: string[]
  volumes?: { type: string, source: string, target: string, read_only?: boolean, bind?: { create_host_path: boolean } }[]
  healthcheck?: { test: string[] }
  depends_on?: Record<string, { condition: string, required?: boolean }>
}

const root = join(import.meta.dirname, '../..')
const compose = parse(readFileSync(join(root, 'docker-compose.yml'), 'utf8'), { merge: true }) as
  { services: Record<'api' | 'worker' | 'redis' | 'emulator', Service>, networks: Record<string, { internal?: boolean } | null>, volumes: Record<string, unknown> }
const { api, worker, redis, emulator } = compose.services
const services = Object.entries(compose.services)

test('API, worker and emulator are one image with different commands', () => {
  expect(new Set([api.image, worker.image, emulator.image]).size).toBe(1)
  expect(api.command).toEqual(defaultCommand(readFileSync(join(root, 'Dockerfile'), 'utf8')))
  expect(worker.command).toEqual(['node', 'src/worker.ts'])
  expect(emulator.command.slice(0, 2)).toEqual(['node', 'src/emulator.ts'])
})

test.each(services)('%s publishes on loopback only', (_name, { ports = [] }) => {
  expect(ports.filter(port => !port.startsWith('127.0.0.1:'))).toEqual([])
})

test.each(services)('%s has a health check and can do little harm', (_name, service) => {
  expect(service.healthcheck?.test[0]).toBe('CMD')
  expect(service.read_only).toBe(true)
  expect(service.cap_drop).toEqual(['ALL'])
  expect(service.security_opt).toEqual(['no-new-privileges:true'])
})

test.each(services)('%s runs a pinned image', (_name, { image }) => {
  expect(image).toMatch(/:\d+\.\d+\.\d+(-\w+)?$/)
})

test.each(services)('%s names only volumes and networks that exist', (_name, { volumes = [], networks = [] }) => {
  const named = volumes.filter(({ type }) => type === 'volume').map(({ source }) => source)

  expect(Object.keys(compose.volumes)).toEqual(expect.arrayContaining(named))
  expect(['default', ...Object.keys(compose.networks)]).toEqual(expect.arrayContaining(networks))
})

test('Redis loses nothing that was accepted: on disk before the answer, nothing evicted, on a volume', () => {
  expect(flags(redis)).toMatchObject({ appendonly: 'yes', appendfsync: 'always', 'maxmemory-policy': 'noeviction' })
  expect(redis.volumes).toEqual([{ type: 'volume', source: 'redis', target: '/data' }])
})

test('Redis is reachable by API and worker, and by nobody else', () => {
  expect(redis.ports).toBeUndefined()
  expect(redis.networks).toEqual(['store'])
  expect(compose.networks['store']).toEqual({ internal: true })
  expect(services.filter(([, { networks = [] }]) => networks.includes('store')).map(([name]) => name)).toEqual(['api', 'worker', 'redis'])
})

test.each([['api', api], ['worker', worker]] as const)('%s waits for Redis, and for the emulator where there is one', (_name, { depends_on: dependsOn, environment }) => {
  expect(environment?.['SLIPWAY_STORE_URL']).toBe('redis://redis:6379')
  expect(dependsOn?.['redis']).toEqual({ condition: 'service_healthy' })
  expect(dependsOn?.['emulator']).toMatchObject({ condition: 'service_healthy', required: false })
})

test('the API has a callers file, because it listens beyond the loopback of its container', () => {
  const folder = api.volumes?.find(({ type }) => type === 'bind')

  expect(api.environment?.['SLIPWAY_HOST']).toBe('0.0.0.0')
  expect(api.environment?.['SLIPWAY_CALLERS_FILE']).toBe('/etc/slipway/callers.yaml')
  expect(folder).toMatchObject({ target: '/etc/slipway', read_only: true, bind: { create_host_path: false } })
})

test('API and worker may have an Azure identity each', () => {
  expect(api.env_file).toContainEqual({ path: '.env.api', required: false })
  expect(worker.env_file).toContainEqual({ path: '.env.worker', required: false })
})

test('the emulator is there only when its profile is asked for, and leaves its CA where the others read it', () => {
  const { 'ca-file': caFile, host, name } = flags(emulator)
  const volume = emulator.volumes?.find(({ target }) => caFile?.startsWith(`${target}/`))

  expect(emulator.profiles).toEqual(['emulator'])
  expect({ host, name }).toEqual({ host: '0.0.0.0', name: 'emulator' })
  for (const { volumes } of [api, worker]) expect(volumes).toContainEqual({ ...volume, read_only: true })
})

test('docker-compose.emulator.env points API and worker at the emulator', () => {
  const file = 'docker-compose.emulator.env'
  const environment = parseEnv(readFileSync(join(root, file), 'utf8'))
  const { port, name, 'ca-file': caFile } = flags(emulator)

  expect(environment).toMatchObject({
    COMPOSE_PROFILES: 'emulator',
    AZURE_ENV_FILE: file,
    SLIPWAY_ARM_ENDPOINT: `https://${String(name)}:${String(port)}`,
    AZURE_AUTHORITY_HOST: `https://${String(name)}:${String(port)}`,
    SLIPWAY_AZURE_CA_FILE: caFile,
    SLIPWAY_DISABLE_INSTANCE_DISCOVERY: 'true'
  })
  expect(api.env_file?.[0]?.path).toBe('${AZURE_ENV_FILE:-.env}')
  expect(worker.env_file?.[0]?.path).toBe('${AZURE_ENV_FILE:-.env}')
})

test('every source file that a command names exists', () => {
  const files = services.flatMap(([, { command }]) => command.filter(word => word.startsWith('src/')))

  expect(files.filter(file => !existsSync(join(root, file)))).toEqual([])
})

/** `--name value` pairs of a command. */
function flags ({ command }: Service): Record<string, string | undefined> {
  return Object.fromEntries(command.flatMap((word, index) => word.startsWith('--') ? [[word.slice(2), command[index + 1]]] : []))
}
