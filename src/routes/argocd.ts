import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { checkSpecification } from '../argocd/check.ts'
import { decompile } from '../argocd/decompile.ts'
import type { Extension } from '../azure/extension.ts'
import type { Extensions } from '../azure/extensions.ts'
import { Problem } from '../errors.ts'
import { etagOf } from '../jobs/etag.ts'
import { parseIdempotencyKey } from '../jobs/idempotency.ts'
import { hashOf, viewOf, type JobRequest } from '../jobs/job.ts'
import type { JobQueue } from '../jobs/queue.ts'
import { authoriseCluster } from '../plugins/authentication.ts'
import { clusterKey, clusterProviders, ClusterRef } from '../schemas/cluster.ts'
import type { ExtensionView } from '../schemas/extension.ts'
import { Correlation, type Job } from '../schemas/job.ts'
import { InstallRequest, UpdateRequest } from '../schemas/requests.ts'
import type { Specification, SpecificationPatch } from '../schemas/specification.ts'
import { acceptedHeaders, answers, bearer } from './answers.ts'
import { readForRequest } from './read-azure.ts'

/** What the routes of a cluster's extension need. */
export interface ArgocdRoutesOptions {
  jobs: Pick<JobQueue, 'accept' | 'activeOn'>
  extensions: Pick<Extensions, 'find'>
  monitorUrl: (id: string) => string
}

const path = '/v1/subscriptions/:subscriptionId/resourceGroups/:resourceGroup/:clusterType/:clusterName/argocd'

const noQuery = Type.Object({}, { additionalProperties: false })
const mutationHeaders = Type.Object({
  'idempotency-key': Type.Optional(Type.String({ maxLength: 257, description: 'Makes repeating the request safe: 1 to 255 visible ASCII characters, bare or quoted. Recommended.', examples: ['backstage-task-42-install-1'] })),
  'if-match': Type.Optional(Type.String({ maxLength: 4096, description: 'Only if the extension still has one of these entity tags (from GET), or `*`: only if there is one.' }))
})

const azureRefused = 'Azure refuses to let Slipway\'s identity read the cluster.'

const accepted = answers({ 202: { description: 'Accepted: a job will do it. Says nothing about the extension yet.', schema: Type.Ref('Job'), headers: acceptedHeaders } }, {
  502: azureRefused,
  412: 'The extension is not the one that If-Match allows.',
  413: 'The body is larger than 64 kB.'
})

