import { isDeepStrictEqual } from 'node:util'
import { DelayedError, type Job as QueueJob } from 'bullmq'
import type { Logger } from 'pino'
import { AzureFailure } from '../azure/errors.ts'
import { TerminalError } from '../errors.ts'
import type { Action } from '../schemas/job.ts'
import { azureTerminal } from './azure-terminal.ts'
import { errorOf, jobDataVersion, type Checkpoint, type JobData, type Outcome } from './job.ts'
import type { Step, StepContext, StepResult } from './step.ts'
import type { JobStore } from './stores/store.ts'
import { workflows, type StepName } from './workflows.ts'

/** What working on jobs needs. */
export interface ProcessorDependencies {
  steps: Record<StepName, Step>
  store: Pick<JobStore, 'saveCheckpoint'>
  /** The store's clock, milliseconds since the epoch. */
  now: () => number
  /** How long a job of each action may take from its first start, in milliseconds. */
  deadlineMs: Record<Action, number>
  /** True once this process is to stop: jobs are put back between steps. */
  isStopping: () => boolean
  /** Told when a job first runs; for the index, not for state. */
  onStart: (job: QueueJob<JobData, Outcome>) => void
  log: Logger
}

/** Works on one job until it waits, is put back or has an outcome. Passed to the queue's worker. */
export type ProcessJob = (job: QueueJob<JobData, Outcome>, token?: string) => Promise<Outcome>

const unexpectedFailuresAtMost = 10 // a bug of ours repeats; an accident passes within a few tries
const putBackMs = 15_000 // for data of a newer version: another, newer worker may take it meanwhile

/**
 * Runs a job's workflow from its checkpoint on. A job that ran its course, well or badly, returns its outcome; waiting
 * is a delayed job. Whoever loses the lock, or cannot reach the store, leaves everything to the next worker.
 */
export function createProcessor (dependencies: ProcessorDependencies): ProcessJob {
  const { steps, now, deadlineMs, isStopping, onStart, log } = dependencies

  return async (job, token = '') => {
    if (job.data.version !== jobDataVersion) return await putBack(job, token, now() + putBackMs)
    const run = startRun(dependencies, job, token)
    try {
      const outcome = await advance(run)
      return outcome.kind === 'outcome' ? outcome.outcome : await putBack(job, token, outcome.until)
    } catch (error) {
      if (error instanceof DelayedError) throw error
      // The store failed, or another worker owns the job: stop at once and let the lock lapse.
      log.warn({ jobId: job.id, err: error }, 'left the job to the next worker')
      throw new DelayedError()
    }
  }

  async function advance (run: Run): Promise<{ kind: 'outcome', outcome: Outcome } | { kind: 'wait', until: number }> {
    const { context, job } = run
    const { action } = context.request
    if (context.checkpoint.outcome) return { kind: 'outcome', outcome: context.checkpoint.outcome }
    if (context.checkpoint.startedAt === undefined) {
      context.record({ startedAt: now() })
      onStart(job)
    }
    const deadline = (context.checkpoint.startedAt ?? now()) + deadlineMs[action]
    for (;;) {
      if (isStopping()) return await wait(run, now())
      const name = currentStep(action, context.checkpoint)
      if (now() >= deadline) return await end(run, failed(context, deadlineExceeded(name, deadlineMs[action])))
      const result = await runStep(run, steps[name])
      if (result.kind === 'failed') return await end(run, failed(context, result.error))
      if (result.kind === 'waiting') return await wait(run, Math.min(result.until, deadline))
      if (result.kind === 'finished') {
        return await end(run, {
          status: 'Succeeded',
          effect: result.effect,
          ...(result.result && { result: result.result }),
          notes: [...context.checkpoint.notes, ...(result.notes ?? [])]
        })
      }
      endStep(context, now())
    }
  }

  async function runStep ({ context }: Run, step: Step): Promise<StepResult | { kind: 'failed', error: TerminalError }> {
    if (!context.checkpoint.steps.some(({ name }) => name === step.name)) {
      context.record({ steps: [...context.checkpoint.steps, { name: step.name, startedAt: now() }] })
    }
    const failureBefore = context.checkpoint.lastFailure
    try {
      const result = await step.run(context)
      if (failureBefore !== undefined && context.checkpoint.lastFailure === failureBefore) context.record({ lastFailure: undefined })
      return result
    } catch (error) {
      if (error instanceof LeaveJob) throw error
      if (error instanceof TerminalError) return { kind: 'failed', error }
      return tryAgain(context, step.name, error)
    }
  }

  /** Anything but a terminal error is tried again, later and later, with Azure's own Retry-After first. */
  function tryAgain (context: StepContext, step: string, error: unknown): StepResult | { kind: 'failed', error: TerminalError } {
    const attempt = (context.checkpoint.lastFailure?.attempt ?? 0) + 1
    const ofAzure = error instanceof AzureFailure
    // Before anything was sent a refusal is an answer; after that, a reading that fails says nothing of the operation.
    const isFinal = ofAzure && (error.kind === 'cluster-absent' || ((error.kind === 'refused' || error.kind === 'absent') && context.checkpoint.write === undefined))
    if (isFinal) return { kind: 'failed', error: azureTerminal(error) }
    log.warn({ jobId: context.jobId, step, attempt, err: error }, 'step failed, will be tried again')
    if (!ofAzure && attempt >= unexpectedFailuresAtMost) return { kind: 'failed', error: unexpected(step, error) }
    context.record({
      lastFailure: {
        at: now(),
        attempt,
        code: ofAzure ? error.facts.code ?? `Http${error.facts.httpStatus ?? 0}` : 'UnexpectedFailure',
        message: ofAzure ? error.message.slice(0, 1000) : 'Slipway met something it did not expect; its log says what.'
      }
    })
    return { kind: 'waiting', until: now() + Math.max(ofAzure ? error.retryAfterMs ?? 0 : 0, backoffMs(attempt)) }
  }

  async function wait (run: Run, until: number): Promise<{ kind: 'wait', until: number }> {
    if (run.isDirty()) await run.context.save() // a poll that learned nothing writes nothing
    return { kind: 'wait', until }
  }

  async function end (run: Run, outcome: Outcome): Promise<{ kind: 'outcome', outcome: Outcome }> {
    endStep(run.context, now(), outcome.status === 'Succeeded')
    run.context.record({ outcome })
    await run.context.save()
    return { kind: 'outcome', outcome }
  }

  async function putBack (job: QueueJob<JobData, Outcome>, token: string, until: number): Promise<never> {
    await job.moveToDelayed(Math.max(until, now() + 1), token)
    throw new DelayedError()
  }
}

