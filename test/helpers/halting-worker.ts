import { loadConfig, storeUrlOf } from '../../src/config.ts'
import type { JobData } from '../../src/jobs/job.ts'
import type { JobStore } from '../../src/jobs/stores/store.ts'
import { createLog } from '../../src/log.ts'
import { runProcess } from '../../src/process.ts'
import { openConfiguredStore } from '../../src/wiring.ts'
import { startWorker } from '../../src/worker.ts'

/** Where a worker halts: points that cannot be seen from outside the process. */
export type HaltAt = 'intent saved' | 'answer not saved' | 'outcome not saved'

/**
 * A real worker process that halts at one point of its first job, tells its parent, and goes on only after SIGCONT:
 * so that it can be killed or stopped exactly there. It tells, too, when it has let go of the job.
 */
const haltAt = process.argv[2] as HaltAt
const config = loadConfig()
const log = createLog('silent', 'halting-worker')
const store = openConfiguredStore(config, storeUrlOf(config), log)
let hasHalted = false

const halting: JobStore = {
  ...store,
  createWorker: (processor, options) => store.createWorker(async (job, token) => {
    try {
      return await processor(job, token)
    } finally {
      process.send?.('left')
    }
  }, options),
  async saveCheckpoint (jobId, token, data) {
    const { checkpoint: { write, outcome } } = data as JobData
    const isOutcome = outcome !== undefined
    if (haltAt === 'answer not saved' && write?.accepted && !isOutcome) await halt()
    if (haltAt === 'outcome not saved' && isOutcome) await halt()
    const isOurs = await store.saveCheckpoint(jobId, token, data)
    if (haltAt === 'intent saved' && write !== undefined && !write.accepted) await halt()
    return isOurs
  }
}

await runProcess(log, async fail => await startWorker({ config, log, store: halting, fail }))

async function halt (): Promise<void> {
  if (hasHalted) return
  hasHalted = true
  const resumed = new Promise(resolve => process.once('SIGCONT', resolve))
  process.send?.('halted')
  await resumed
}
