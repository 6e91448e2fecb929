import type { Logger } from 'pino'
import { ConfigError } from './config.ts'

const graceMs = 9_500 // an orchestrator that gives ten seconds sees an orderly end

/**
 * Runs a service as this process: from its start until SIGTERM or SIGINT, then closes it and exits with 0. A second
 * signal, or a close that takes too long, ends the process at once; whatever was under way is resumed by others.
 */
export async function runProcess (log: Logger, start: (fail: (error: unknown) => void) => Promise<{ close: () => Promise<void> }>): Promise<void> {
  let stopping = false
  const fail = (error: unknown) => {
    log.fatal({ err: error }, 'stopped by a failure')
    process.exitCode = 1
    void stop('failure')
  }
  const running: { service?: { close: () => Promise<void> } } = {}
  process.on('SIGTERM', () => void stop('SIGTERM'))
  process.on('SIGINT', () => void stop('SIGINT'))
  process.on('uncaughtException', fail)
  process.on('unhandledRejection', fail)
  running.service = await start(fail).catch((error: unknown) => {
    explain(error, log)
    process.exit(1)
  })

  async function stop (reason: string): Promise<void> {
    if (stopping) process.exit(process.exitCode ?? 130)
    stopping = true
    log.info({ reason }, 'stopping')
    setTimeout(() => {
      log.warn('did not close in time; what was under way will be resumed')
      process.exit()
    }, graceMs).unref()
    await running.service?.close().catch((error: unknown) => { log.error({ err: error }, 'closing failed') })
    log.info('stopped')
    process.exit()
  }
}

/** A configuration that cannot be used is the operator's to mend: words, not a stack. */
function explain (error: unknown, log: Logger): void {
  if (error instanceof ConfigError) process.stderr.write(`${error.message}\n`)
  else log.fatal({ err: error }, error instanceof Error ? error.message : 'could not start')
}
