import type { Logger } from 'pino'
import { buildApp } from './app.ts'
import { createArmClient } from './azure/arm-client.ts'
import { createExtensions } from './azure/extensions.ts'
import { ConfigError, loadConfig, storeUrlOf, type Config } from './config.ts'
import { withinDeadline } from './jobs/deadline.ts'
import { checkDurability, StoreNotDurable } from './jobs/durability.ts'
import { createJobQueue } from './jobs/queue.ts'
import type { JobStore } from './jobs/stores/store.ts'
import { createLog } from './log.ts'
import { watchCallers, type FindCaller } from './plugins/callers.ts'
import { runProcess } from './process.ts'
import { version } from './version.ts'
import { azureOptionsOf, openConfiguredStore } from './wiring.ts'

/** A running API. */
export interface Server {
  /** Where it listens. */
  url: string
  close: () => Promise<void>
}

/** Starts the API on a store that need not answer yet. Throws `ConfigError` for what only the operator can mend. */
export async function startServer ({ config, log, store, fail }: { config: Config, log: Logger, store: JobStore, fail: (error: unknown) => void }): Promise<Server> {
  const findCaller = callersOf(config, log)
  const host = hostOf(config, findCaller !== undefined)
  const publicUrl = (config.SLIPWAY_PUBLIC_URL ?? `http://localhost:${config.SLIPWAY_PORT}`).replace(/\/+$/, '')
  const closing = new AbortController()

  const jobs = createJobQueue({
    store,
    retentionMs: config.SLIPWAY_JOB_RETENTION_HOURS * 3_600_000,
    monitorUrl: id => `${publicUrl}/v1/jobs/${id}`,
    closing: closing.signal
  })
  const app = await buildApp({
    jobs,
    extensions: createExtensions(createArmClient(azureOptionsOf(config))),
    readiness: async () => {
      if (closing.signal.aborted) return ['This process is stopping.']
      return await jobs.ping().then(() => [], () => ['The job store cannot be reached.'])
    },
    findCaller,
    publicUrl,
    cursorSecret: async () => await withinDeadline(store.sharedSecret('cursor')),
    version,
    docs: config.SLIPWAY_DOCS ?? config.NODE_ENV !== 'production',
    log
  })
  const url = await app.listen({ host, port: config.SLIPWAY_PORT })
  if (findCaller === undefined) log.warn({ host }, 'NO CALLERS ARE CONFIGURED: everybody on this machine may use the API. Set SLIPWAY_CALLERS_FILE.')
  void watchDurability()
  return {
    url,
    async close () {
      closing.abort() // ends long polls, which closing would wait for
      await app.close()
      await store.close()
    }
  }

  /** The store may come up after the API: its settings are looked at when it answers. */
  async function watchDurability (): Promise<void> {
    while (!closing.signal.aborted) {
      try {
        await checkDurability(store, config.SLIPWAY_REQUIRE_DURABLE_STORE, log)
        return
      } catch (error) {
        if (error instanceof StoreNotDurable) {
          fail(error)
          return
        }
        await new Promise(resolve => { setTimeout(resolve, 2_000).unref() })
      }
    }
  }
}

function callersOf ({ SLIPWAY_CALLERS_FILE: path }: Config, log: Logger): FindCaller | undefined {
  if (path === undefined) return undefined
  try {
    return watchCallers(path, error => { log.error({ err: error }, 'the callers file has become invalid; the callers known before stay') })
  } catch (error) {
    throw new ConfigError([`SLIPWAY_CALLERS_FILE: ${error instanceof Error ? error.message : String(error)}`])
  }
}

/** Without callers everybody who reaches the API may change clusters: then it is this machine only. */
function hostOf ({ SLIPWAY_HOST: host }: Config, hasCallers: boolean): string {
  if (hasCallers) return host ?? '0.0.0.0'
  if (host === undefined || ['127.0.0.1', '::1', 'localhost'].includes(host)) return host ?? '127.0.0.1'
  throw new ConfigError([`SLIPWAY_HOST is ${host}, but no callers are configured, so the API may only listen on 127.0.0.1. Set SLIPWAY_CALLERS_FILE (npm run token makes an entry), or leave SLIPWAY_HOST out.`])
}

if (import.meta.main) {
  const log = createLog('info', 'slipway-api')
  await runProcess(log, async fail => {
    const config = loadConfig()
    log.level = config.SLIPWAY_LOG_LEVEL
    const store = openConfiguredStore(config, storeUrlOf(config), log)
    const server = await startServer({ config, log, store, fail })
    log.info({ url: server.url, version }, 'the API listens')
    return server
  })
}
