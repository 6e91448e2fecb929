import { clusterId, keyOf, resourceType, type ClusterRef } from './arm-ids.ts'
import { resourceNotFound } from './answers.ts'
import type { Clock } from './clock.ts'
import type { Extension } from './extensions.ts'
import { merge } from './merge.ts'
import type { Operation, Operations } from './operations.ts'
import type { OperationKind, Script } from './script.ts'

/** What is special about a cluster; the rest of its body is computed. */
export interface ClusterFacts {
  location?: string
  tags?: Record<string, string>
  identity?: Record<string, unknown>
  properties?: Record<string, unknown>
}

export interface Cluster {
  ref: ClusterRef
  id: string
  facts: ClusterFacts
  script: Script
  /** By lower-cased name. Read them through `createExtensions`, which settles what time has done to them. */
  extensions: Map<string, Extension>
  createdAt: bigint
  modifiedAt: bigint
  /** The cluster's own operation, when ARM made it or is deleting it. A seeded cluster has none. */
  operation?: Operation
}

/** The clusters of this Azure. */
export interface Clusters {
  find: (ref: ClusterRef) => Cluster | undefined
  /** The cluster, or the gateway's 404. */
  get: (ref: ClusterRef) => Cluster
  all: () => Cluster[]
  /** Makes a cluster, or gives an existing one another script, and facts on top of those it has. */
  seed: (ref: ClusterRef, script: Script, facts: ClusterFacts) => { cluster: Cluster, created: boolean }
  /** Creates or updates a cluster as ARM does: its operation begins. */
  put: (ref: ClusterRef, facts: ClusterFacts, begin: (kind: OperationKind, cluster: Cluster) => Operation) => { cluster: Cluster, operation: Operation, created: boolean }
  reset: () => void
}

/** Region of a cluster that nobody gave one. */
export const defaultLocation = 'westeurope'

export function createClusters (deps: { clock: Clock, operations: Operations, defaults: Script }): Clusters {
  const { clock, operations, defaults } = deps
  const clusters = new Map<string, Cluster>()

  function find (ref: ClusterRef): Cluster | undefined {
    const key = keyOf(clusterId(ref))
    const cluster = clusters.get(key)
    const operation = cluster?.operation
    if (operation?.kind !== 'delete' || !operations.isOver(operation) || operation.outcome !== 'Succeeded') return cluster
    clusters.delete(key)
    return undefined
  }

  function add (ref: ClusterRef, script: Script, facts: ClusterFacts): Cluster {
    const stamp = clock.stamp()
    const cluster: Cluster = { ref, id: clusterId(ref), facts, script: { ...defaults, ...script }, extensions: new Map(), createdAt: stamp, modifiedAt: stamp }
    clusters.set(keyOf(cluster.id), cluster)
    return cluster
  }

  return {
    find,

    get (ref) {
      const cluster = find(ref)
      if (cluster === undefined) throw resourceNotFound(resourceType(ref), ref.clusterName, ref.resourceGroup)
      return cluster
    },

    all: () => [...clusters.values()].filter(cluster => find(cluster.ref) === cluster),

    seed (ref, script, facts) {
      const known = find(ref)
      if (known === undefined) return { cluster: add(ref, script, facts), created: true }
      known.script = { ...defaults, ...script }
      known.facts = merge(known.facts, facts) as ClusterFacts // facts on facts are facts
      known.modifiedAt = clock.stamp()
      return { cluster: known, created: false }
    },

    put (ref, facts, begin) {
      const known = find(ref)
      const cluster = known ?? add(ref, {}, facts)
      cluster.facts = facts
      cluster.modifiedAt = clock.stamp()
      const operation = begin(known === undefined ? 'create' : 'update', cluster)
      cluster.operation = operation
      return { cluster, operation, created: known === undefined }
    },

    reset: () => { clusters.clear() }
  }
}

export function locationOf (cluster: Cluster): string {
  return (cluster.facts.location ?? defaultLocation).toLowerCase().replaceAll(' ', '')
}
