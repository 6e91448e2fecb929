import {
  ArmError, extensionNotFound, missingRegistration, operationNotFound, operationUrlChanged, patchConflict, typeNotRegistered, writeConflict, type Answer
} from './answers.ts'
import { clusterId, clusterOf, clusterTypes, extensionsNamespace, keyOf, type ClusterRef } from './arm-ids.ts'
import { jsonBody, param, queryValues, type Call, type Route } from './call.ts'
import { apiVersionOf, checkedApiVersion, locations } from './catalogue.ts'
import { locationOf, type Cluster } from './clusters.ts'
import { extensionBody } from './extension-body.ts'
import { desiredByPatch, desiredByPut } from './extension-request.ts'
import { findExtensionType } from './extension-type-catalogue.ts'
import type { Extension, Extensions } from './extensions.ts'
import { operationState, type Operation } from './operations.ts'
import type { World } from './world.ts'

const collection = `/subscriptions/:subscriptionId/resourceGroups/:resourceGroup/providers/:namespace/:clusterType/:clusterName/providers/${extensionsNamespace}/extensions`
const item = `${collection}/:name`

/** Extensions of a cluster, and the operations that work on them. */
export function extensionRoutes (world: World, extensions: Extensions): Route[] {
  const { clusters, operations } = world

  function open (call: Call): { cluster: Cluster, apiVersion: string } {
    const ref = clusterOf(call)
    const known = clusters.find(ref)
    const apiVersion = checkedApiVersion(call, extensionsNamespace, 'extensions', known && locationOf(known))
    if (call.method !== 'GET') checkRegistrations(ref)
    return { cluster: clusters.get(ref), apiVersion }
  }

  function checkRegistrations ({ subscriptionId, clusterType }: ClusterRef): void {
    for (const namespace of [extensionsNamespace, clusterTypes[clusterType].namespace]) {
      if (world.registrations.state(subscriptionId, namespace) !== 'Registered') throw missingRegistration(namespace)
    }
  }

  function existing (cluster: Cluster, call: Call): Extension {
    const extension = extensions.find(cluster, param(call, 'name'))
    if (extension === undefined) throw extensionNotFound(param(call, 'name'))
    return extension
  }

  const isBusy = (extension: Extension) => extension.operation !== undefined && !operations.isOver(extension.operation)

  function accepted (call: Call, status: number, operation: Operation, cluster: Cluster, body?: unknown): Answer {
    return {
      status,
      body,
      headers: {
        'api-supported-versions': operation.apiVersion,
        'azure-asyncoperation': `${call.origin}${operation.resourceId}/operations/${operation.id}?${operations.search(operation)}`,
        location: `https://${locationOf(cluster)}.rp.kubernetesconfiguration.azure.com${operation.resourceId}`,
        ...retryAfter(operation)
      }
    }
  }

  return [
    {
      method: 'GET',
      path: collection,
      handler (call) {
        const { cluster, apiVersion } = open(call)
        const value = extensions.list(cluster).map(extension => extensionBody(extension, extensions, apiVersion))
        return answer(apiVersion, { value, nextLink: null })
      }
    },
    {
      method: 'GET',
      path: item,
      handler: call => providerAnswers(call, () => {
        const { cluster, apiVersion } = open(call)
        return answer(apiVersion, extensionBody(existing(cluster, call), extensions, apiVersion))
      })
    },
    {
      method: 'PUT',
      path: item,
      handler: call => providerAnswers(call, () => {
        const { cluster, apiVersion } = open(call)
        const body = jsonBody(call)
        const desired = desiredByPut(body)
        checkType(desired.extensionType, cluster)
        const name = param(call, 'name')
        const known = extensions.find(cluster, name)
        if (known !== undefined && isBusy(known)) throw writeConflict()

        const { extension, operation, created } = extensions.put(cluster, name, desired, apiVersion)
        world.record(call, idOf(extension), created ? 'created' : 'replaced', body)
        return accepted(call, created ? 201 : 200, operation, cluster, extensionBody(extension, extensions, apiVersion))
      })
    },
    {
      method: 'PATCH',
      path: item,
      handler: call => providerAnswers(call, () => {
        const { cluster, apiVersion } = open(call)
        const extension = existing(cluster, call)
        const body = jsonBody(call)
        const desired = desiredByPatch(body, extension.desired)
        if (isBusy(extension)) throw patchConflict(extensions.state(extension))

        const operation = extensions.patch(extension, desired, apiVersion)
        if (operation === undefined) return answer(apiVersion, extensionBody(extension, extensions, apiVersion))
        world.record(call, idOf(extension), 'patched', body)
        return accepted(call, 202, operation, cluster, extensionBody(extension, extensions, apiVersion))
      })
    },
    {
      method: 'DELETE',
      path: item,
      handler: call => providerAnswers(call, () => {
        const { cluster, apiVersion } = open(call)
        const extension = extensions.find(cluster, param(call, 'name'))
        if (extension === undefined) return { status: 204, headers: { 'api-supported-versions': apiVersion } }
        if (queryValues(call, 'forcedelete').some(value => value.toLowerCase() === 'true')) {
          extensions.forceDelete(extension)
          world.record(call, idOf(extension), 'deleted')
          return answer(apiVersion, leakedMessage())
        }
        if (isBusy(extension)) throw writeConflict()

        const operation = extensions.delete(extension, apiVersion)
        world.record(call, idOf(extension), 'deleted')
        return accepted(call, 202, operation, cluster)
      })
    },
    {
      method: 'GET',
      path: `${item}/operations/:operation`,
      handler (call) {
        apiVersionOf(call)
        const operation = operations.find(param(call, 'operation'))
        const id = operation && `${operation.resourceId}/operations/${operation.id}`
        if (operation === undefined || keyOf(decodeURIComponent(call.path)) !== keyOf(id ?? '')) throw operationNotFound(param(call, 'operation'))
        if (operation.url.style !== 'legacy' ? call.search !== operations.search(operation) : apiVersionOf(call) !== operation.apiVersion) throw operationUrlChanged()
        const status = operationState(operation, operations.isOver(operation))
        return {
          status: 200,
          headers: { 'api-supported-versions': operationVersions, ...(!operations.isOver(operation) && retryAfter(operation)) },
          body: { id, name: operation.id, status, ...(status !== 'Succeeded' && operations.isOver(operation) && { error: operation.error }) }
        }
      }
    }
  ]
}

