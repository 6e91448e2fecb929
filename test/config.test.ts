import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { ConfigError, loadConfig, readPem, renderEnvExample, storeUrlOf } from '../src/config.ts'

test('.env.example is what the schema says', () => {
  expect(readFileSync(new URL('../.env.example', import.meta.url), 'utf8')).toBe(renderEnvExample())
})

test('nothing set gives the documented defaults, frozen', () => {
  const config = loadConfig({})
  expect(config).toMatchObject({ SLIPWAY_PORT: 8080, SLIPWAY_WORKER_CONCURRENCY: 200, SLIPWAY_LOCK_MS: 8_000, SLIPWAY_STALLED_INTERVAL_MS: 3_000, SLIPWAY_POLL_SECONDS: 30, SLIPWAY_SETTLE_SECONDS: 90, SLIPWAY_DEADLINE_MINUTES: 60, SLIPWAY_JOB_RETENTION_HOURS: 168, SLIPWAY_AZURE_CLOUD: 'AzureCloud', SLIPWAY_REQUIRE_DURABLE_STORE: false })
  expect(Object.isFrozen(config)).toBe(true)
})

test('text becomes what the schema says', () => {
  expect(loadConfig({ SLIPWAY_PORT: '81', SLIPWAY_REQUIRE_DURABLE_STORE: 'true', SLIPWAY_POLL_SECONDS: '0.5', SLIPWAY_DOCS: 'false' })).toMatchObject({ SLIPWAY_PORT: 81, SLIPWAY_REQUIRE_DURABLE_STORE: true, SLIPWAY_POLL_SECONDS: 0.5, SLIPWAY_DOCS: false })
})

test('an empty variable is one that is not set', () => {
  expect(loadConfig({ SLIPWAY_STORE_URL: '', SLIPWAY_PORT: '' })).toMatchObject({ SLIPWAY_PORT: 8080 })
})

test('everything that is wrong is said at once, with the nearest known name, and without values', () => {
  const refused = () => loadConfig({ SLIPWAY_STORE_ULR: 'redis://user:secret@h', SLIPWAY_STORE_URL: 'http://secret', SLIPWAY_PORT: 'eighty', SLIPWAY_JOB_RETENTION_HOURS: '1', SLIPWAY_AZURE_CLOUD: 'Mars' })
  expect(refused).toThrow(ConfigError)
  const message = messageOf(refused)
  for (const part of ['SLIPWAY_STORE_ULR is not a variable of Slipway. Did you mean SLIPWAY_STORE_URL?', 'SLIPWAY_STORE_URL ', 'SLIPWAY_PORT ', 'SLIPWAY_JOB_RETENTION_HOURS ', 'SLIPWAY_AZURE_CLOUD ']) expect(message).toContain(part)
  expect(message).not.toContain('secret')
})

test('other people\'s variables are none of our business', () => {
  expect(loadConfig({ PATH: '/bin', AZURE_CLIENT_ID: 'x', SLIPWAY_TEST_REDIS_URL: 'y' })).not.toHaveProperty('PATH')
})

test('a process without a store is told which variable to set', () => {
  expect(messageOf(() => storeUrlOf(loadConfig({})))).toContain('SLIPWAY_STORE_URL')
})

test('a certificate file that cannot be read is named with its variable', () => {
  expect(messageOf(() => readPem('/nowhere/ca.pem', 'SLIPWAY_AZURE_CA_FILE'))).toContain('SLIPWAY_AZURE_CA_FILE')
})

function messageOf (run: () => unknown): string {
  try {
    run()
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
  throw new Error('nothing was thrown')
}
