import { createHash } from 'node:crypto'
import type { Compiled } from '../argocd/compile.ts'
import type { OperationReading } from '../azure/extension.ts'
import type { TerminalError } from '../errors.ts'
import type { ClusterRef } from '../schemas/cluster.ts'
import type { Action, Correlation, Effect, Job, JobError, JobStatus, Result } from '../schemas/job.ts'
import type { Specification, SpecificationPatch } from '../schemas/specification.ts'
import { workflows } from './workflows.ts'

/** What was asked for. Never changes after acceptance. */
export interface JobRequest {
  action: Action
  cluster: ClusterRef
  /** For install. */
  specification?: Specification
  /** For update. */
  patch?: SpecificationPatch
  /** For delete. */
  force?: boolean
  /** ETags of the extension that the caller allows the write for; `*` is any that exists. */
  ifMatch?: string[]
  requestedBy: string
  /** Id of the HTTP request that was accepted. */
  requestId: string
  /** GUID that Azure gets as the correlation id of every call. */
  correlationId: string
  traceparent?: string
  correlation?: Correlation
  /** Of method, path and validated body: what makes two requests the same. */
  fingerprint: string
}

/** What stood there before a write, as far as it tells whether the write took effect. */
export interface Before {
  exists: boolean
  createdAt?: string
  lastModifiedAt?: string
  provisioningState?: string
}

/** The one write of a write step: what is about to be sent, and what came of it. */
export interface WriteRecord {
  step: string
  verb: 'PUT' | 'PATCH' | 'DELETE'
  extensionName: string
  /** When the intent was saved, by the store's clock. */
  intentAt: number
  before: Before
  /** For PUT and PATCH: the state that the write leads to. */
  wanted?: Compiled
  /** For PATCH: the settings that it carries. */
  set?: Record<string, string>
  /** Azure accepted it, or it was found to have taken effect. */
  accepted?: boolean
  /** Secret: signed by Azure. Byte for byte as it came. */
  operationUrl?: string
}

/** How far a job came. Saved before anything that could be lost. */
export interface Checkpoint {
  startedAt?: number
  updatedAt?: number
  steps: { name: string, startedAt: number, endedAt?: number }[]
  write?: WriteRecord | undefined
  effect?: Effect
  provisioningState?: string
  /** A reading that the first poll of a write already gave, not yet looked at. */
  firstReading?: OperationReading | undefined
  lastFailure?: { at: number, attempt: number, code: string, message: string } | undefined
  notes: string[]
  /** How the job ended; whoever finds it only has to end the job in the queue too. */
  outcome?: Outcome
}

/** The version of `JobData` that this code writes and understands. */
export const jobDataVersion = 1

/** `job.data` in the queue. `version` lets an older worker put back what it does not understand. */
export interface JobData {
  version: number
  request: JobRequest
  checkpoint: Checkpoint
}

/** The return value of a job that ran its course. */
export interface Outcome {
  status: 'Succeeded' | 'Failed' | 'Canceled'
  effect?: Effect
  result?: Result
  error?: JobError
  notes: string[]
}

/** What the queue knows of a job; the parts of a BullMQ job that a view is made of. */
export interface JobRecord {
  id: string
  data: JobData
  timestamp: number
  processedOn?: number
  finishedOn?: number
  returnvalue?: Outcome | null
  failedReason?: string
}

/** The status of a job, derived from the job itself: no list of the queue is searched. */
export function statusOf ({ finishedOn, returnvalue, failedReason, data, processedOn }: JobRecord): JobStatus {
  if (finishedOn !== undefined) return failedReason ? 'Failed' : returnvalue?.status ?? 'Failed'
  return processedOn !== undefined || data.checkpoint.startedAt !== undefined ? 'Running' : 'NotStarted'
}

/** Whether a status is final. */
export function isOver (status: JobStatus): boolean {
  return status === 'Succeeded' || status === 'Failed' || status === 'Canceled'
}

/** The job as it was when it was accepted: what a replay of its request is answered with. */
export function asAccepted (record: JobRecord): JobRecord {
  return {
    id: record.id,
    timestamp: record.timestamp,
    data: { ...record.data, checkpoint: { steps: [], notes: [] } }
  }
}

