import { Type, type Static } from 'typebox'
import { jobErrorCodes } from '../errors.ts'
import { ClusterRef } from './cluster.ts'
import { Specification, SpecificationPatch } from './specification.ts'
import { storableText } from './text.ts'

const closed = { additionalProperties: false } as const
const time = (description: string) => Type.String({ format: 'date-time', maxLength: 32, description, examples: ['2026-11-24T10:15:00.000Z'] })
const text = (maxLength: number, description: string, examples?: string[]) => Type.String({ maxLength, description, ...(examples && { examples }) })

/** What a job does, as the verb of its request named it. */
export const actions = ['install', 'update', 'delete'] as const
export type Action = typeof actions[number]

/** Azure's own words for the state of a long-running operation. */
export const jobStatuses = ['NotStarted', 'Running', 'Succeeded', 'Failed', 'Canceled'] as const
export type JobStatus = typeof jobStatuses[number]

/** What a job's success meant for the cluster. */
export const effects = ['created', 'replaced', 'patched', 'unchanged', 'deleted', 'absent'] as const
export type Effect = typeof effects[number]

/** A caller's own references, kept with the job and given back. */
export const Correlation = Type.Object({
  taskId: Type.Optional(Type.String({ maxLength: 256, pattern: storableText, description: 'Id of the task in the calling system.', examples: ['scaffolder-task-42'] })),
  runId: Type.Optional(Type.String({ maxLength: 256, pattern: storableText, description: 'Id of the run in the calling system.' })),
  link: Type.Optional(Type.String({ format: 'uri', maxLength: 2048, pattern: '^https?://', description: 'Where a person can see the caller\'s side.' }))
}, { ...closed, description: 'The caller\'s own references; stored and given back, not interpreted.' })

export type Correlation = Static<typeof Correlation>

const AzureError = Type.Object({
  code: Type.Optional(text(256, 'Azure\'s error code.', ['ExtensionOperationFailed'])),
  message: Type.Optional(text(65_536, 'Azure\'s message, verbatim.')),
  requestId: Type.Optional(text(256, 'Azure\'s request id, for a support case.')),
  correlationId: Type.Optional(text(256, 'Azure\'s correlation id, for a support case.')),
  httpStatus: Type.Optional(Type.Integer({ format: 'int32', minimum: 100, maximum: 599, description: 'HTTP status, where Azure refused the request itself.' }))
}, { ...closed, description: 'What Azure said.' })

/** Why a job ended Failed. */
export const JobError = Type.Object({
  code: Type.Enum(Object.keys(jobErrorCodes) as (keyof typeof jobErrorCodes)[], { type: 'string', description: 'Stable code; the README lists what each means.' }),
  message: text(65_536, 'What happened, for a person.'),
  cause: Type.Optional(text(65_536, 'The cause as far as it is known.')),
  remediation: Type.Array(text(2048, 'One thing to do.'), { maxItems: 20, description: 'What to do about it, in order.' }),
  retryable: Type.Boolean({ description: 'Whether the same request may succeed later without a change to it.' }),
  azure: Type.Optional(AzureError)
}, { ...closed, description: 'Why the job failed.' })

export type JobError = Static<typeof JobError>

const JobStep = Type.Object({
  name: text(64, 'Name of the step.', ['submit']),
  status: Type.Enum(['NotStarted', 'Running', 'Succeeded', 'Failed', 'Skipped'], { type: 'string', description: 'State of the step.' }),
  startedAt: Type.Optional(time('When the step began.')),
  endedAt: Type.Optional(time('When the step ended.'))
}, { ...closed, description: 'One step of the job.' })

const Retry = Type.Object({
  at: time('When it happened.'),
  attempt: Type.Integer({ format: 'int32', minimum: 1, maximum: 1_000_000, description: 'How many times in a row.' }),
  code: text(256, 'What went wrong.', ['ECONNRESET']),
  message: text(4096, 'What went wrong, for a person.')
}, { ...closed, description: 'The last thing that went wrong and is being tried again.' })

const Result = Type.Object({
  extensionId: text(2048, 'ARM id of the extension.'),
  extensionName: text(256, 'Name of the extension.'),
  namespace: text(63, 'Namespace that Argo CD runs in.'),
  version: Type.Optional(text(256, 'Installed version of the extension.')),
  url: Type.Optional(text(2048, 'Public URL of the Argo CD UI, where one is configured.'))
}, { ...closed, description: 'What is installed now.' })