/** This worker must not go on with the job: another owns it, or the store does not answer. */
class LeaveJob extends Error {}

interface Run {
  job: QueueJob<JobData, Outcome>
  context: StepContext
  isDirty: () => boolean
}

function startRun ({ store, now }: ProcessorDependencies, job: QueueJob<JobData, Outcome>, token: string): Run {
  const jobId = String(job.id)
  const { request } = job.data
  let checkpoint: Checkpoint = job.data.checkpoint
  let dirty = false
  const context: StepContext = {
    jobId,
    request,
    get checkpoint () { return checkpoint },
    record (changes) {
      dirty ||= Object.entries(changes).some(([name, value]) => !isDeepStrictEqual(checkpoint[name as keyof Checkpoint], value))
      checkpoint = { ...checkpoint, ...changes }
    },
    async save () {
      checkpoint = { ...checkpoint, updatedAt: now() }
      const data: JobData = { version: jobDataVersion, request, checkpoint }
      const isOurs = await store.saveCheckpoint(jobId, token, data).catch((cause: unknown) => {
        throw new LeaveJob('The store did not take the checkpoint.', { cause })
      })
      if (!isOurs) throw new LeaveJob('Another worker owns the job.')
      dirty = false
    },
    now
  }
  return { job, context, isDirty: () => dirty }
}

/** The first step that has not ended. */
function currentStep (action: Action, { steps }: Readonly<Checkpoint>): StepName {
  const ended = new Set(steps.filter(({ endedAt }) => endedAt !== undefined).map(({ name }) => name))
  const names: readonly StepName[] = workflows[action]
  return names.find(name => !ended.has(name)) ?? names.at(-1) ?? 'verify'
}

function endStep (context: StepContext, at: number, succeeded = true): void {
  if (!succeeded) return
  context.record({ steps: context.checkpoint.steps.map(step => step.endedAt === undefined ? { ...step, endedAt: at } : step) })
}

function failed ({ checkpoint }: StepContext, error: TerminalError): Outcome {
  return { status: 'Failed', error: errorOf(error), notes: checkpoint.notes }
}

function deadlineExceeded (step: string, deadlineMs: number): TerminalError {
  return new TerminalError('DeadlineExceeded', `The job did not end within ${Math.round(deadlineMs / 60_000)} minutes; it was at the step ${step}. Azure may still be working.`, {
    remediation: ['Read the extension to see what Azure reports.', 'Send the request again: Slipway first looks what Azure already did.'],
    retryable: true
  })
}

function unexpected (step: string, cause: unknown): TerminalError {
  return new TerminalError('UnexpectedFailure', `Slipway failed ${unexpectedFailuresAtMost} times in a row at the step ${step}; its log says why.`, {
    remediation: ['Report this with the job\'s id.'], cause
  })
}

/** Exponential from one second, at most 30, with full jitter. */
function backoffMs (attempt: number): number {
  return 500 + Math.random() * Math.min(30_000, 1000 * 2 ** Math.min(attempt - 1, 5))
}