// What the provider lists on operations: every version that it ever had there, unlike on its resources.
const operationVersions = [
  '2019-11-01-Preview', '2021-05-01-preview', '2021-06-01-preview', '2021-09-01', '2021-11-01-preview', '2022-01-01-preview', '2022-03-01',
  '2022-04-02-preview', '2022-07-01', '2022-11-01', '2023-05-01', '2024-04-01-preview', '2024-11-01', '2025-03-01'
].join(', ')

function answer (apiVersion: string, body: unknown): Answer {
  return { status: 200, headers: { 'api-supported-versions': apiVersion }, body }
}

/** Errors that the provider itself answers carry its header; those of the gateway do not. */
function providerAnswers (call: Call, handle: () => Answer): Answer {
  try {
    return handle()
  } catch (error) {
    if (!(error instanceof ArmError) || error.answer.status === 400 || error.answer.headers?.['x-ms-failure-cause'] !== undefined) throw error
    return { ...error.answer, headers: { 'api-supported-versions': apiVersionOf(call), ...error.answer.headers } }
  }
}

function retryAfter ({ retryAfterSeconds }: Operation): Record<string, string> {
  return retryAfterSeconds === null ? {} : { 'retry-after': String(retryAfterSeconds) }
}

function idOf ({ cluster, name }: Extension): string {
  return `${clusterId(cluster.ref)}/providers/${extensionsNamespace}/extensions/${name}`
}

function checkType (name: string, cluster: Cluster): void {
  const type = findExtensionType(name)
  if (type?.clusterTypes.includes(cluster.ref.clusterType) === true) return
  const regions = type === undefined ? [] : locations.map(location => location.toLowerCase().replaceAll(' ', ''))
  throw typeNotRegistered(name, locationOf(cluster), regions)
}

/** The provider's answer to a forced delete: a .NET response object that leaks out as JSON. */
function leakedMessage (): Record<string, unknown> {
  return {
    version: '1.1', content: { headers: [] }, statusCode: 200, reasonPhrase: 'OK', headers: [], trailingHeaders: [],
    requestMessage: null, isSuccessStatusCode: true
  }
}
