import { hash } from 'node:crypto'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { Problem } from '../errors.ts'
import type { Cursors } from '../jobs/cursor.ts'
import { isOver, statusOf, viewOf, type JobRecord } from '../jobs/job.ts'
import type { JobQueue } from '../jobs/queue.ts'
import { authoriseAction } from '../plugins/authentication.ts'
import { isInScope, normaliseScope } from '../plugins/callers.ts'
import { clusterKey } from '../schemas/cluster.ts'
import { actions, jobStatuses, type Job, type JobList } from '../schemas/job.ts'
import { storableText } from '../schemas/text.ts'
import { answers, bearer, monitorHeaders } from './answers.ts'

/** What the routes of jobs need. */
export interface JobRoutesOptions {
  jobs: Pick<JobQueue, 'get' | 'list' | 'waitForChange'>
  monitorUrl: (id: string) => string
  /** Base of absolute links, without a trailing slash. */
  publicUrl: string
  /** Loaded on the first use: the secret of the cursors lies in the store. */
  cursors: () => Promise<Cursors>
}

const pageSize = { default: 50, maximum: 100 }
const longestWaitSeconds = 30

const JobParams = Type.Object({
  jobId: Type.String({ minLength: 1, maxLength: 128, pattern: '^[A-Za-z0-9_-]+$', description: 'Id of a job.', examples: ['0b9ee4f2-6a32-8c11-9d0f-5d2f6f6a1c11'] })
}, { additionalProperties: false })

const MonitorHeaders = Type.Object({
  prefer: Type.Optional(Type.String({ maxLength: 256, description: '`wait=N`: answer when the status or the step changes, or after N seconds (at most 30).', examples: ['wait=20'] })),
  'if-none-match': Type.Optional(Type.String({ maxLength: 4096, description: 'Answer 304 when the job still has one of these entity tags.' }))
})

const ListQuery = Type.Object({
  cluster: Type.Optional(Type.String({ minLength: 1, maxLength: 512, pattern: '^/[-\\w.()/]*$', description: 'ARM id of a cluster.', examples: ['/subscriptions/5f0c1a52-8a53-4a2e-9c0b-3f6f8f0f1a11/resourceGroups/rg-platform/providers/Microsoft.ContainerService/managedClusters/aks-team-a'] })),
  action: Type.Optional(Type.Enum([...actions], { type: 'string', description: 'Only jobs of this action.' })),
  status: Type.Optional(Type.Enum([...jobStatuses], { type: 'string', description: 'Only jobs of this status.' })),
  requestedBy: Type.Optional(Type.String({ minLength: 1, maxLength: 256, pattern: storableText, description: 'Only jobs that this caller asked for.' })),
  top: Type.Optional(Type.Integer({ format: 'int32', minimum: 1, maximum: pageSize.maximum, description: `Jobs a page; ${pageSize.default} by default. A page may have fewer.` })),
  cursor: Type.Optional(Type.String({ minLength: 1, maxLength: 1024, description: 'From nextLink.' }))
}, { additionalProperties: false })

/** Shows jobs: one as Azure's pollers expect a status monitor, and all that the caller may see. */
export const jobRoutes: FastifyPluginAsyncTypebox<JobRoutesOptions> = async (app, { jobs, monitorUrl, publicUrl, cursors }) => {
  app.get('/v1/jobs/:jobId', {
    config: { access: 'read' },
    schema: {
      operationId: 'getJob', tags: ['jobs'], security: bearer, summary: 'Show a job',
      description: 'The status monitor of an accepted request: always 200, whatever the job\'s status. Finished jobs are kept for a week (configurable), then 404.',
      params: JobParams, querystring: Type.Object({}, { additionalProperties: false }), headers: MonitorHeaders,
      response: answers({
        200: { description: 'The job.', schema: Type.Ref('Job'), headers: monitorHeaders },
        304: { description: 'The job has not changed.', headers: monitorHeaders }
      })
    }
  }, async (request, reply): Promise<Job | FastifyReply> => {
    const found = await jobs.get(request.params.jobId)
    authoriseJob(request, found)
    const waitSeconds = preferredWait(request.headers.prefer)
    const tags = request.headers['if-none-match']?.split(',').map(tag => tag.trim().replace(/^W\//, ''))
    const isCurrent = tags === undefined || tags.includes('*') || tags.includes(etagOf(viewOf(found, monitorUrl)))
    // Who shows a tag of another state has missed a change already.
    const record = waitSeconds > 0 && isCurrent && !isOver(statusOf(found)) ? await jobs.waitForChange(found, waitSeconds * 1000) : found
    if (record === undefined) throw jobNotFound()
    if (waitSeconds > 0) reply.header('preference-applied', `wait=${waitSeconds}`)

    const job = viewOf(record, monitorUrl)
    const etag = etagOf(job)
    reply.header('etag', etag)
    if (job.retryAfterSeconds !== undefined) reply.header('retry-after', job.retryAfterSeconds)
    return tags?.some(tag => tag === etag || tag === '*') ? reply.code(304).send() : job
  })

  app.get('/v1/jobs', {
    config: { access: 'read' },
    schema: {
      operationId: 'listJobs', tags: ['jobs'], security: bearer, summary: 'List jobs',
      description: 'Jobs on clusters that the caller may see, newest first. All filters given must hold. Follow nextLink as it is.',
      querystring: ListQuery,
      response: answers({ 200: { description: 'One page.', schema: Type.Ref('JobList') } })
    }
  }, async (request): Promise<JobList> => {
    const { caller, query: { top = pageSize.default, cursor, ...filters } } = request
    authoriseAction(caller, 'read')
    const signer = await cursors()
    const after = cursor === undefined ? undefined : signer.read(cursor, filters)
    const { cluster, ...others } = filters
    const page = await jobs.list({ ...others, ...(cluster !== undefined && { cluster: normaliseScope(cluster) }), scopes: [...caller.scopes] }, { limit: top, ...(after && { after }) })
    return {
      value: page.records.map(record => viewOf(record, monitorUrl)),
      ...(page.next && { nextLink: `${publicUrl}/v1/jobs?${new URLSearchParams(textOnly({ ...filters, top, cursor: signer.write(page.next, filters) })).toString()}` })
    }
  })
}

function etagOf (job: Job): string {
  return `"${hash('sha1', JSON.stringify(job), 'base64url')}"`
}

/** One answer for a job that is absent and for one on a cluster that the caller may not know of. */
function authoriseJob ({ caller, routeOptions }: FastifyRequest, record: JobRecord | undefined): asserts record is JobRecord {
  if (record === undefined || !isInScope(caller.scopes, clusterKey(record.data.request.cluster))) throw jobNotFound()
  authoriseAction(caller, routeOptions.config.access)
}

function jobNotFound (): Problem {
  return new Problem('JobNotFound', 'There is no such job, it is no longer kept, or you may not see it.')
}

/** Seconds of `Prefer: wait=N` (RFC 7240), at most 30; 0 without one. Preferences that are not known are ignored, as the RFC says. */
function preferredWait (prefer: string | undefined): number {
  const seconds = Number(/(?:^|[,;\s])wait\s*=\s*"?(\d{1,6})"?(?=$|[,;\s])/i.exec(prefer ?? '')?.[1] ?? 0)
  return Math.min(seconds, longestWaitSeconds)
}

function textOnly (query: Record<string, unknown>): Record<string, string> {
  return Object.fromEntries(Object.entries(query).filter(([, value]) => value !== undefined).map(([key, value]) => [key, String(value)]))
}
