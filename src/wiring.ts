import type { Logger } from 'pino'
import type { AzureOptions } from './azure/arm-client.ts'
import { readPem, type Config } from './config.ts'
import { openStore } from './jobs/stores/open-store.ts'
import type { JobStore } from './jobs/stores/store.ts'

/** Which Azure the configuration names. Throws `ConfigError` when its certificate file cannot be read. */
export function azureOptionsOf (config: Config): AzureOptions {
  const ca = readPem(config.SLIPWAY_AZURE_CA_FILE, 'SLIPWAY_AZURE_CA_FILE')
  return {
    cloud: config.SLIPWAY_AZURE_CLOUD,
    ...(config.SLIPWAY_ARM_ENDPOINT !== undefined && { armEndpoint: config.SLIPWAY_ARM_ENDPOINT }),
    ...(config.AZURE_AUTHORITY_HOST !== undefined && { authorityHost: config.AZURE_AUTHORITY_HOST }),
    ...(ca !== undefined && { ca }),
    disableInstanceDiscovery: config.SLIPWAY_DISABLE_INSTANCE_DISCOVERY
  }
}

/** Opens the store that the configuration names; it need not answer yet. */
export function openConfiguredStore (config: Config, url: string, log: Logger): JobStore {
  const ca = readPem(config.SLIPWAY_STORE_CA_FILE, 'SLIPWAY_STORE_CA_FILE')
  const hourMs = 3_600_000
  const longestJobMs = Math.max(config.SLIPWAY_DEADLINE_MINUTES, config.SLIPWAY_DELETE_DEADLINE_MINUTES) * 60_000
  return openStore({
    url,
    namespace: config.SLIPWAY_STORE_NAMESPACE,
    ...(ca !== undefined && { ca }),
    indexRetentionMs: config.SLIPWAY_JOB_RETENTION_HOURS * hourMs + longestJobMs + 24 * hourMs, // a day for jobs that waited for a worker
    onError: quietly(log)
  })
}

const repeatAfterMs = 10_000

/** Logs a store's errors. Each connection of a store that is away fails several times a second: the same words are said now and then. */
function quietly (log: Logger): (error: Error) => void {
  const said = new Map<string, { at: number, unsaid: number }>()
  return error => {
    const last = said.get(error.message)
    if (last && Date.now() - last.at < repeatAfterMs) {
      last.unsaid += 1
      return
    }
    if (said.size > 100) said.clear() // messages with ids in them must not pile up
    said.set(error.message, { at: Date.now(), unsaid: 0 })
    log.warn({ err: error, ...(last && last.unsaid > 0 && { timesSince: last.unsaid }) }, 'job store')
  }
}
