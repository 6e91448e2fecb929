import type { Result } from '../schemas/job.ts'
import type { Effect } from '../schemas/job.ts'
import type { Checkpoint, JobRequest } from './job.ts'

/** What a step is given. */
export interface StepContext {
  readonly jobId: string
  readonly request: JobRequest
  /** Read freely; change through `record`. */
  readonly checkpoint: Readonly<Checkpoint>
  /** Changes the checkpoint; saved before the job next waits, moves on or ends. */
  record: (changes: Partial<Checkpoint>) => void
  /** Saves now. Rejects when another worker owns the job: nothing may be sent to Azure after that. */
  save: () => Promise<void>
  /** The store's clock, milliseconds since the epoch. */
  now: () => number
}

/** The step is finished. */
export const done = { kind: 'done' } as const

/** Nothing to do until then (store's clock, milliseconds since the epoch). */
export interface Waiting { kind: 'waiting', until: number }

/** The whole job is finished, whatever steps were left. */
export interface Finished { kind: 'finished', effect: Effect, result?: Result, notes?: string[] }

export type StepResult = typeof done | Waiting | Finished

/**
 * One step of a workflow. It may run twice, and after any crash; it never sleeps. It throws a `TerminalError` when
 * trying again would not help; anything else thrown is tried again with backoff.
 */
export interface Step {
  name: string
  run: (context: StepContext) => Promise<StepResult>
}

/** Waits until a time. */
export function waiting (until: number): Waiting {
  return { kind: 'waiting', until }
}
