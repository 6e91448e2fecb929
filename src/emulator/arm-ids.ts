import { invalidNamespace, invalidResourceType } from './answers.ts'
import { param, type Call } from './call.ts'

/** The kinds of cluster the emulator has: their provider, and how operation URLs re-case their type. */
export const clusterTypes = {
  managedClusters: { namespace: 'Microsoft.ContainerService', recased: 'ManagedClusters' },
  connectedClusters: { namespace: 'Microsoft.Kubernetes', recased: 'ConnectedClusters' }
} as const

export type ClusterType = keyof typeof clusterTypes

export const extensionsNamespace = 'Microsoft.KubernetesConfiguration'

/** A cluster, in the segments of its ARM id. */
export interface ClusterRef {
  subscriptionId: string
  resourceGroup: string
  clusterType: ClusterType
  clusterName: string
}

/** The cluster's ARM id, its names in the spelling they were given in. */
export function clusterId (ref: ClusterRef): string {
  return `${groupId(ref)}/providers/${clusterTypes[ref.clusterType].namespace}/${ref.clusterType}/${ref.clusterName}`
}

/** The same id as operation URLs and `Location` spell it. */
export function recasedClusterId (ref: ClusterRef): string {
  const { namespace, recased } = clusterTypes[ref.clusterType]
  return `${groupId(ref)}/providers/${namespace}/${recased}/${ref.clusterName}`
}

/** Full resource type of a cluster. */
export function resourceType (ref: ClusterRef): string {
  return `${clusterTypes[ref.clusterType].namespace}/${ref.clusterType}`
}

/** The form in which ids are compared: ARM does not look at case. */
export function keyOf (id: string): string {
  return id.toLowerCase()
}

/** Reads a cluster's ARM id, whatever its case. Undefined when it is none. */
export function parseClusterId (id: string): ClusterRef | undefined {
  const match = /^\/subscriptions\/([^/]+)\/resourceGroups\/([^/]+)\/providers\/([^/]+)\/([^/]+)\/([^/]+)$/i.exec(id)
  if (match === null) return undefined
  const [, subscriptionId = '', resourceGroup = '', namespace = '', type = '', clusterName = ''] = match
  const clusterType = clusterTypeOf(namespace, type)
  return clusterType === undefined ? undefined : { subscriptionId, resourceGroup, clusterType, clusterName }
}

/** The cluster that a call's path names. An unknown provider or type ends with ARM's own 404. */
export function clusterOf (call: Call): ClusterRef {
  const namespace = param(call, 'namespace')
  return {
    subscriptionId: param(call, 'subscriptionId'),
    resourceGroup: param(call, 'resourceGroup'),
    clusterType: knownClusterType(namespace, param(call, 'clusterType'), call),
    clusterName: param(call, 'clusterName')
  }
}

/** The kind of cluster behind two path segments, or ARM's 404. */
export function knownClusterType (namespace: string, type: string, call: Call): ClusterType {
  const found = clusterTypeOf(namespace, type)
  if (found !== undefined) return found
  const known = Object.values(clusterTypes).some(cluster => cluster.namespace.toLowerCase() === namespace.toLowerCase())
  throw known ? invalidResourceType(namespace, new URLSearchParams(call.search).get('api-version') ?? '') : invalidNamespace(namespace)
}

function clusterTypeOf (namespace: string, type: string): ClusterType | undefined {
  const entries = Object.entries(clusterTypes) as [ClusterType, { namespace: string }][] // Object.entries forgets the keys' type
  return entries.find(([name, cluster]) =>
    name.toLowerCase() === type.toLowerCase() && cluster.namespace.toLowerCase() === namespace.toLowerCase())?.[0]
}

function groupId (ref: ClusterRef): string {
  return `/subscriptions/${ref.subscriptionId}/resourceGroups/${ref.resourceGroup}`
}