/** Reads a cluster's Argo CD extension, and accepts changes to it. 202 means recorded, not done. */
export const argocdRoutes: FastifyPluginAsyncTypebox<ArgocdRoutesOptions> = async (app, { jobs, extensions, monitorUrl }) => {
  // ARM's types of resources have no case either.
  app.addHook('preValidation', async ({ params }) => {
    const given = params as Partial<Record<keyof ClusterRef, string>>
    const known = Object.keys(clusterProviders).find(type => type.toLowerCase() === given.clusterType?.toLowerCase())
    if (known !== undefined) given.clusterType = known
  })

  app.get(path, {
    config: { access: 'read' },
    schema: {
      operationId: 'getExtension', tags: ['argocd'], security: bearer, summary: 'Show the extension',
      description: 'The extension as Azure reports it now, in the words of the specification, with the job that is changing it.',
      params: ClusterRef, querystring: noQuery,
      response: answers({ 200: { description: 'The extension.', schema: Type.Ref('Extension'), headers: { ETag: Type.String({ maxLength: 128, description: 'For If-Match. Changes with anything that Azure reports.' }) } } }, { 502: azureRefused })
    }
  }, async (request, reply): Promise<ExtensionView> => {
    const cluster = request.params
    authoriseCluster(request, cluster)
    const [extension, active] = await Promise.all([readForRequest(extensions, cluster), jobs.activeOn(cluster)])
    if (extension === undefined) throw new Problem('ExtensionNotFound', 'Argo CD is not installed on this cluster. PUT installs it.')
    reply.header('etag', etagOf(extension))
    return {
      ...extensionView(cluster, extension),
      ...(active && { activeJob: { id: active.id, url: monitorUrl(active.id), action: active.data.request.action, status: viewOf(active, monitorUrl).status } })
    }
  })

  app.put(path, {
    config: { access: 'install' },
    schema: {
      operationId: 'installExtension', tags: ['argocd'], security: bearer, summary: 'Install Argo CD, or bring it to exactly this specification',
      description: 'Whatever is installed now becomes what the body says; fields left out take their defaults.',
      params: ClusterRef, querystring: noQuery, headers: mutationHeaders, body: InstallRequest, response: accepted
    }
  }, async (request, reply) => {
    const { correlation, ...specification } = request.body
    check(specification)
    return await accept(request, reply, { action: 'install', cluster: request.params, specification, ...(correlation && { correlation }) }, request.body)
  })

  app.patch(path, {
    config: { access: 'update' },
    schema: {
      operationId: 'updateExtension', tags: ['argocd'], security: bearer, summary: 'Change what is installed',
      description: 'A JSON Merge Patch (RFC 7396) of the specification: null takes a field back to its default, what is left out stays. The job says whether Azure gets a PATCH or, where a setting goes away, a PUT.',
      consumes: ['application/merge-patch+json', 'application/json'],
      params: ClusterRef, querystring: noQuery, headers: mutationHeaders, body: UpdateRequest, response: accepted
    }
  }, async (request, reply) => {
    const { correlation, ...patch } = request.body
    if (Object.keys(patch).length === 0) throw invalidBody('There is nothing to change: name at least one field of the specification.')
    check(patch)
    return await accept(request, reply, { action: 'update', cluster: request.params, patch, ...(correlation && { correlation }) }, request.body)
  })

  app.delete(path, {
    config: { access: 'delete' },
    schema: {
      operationId: 'deleteExtension', tags: ['argocd'], security: bearer, summary: 'Remove Argo CD',
      description: 'Deletes the extension. Applications\' workloads, and the custom resource definitions, stay on the cluster.',
      params: ClusterRef, headers: mutationHeaders,
      querystring: Type.Object({
        force: Type.Optional(Type.Boolean({ description: 'Delete the Azure resource at once, also while an operation hangs; what runs on the cluster may stay. Default: false.' })),
        taskId: Type.Optional(Correlation.properties.taskId),
        runId: Type.Optional(Correlation.properties.runId),
        link: Type.Optional(Correlation.properties.link)
      }, { additionalProperties: false }),
      response: accepted
    }
  }, async (request, reply) => {
    const { force = false, ...correlation } = request.query
    const { body } = request as { body?: unknown }
    if (body !== undefined && hashOf(body) !== hashOf({})) throw invalidBody('A deletion has no body; force and the caller\'s references are query parameters.')
    return await accept(request, reply, { action: 'delete', cluster: request.params, force, ...(Object.keys(correlation).length > 0 && { correlation }) }, { force, ...correlation })
  })

  async function accept (
    request: FastifyRequest & { params: ClusterRef }, reply: FastifyReply,
    wanted: Pick<JobRequest, 'action' | 'cluster' | 'specification' | 'patch' | 'force' | 'correlation'>, fingerprinted: unknown
  ): Promise<Job> {
    const { cluster, action } = wanted
    authoriseCluster(request, cluster)
    const key = parseIdempotencyKey(headerOf(request, 'idempotency-key'))
    const ifMatch = parseIfMatch(headerOf(request, 'if-match'))

    const { record, replayed } = await jobs.accept({
      ...wanted,
      ...(ifMatch && { ifMatch }),
      requestedBy: request.caller.name,
      requestId: request.id,
      correlationId: request.id,
      traceparent: request.traceparent,
      fingerprint: hashOf({ action, cluster: clusterKey(cluster), body: fingerprinted, ifMatch })
    }, key, ifMatch && (async () => { await checkPrecondition(cluster, ifMatch) }))

    const job = viewOf(record, monitorUrl)
    reply.auditJobId = job.id
    reply.code(202).headers({
      location: job.url,
      'operation-location': job.url,
      ...(job.retryAfterSeconds !== undefined && { 'retry-after': job.retryAfterSeconds }),
      ...(replayed && { 'idempotent-replayed': 'true' })
    })
    return job
  }

  /** The one reason for which accepting reads Azure; the worker checks again right before it writes. */
  async function checkPrecondition (cluster: ClusterRef, ifMatch: string[]): Promise<void> {
    const extension = await readForRequest(extensions, cluster)
    if (extension !== undefined && (ifMatch.includes('*') || ifMatch.includes(etagOf(extension)))) return
    throw new Problem('PreconditionFailed', extension === undefined
      ? 'There is no extension on this cluster, so no entity tag can match.'
      : 'The extension has changed since you read it. Read it again and decide anew.')
  }
}

/** What a schema cannot say. */
function check (specification: Specification | SpecificationPatch): void {
  const findings = checkSpecification(specification)
  if (findings.length === 0) return
  throw new Problem('InvalidRequest', findings.map(({ pointer, detail }) => `body${pointer}: ${detail}`).join(' '), {
    errors: findings.map(finding => ({ in: 'body', ...finding }))
  })
}

function extensionView (cluster: ClusterRef, { id, name, provisioningState, currentVersion, compiled, protectedKeys, statuses, createdAt, lastModifiedAt }: Extension): ExtensionView {
  return {
    id,
    name,
    cluster,
    provisioningState,
    ...(currentVersion !== undefined && { version: currentVersion }),
    specification: decompile(compiled),
    rawSettings: compiled.settings,
    protectedSettings: protectedKeys,
    statuses,
    ...(createdAt !== undefined && { createdAt }),
    ...(lastModifiedAt !== undefined && { lastModifiedAt })
  }
}

function invalidBody (detail: string): Problem {
  return new Problem('InvalidRequest', detail, { errors: [{ in: 'body', pointer: '', detail }] })
}

/** Entity tags of an If-Match header; `*` by itself means any. Weak tags never match (RFC 9110, 13.1.1). */
function parseIfMatch (header: string | undefined): string[] | undefined {
  return header?.split(',').map(tag => tag.trim()).filter(tag => tag !== '')
}

function headerOf ({ headers }: FastifyRequest, name: string): string | undefined {
  const value = headers[name]
  return Array.isArray(value) ? value.join(', ') : value
}
