import { createHash } from 'node:crypto'
import { missingRegistration, operationNotFound, type Answer } from './answers.ts'
import { clusterTypes, type ClusterRef } from './arm-ids.ts'
import { isObject, jsonBody, param, type Call, type Route } from './call.ts'
import { apiVersionOf, checkedApiVersion } from './catalogue.ts'
import { armTime, stampOf } from './clock.ts'
import { locationOf, type Cluster, type ClusterFacts } from './clusters.ts'
import { connectedClusterBody, type ConnectedClusterState } from './connected-cluster.ts'
import type { Operation } from './operations.ts'
import { operationScript } from './script.ts'
import type { World } from './world.ts'

const { namespace } = clusterTypes.connectedClusters
const path = `/subscriptions/:subscriptionId/resourceGroups/:resourceGroup/providers/${namespace}/connectedClusters/:clusterName`
const agentsConnectAfterMs = 60_000 // since the PUT: the recorded agents needed 70 s

/** Arc-enabled clusters: read, made and deleted as through the provider's own API. */
export function connectedClusterRoutes (world: World, tenantId: string): Route[] {
  const { clusters, operations, clock } = world

  function body (cluster: Cluster, apiVersion: string): Record<string, unknown> {
    return connectedClusterBody(cluster, connectedClusterState(world, cluster), { tenantId, apiVersion, now: clock.now() })
  }

  const operationId = ({ id, resourceId }: Operation) => `${id}*${createHash('sha256').update(resourceId.toUpperCase()).digest('hex').toUpperCase()}`

  function statusUrl (call: Call, operation: Operation, location: string): string {
    return `${call.origin}/providers/${namespace}/locations/${location.toUpperCase()}/operationStatuses/${operationId(operation)}?api-version=${operation.apiVersion}`
  }

  function open (call: Call): { ref: ClusterRef, apiVersion: string } {
    const ref: ClusterRef = {
      subscriptionId: param(call, 'subscriptionId'), resourceGroup: param(call, 'resourceGroup'), clusterType: 'connectedClusters', clusterName: param(call, 'clusterName')
    }
    const apiVersion = checkedApiVersion(call, namespace, 'connectedClusters')
    if (call.method !== 'GET' && world.registrations.state(ref.subscriptionId, namespace) !== 'Registered') throw missingRegistration(namespace)
    return { ref, apiVersion }
  }

  return [
    {
      method: 'GET',
      path,
      handler (call) {
        const { ref, apiVersion } = open(call)
        const cluster = clusters.get(ref)
        return { status: 200, headers: hubHeaders(cluster), body: body(cluster, apiVersion) }
      }
    },
    {
      method: 'PUT',
      path,
      handler (call) {
        const { ref, apiVersion } = open(call)
        const sent = jsonBody(call)
        const { cluster, operation, created } = clusters.put(ref, factsOf(sent), (kind, { id, script }) =>
          operations.start(kind, id, apiVersion, operationScript(script, kind)))
        world.record(call, cluster.id, created ? 'created' : 'replaced', sent)
        const location = locationOf(cluster)
        return {
          status: created ? 201 : 200,
          headers: { 'azure-asyncoperation': statusUrl(call, operation, location), ...retryAfter(operation), ...hubHeaders(cluster) },
          body: body(cluster, apiVersion)
        }
      }
    },
    {
      method: 'DELETE',
      path,
      handler (call) {
        const { ref, apiVersion } = open(call)
        const cluster = clusters.find(ref)
        if (cluster === undefined) return { status: 204 }
        const operation = operations.start('delete', cluster.id, apiVersion, operationScript(cluster.script, 'delete'))
        cluster.operation = operation
        cluster.modifiedAt = clock.stamp()
        world.record(call, cluster.id, 'deleted')
        const url = statusUrl(call, operation, locationOf(cluster))
        return { status: 202, headers: { 'azure-asyncoperation': url, location: url, ...retryAfter(operation), ...hubHeaders(cluster) }, body: null }
      }
    },
    {
      method: 'GET',
      path: `/providers/${namespace}/locations/:location/operationStatuses/:operation`,
      handler (call) {
        apiVersionOf(call)
        const name = param(call, 'operation')
        const operation = operations.find(name.split('*')[0] ?? '')
        if (operation === undefined || operationId(operation).toLowerCase() !== name.toLowerCase()) throw operationNotFound(name)
        return statusAnswer(operation, operations.isOver(operation), call)
      }
    }
  ]
}

/** How far a cluster has come by now. */
export function connectedClusterState ({ clock, operations }: World, { operation }: Cluster): ConnectedClusterState {
  if (operation === undefined) return 'connected'
  if (operation.kind === 'delete') return operations.isOver(operation) ? 'failed' : 'deleting'
  if (!operations.isOver(operation)) return 'accepted'
  if (operation.outcome !== 'Succeeded') return 'failed'
  return clock.now() >= operation.startedAt + agentsConnectAfterMs ? 'connected' : 'created'
}

function statusAnswer (operation: Operation, over: boolean, call: Call): Answer {
  const status = over ? operation.outcome : operation.kind === 'delete' ? 'Deleting' : 'Accepted'
  return {
    status: 200,
    headers: { etag: etag(`${operation.id}/${status}`), ...(!over && retryAfter(operation)) },
    body: {
      id: decodeURIComponent(call.path),
      name: param(call, 'operation'),
      resourceId: operation.resourceId,
      status,
      startTime: armTime(stampOf(operation.startedAt)),
      ...(over && { endTime: armTime(stampOf(operation.endsAt)), properties: null }),
      ...(over && status !== 'Succeeded' && { error: operation.error })
    }
  }
}

function factsOf (body: Record<string, unknown>): ClusterFacts {
  const { location, tags, identity, properties } = body
  return {
    ...(typeof location === 'string' && { location }),
    ...(isObject(tags) && { tags: tags as Record<string, string> }), // kept as sent
    ...(isObject(identity) && { identity }),
    ...(isObject(properties) && { properties })
  }
}

function hubHeaders (cluster: Cluster): Record<string, string> {
  return { etag: etag(`${cluster.id}/${cluster.modifiedAt}/${cluster.operation?.id ?? ''}`), 'x-ms-providerhub-traffic': 'True' }
}

/** In the form that provider hub gives its tags. */
function etag (text: string): string {
  const hex = createHash('sha256').update(text).digest('hex')
  return `"${hex.slice(0, 8)}-0000-0100-0000-${hex.slice(8, 20)}"`
}

function retryAfter ({ retryAfterSeconds }: Operation): Record<string, string> {
  return retryAfterSeconds === null ? {} : { 'retry-after': String(retryAfterSeconds) }
}