/** How a job is shown. `monitorUrl` makes the absolute URL of a job from its id. */
export function viewOf (record: JobRecord, monitorUrl: (id: string) => string): Job {
  const { request, checkpoint } = record.data
  const status = statusOf(record)
  const over = isOver(status)
  const outcome = record.finishedOn === undefined ? undefined : record.returnvalue ?? crashed(record.failedReason)
  const startedAt = checkpoint.startedAt ?? record.processedOn
  return {
    id: record.id,
    url: monitorUrl(record.id),
    action: request.action,
    cluster: request.cluster,
    status,
    createdAt: iso(record.timestamp),
    ...(startedAt !== undefined && { startedAt: iso(startedAt) }),
    lastUpdatedAt: iso(Math.max(record.timestamp, startedAt ?? 0, checkpoint.updatedAt ?? 0, record.finishedOn ?? 0)),
    ...(record.finishedOn !== undefined && { endedAt: iso(record.finishedOn) }),
    requestedBy: request.requestedBy,
    ...(!over && status === 'Running' && { currentStep: currentStep(request.action, checkpoint) }),
    steps: stepsOf(request.action, checkpoint, status, record.finishedOn),
    ...(checkpoint.write && { azureVerb: checkpoint.write.verb }),
    ...(checkpoint.provisioningState !== undefined && { provisioningState: checkpoint.provisioningState }),
    ...(outcome?.effect && { effect: outcome.effect }),
    ...(outcome?.result && { result: outcome.result }),
    ...(outcome?.error && { error: outcome.error }),
    ...(checkpoint.lastFailure && !over && { lastFailure: { ...checkpoint.lastFailure, at: iso(checkpoint.lastFailure.at) } }),
    notes: outcome?.notes ?? checkpoint.notes,
    ...(!over && { retryAfterSeconds: retryAfterSeconds(record, status) }),
    ...(request.specification && { specification: request.specification }),
    ...(request.patch && { patch: request.patch }),
    ...(request.force !== undefined && { force: request.force }),
    ...(request.correlation && { correlation: request.correlation })
  }
}

/** A failed job's error, from what ended it. */
export function errorOf ({ code, message, remediation, retryable, azure }: TerminalError): JobError {
  return { code, message, remediation: [...remediation], retryable, ...(azure && { azure }) }
}

/** A stable hash of any JSON value: object keys in order, so that equal values have equal hashes. */
export function hashOf (value: unknown): string {
  return createHash('sha256').update(canonical(value)).digest('base64url')
}

function canonical (value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (value === undefined) return 'null'
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const entries = Object.entries(value).filter(([, item]) => item !== undefined).sort(([one], [other]) => one < other ? -1 : 1)
  return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${canonical(item)}`).join(',')}}`
}

/** The queue gave up on a job: only a worker that dies again and again does that. */
function crashed (reason = ''): Outcome {
  return {
    status: 'Failed',
    notes: [],
    error: {
      code: 'WorkerCrashLoop',
      message: 'The worker process died too often while it worked on this job. Azure may still be working.',
      ...(reason !== '' && { cause: reason.slice(0, 1000) }),
      remediation: ['Look into the worker\'s log for what ended it.', 'Send the request again once workers stay up: Slipway first looks what Azure already did.'],
      retryable: true
    }
  }
}

function currentStep (action: Action, { steps }: Checkpoint): string {
  const open = steps.find(step => step.endedAt === undefined)
  return open?.name ?? workflows[action].at(steps.length) ?? ''
}

function stepsOf (action: Action, checkpoint: Checkpoint, status: JobStatus, finishedOn: number | undefined): Job['steps'] {
  return workflows[action].map(name => {
    const step = checkpoint.steps.find(known => known.name === name)
    if (step === undefined) return { name, status: isOver(status) ? 'Skipped' as const : 'NotStarted' as const }
    const endedAt = step.endedAt ?? finishedOn
    return {
      name,
      status: step.endedAt !== undefined || status === 'Succeeded' ? 'Succeeded' as const : isOver(status) ? 'Failed' as const : 'Running' as const,
      startedAt: iso(step.startedAt),
      ...(endedAt !== undefined && { endedAt: iso(endedAt) })
    }
  })
}

/** Soon at first, since a job without work ends at once; then at the pace in which anything can change. */
function retryAfterSeconds (record: JobRecord, status: JobStatus): number {
  return status === 'NotStarted' || record.data.checkpoint.write?.accepted !== true ? 1 : 2
}

function iso (milliseconds: number): string {
  return new Date(milliseconds).toISOString()
}
