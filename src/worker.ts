import type { Worker } from 'bullmq'
import type { Logger } from 'pino'
import { buildHealthApp } from './app.ts'
import { createArmClient } from './azure/arm-client.ts'
import { createExtensions } from './azure/extensions.ts'
import { loadConfig, storeUrlOf, type Config } from './config.ts'
import { createStoreClock } from './jobs/clock.ts'
import { checkDurability, StoreNotDurable } from './jobs/durability.ts'
import type { JobData, Outcome } from './jobs/job.ts'
import { createPollDelay } from './jobs/poll-delay.ts'
import { createProcessor } from './jobs/processor.ts'
import { indexEntryOf, recordOf } from './jobs/queue.ts'
import { createSteps } from './jobs/steps.ts'
import type { JobStore } from './jobs/stores/store.ts'
import { writeTimesFor } from './jobs/write-once.ts'
import { createLog } from './log.ts'
import { runProcess } from './process.ts'
import { version } from './version.ts'
import { azureOptionsOf, openConfiguredStore } from './wiring.ts'

/** A running worker. */
export interface RunningWorker {
  /** Where its health is served. */
  url: string
  close: () => Promise<void>
}

const clockOffsetMostMs = 2_000 // beyond it a worker would take over jobs of a live one, or send too late
const clockEveryMs = 60_000
const closeWithinMs = 8_000 // a write may stay on its way for longer; its intent is saved, and another worker finds out

/** Starts working on jobs as soon as the store answers and the clocks agree. */
export async function startWorker ({ config, log, store, fail }: { config: Config, log: Logger, store: JobStore, fail: (error: unknown) => void }): Promise<RunningWorker> {
  const clock = createStoreClock(() => store.now())
  const pace = createPollDelay({ defaultMs: config.SLIPWAY_POLL_SECONDS * 1000, perSecond: config.SLIPWAY_POLLS_PER_SECOND })
  let stopping = false
  let holdingBack: string | undefined = 'The job store has not answered yet.'

  const steps = createSteps({
    extensions: createExtensions(createArmClient(azureOptionsOf(config))),
    pollDelay: pace.delay,
    writeTimes: writeTimesFor(config.SLIPWAY_SETTLE_SECONDS * 1000)
  })
  const processJob = createProcessor({
    steps,
    store,
    now: clock.now,
    deadlineMs: {
      install: config.SLIPWAY_DEADLINE_MINUTES * 60_000,
      update: config.SLIPWAY_DEADLINE_MINUTES * 60_000,
      delete: config.SLIPWAY_DELETE_DEADLINE_MINUTES * 60_000
    },
    isStopping: () => stopping,
    onStart: job => { index(store, { ...recordOf(job), processedOn: clock.now() }) },
    log
  })
  const worker: Worker<JobData, Outcome> = store.createWorker(processJob, {
    autorun: false,
    concurrency: config.SLIPWAY_WORKER_CONCURRENCY,
    lockDuration: config.SLIPWAY_LOCK_MS, // a killed worker's job is resumed this much later, plus one interval
    stalledInterval: config.SLIPWAY_STALLED_INTERVAL_MS,
    maxStalledCount: 20 // the default of 1 fails a job for good when its worker is killed twice
  })
  worker.on('completed', job => {
    pace.forget(String(job.id))
    index(store, recordOf(job))
    const { action, cluster } = job.data.request
    log.info({ jobId: job.id, action, cluster, status: job.returnvalue.status, code: job.returnvalue.error?.code }, 'job ended')
  })

  const health = await buildHealthApp({ readiness: async () => {
    if (stopping) return ['This process is stopping.']
    if (holdingBack !== undefined) return [holdingBack]
    return await Promise.race([store.ping().then(() => [], () => ['The job store cannot be reached.']), later(2_000, ['The job store does not answer.'])])
  }, log })
  const url = await health.listen({ host: config.SLIPWAY_WORKER_HOST, port: config.SLIPWAY_WORKER_PORT })
  const minder = setInterval(() => { mind().catch((error: unknown) => { log.warn({ err: error }, 'the clocks could not be compared') }) }, clockEveryMs)
  const started = begin()
  return {
    url,
    async close () {
      stopping = true
      clearInterval(minder)
      await Promise.race([Promise.all([worker.close(), started]), later(closeWithinMs, undefined)])
      await health.close()
      await store.close()
    }
  }

  async function begin (): Promise<void> {
    while (!stopping) {
      try {
        await checkDurability(store, config.SLIPWAY_REQUIRE_DURABLE_STORE, log)
        await mind()
        worker.run().catch((error: unknown) => { log.error({ err: error }, 'queue') })
        return
      } catch (error) {
        if (error instanceof StoreNotDurable) {
          fail(error)
          return
        }
        log.warn({ err: error }, 'the job store does not answer')
        await later(1_000, undefined)
      }
    }
  }

  /** Measures the clocks; a worker whose clock is off takes no jobs until it is right again. */
  async function mind (): Promise<void> {
    const offsetMs = await clock.measure()
    if (Math.abs(offsetMs) > clockOffsetMostMs) {
      holdingBack = `This machine's clock is ${Math.round(offsetMs / 1000)} s ahead of the job store's; no jobs are taken until they agree within ${clockOffsetMostMs / 1000} s.`
      log.error({ offsetMs }, holdingBack)
      await worker.pause(true)
    } else {
      if (worker.isPaused()) await worker.resume()
      holdingBack = undefined
    }
  }
}

function index (store: JobStore, record: Parameters<typeof indexEntryOf>[0]): void {
  store.index.put(indexEntryOf(record)).catch(() => undefined) // it may be late or lost; the job is the record
}

async function later<T> (ms: number, value: T): Promise<T> {
  return await new Promise(resolve => { setTimeout(() => { resolve(value) }, ms).unref() })
}

if (import.meta.main) {
  const log = createLog('info', 'slipway-worker')
  await runProcess(log, async fail => {
    const config = loadConfig()
    log.level = config.SLIPWAY_LOG_LEVEL
    const store = openConfiguredStore(config, storeUrlOf(config), log)
    const worker = await startWorker({ config, log, store, fail })
    log.info({ url: worker.url, version }, 'the worker runs')
    return worker
  })
}