export type Result = Static<typeof Result>

const jobExample = {
  id: '0b9ee4f2-6a32-8c11-9d0f-5d2f6f6a1c11',
  url: 'https://slipway.example.com/v1/jobs/0b9ee4f2-6a32-8c11-9d0f-5d2f6f6a1c11',
  action: 'install',
  cluster: { subscriptionId: '5f0c1a52-8a53-4a2e-9c0b-3f6f8f0f1a11', resourceGroup: 'rg-platform', clusterType: 'managedClusters', clusterName: 'aks-team-a' },
  status: 'Running',
  createdAt: '2026-11-24T10:15:00.000Z',
  startedAt: '2026-11-24T10:15:00.020Z',
  lastUpdatedAt: '2026-11-24T10:15:01.310Z',
  requestedBy: 'portal',
  currentStep: 'provision',
  steps: [
    { name: 'submit', status: 'Succeeded', startedAt: '2026-11-24T10:15:00.020Z', endedAt: '2026-11-24T10:15:01.310Z' },
    { name: 'provision', status: 'Running', startedAt: '2026-11-24T10:15:01.310Z' },
    { name: 'verify', status: 'NotStarted' }
  ],
  azureVerb: 'PUT',
  provisioningState: 'Creating',
  notes: [],
  retryAfterSeconds: 5,
  specification: { highAvailability: { enabled: false } }
}

/** A job as callers see it: the status monitor of one accepted action. */
export const Job = Type.Object({
  id: text(128, 'Id of the job.'),
  url: Type.String({ format: 'uri', maxLength: 2048, description: 'Where to follow it; the same as Location and Operation-Location.' }),
  action: Type.Enum([...actions], { type: 'string', description: 'What the job does.' }),
  cluster: ClusterRef,
  status: Type.Enum([...jobStatuses], { type: 'string', description: 'Azure\'s words for the state of an operation.' }),
  createdAt: time('When the job was accepted.'),
  startedAt: Type.Optional(time('When a worker first took it.')),
  lastUpdatedAt: time('When it last changed.'),
  endedAt: Type.Optional(time('When it ended.')),
  requestedBy: text(256, 'Name of the caller that asked for it.'),
  currentStep: Type.Optional(text(64, 'The step it is at; absent before the first and after the last.')),
  steps: Type.Array(JobStep, { maxItems: 20, description: 'All its steps, in order.' }),
  azureVerb: Type.Optional(Type.Enum(['PUT', 'PATCH', 'DELETE'], { type: 'string', description: 'What Slipway sends, or sent, to Azure.' })),
  provisioningState: Type.Optional(text(64, 'What Azure last said of the extension.', ['Creating'])),
  effect: Type.Optional(Type.Enum([...effects], { type: 'string', description: 'What its success meant.' })),
  result: Type.Optional(Result),
  error: Type.Optional(JobError),
  lastFailure: Type.Optional(Retry),
  notes: Type.Array(text(2048, 'A remark.'), { maxItems: 20, description: 'What else is worth knowing.' }),
  retryAfterSeconds: Type.Optional(Type.Integer({ format: 'int32', minimum: 1, maximum: 3600, description: 'When to ask again; the same as Retry-After. Absent once the job has ended.' })),
  specification: Type.Optional(Specification),
  patch: Type.Optional(SpecificationPatch),
  force: Type.Optional(Type.Boolean({ description: 'Whether a deletion is forced.' })),
  correlation: Type.Optional(Correlation)
}, { ...closed, description: 'One accepted action and how far it came.', examples: [jobExample] })

export type Job = Static<typeof Job>

/** One page of jobs, newest first. */
export const JobList = Type.Object({
  value: Type.Array(Job, { maxItems: 100, description: 'The jobs, newest first.' }),
  nextLink: Type.Optional(Type.String({ format: 'uri', maxLength: 4096, description: 'Where the next page is; absent on the last one.' }))
}, { ...closed, description: 'Jobs, newest first.', examples: [{ value: [jobExample] }] })

export type JobList = Static<typeof JobList>
