import type { Answer } from './answers.ts'
import { clusterOf, clusterTypes, knownClusterType, type ClusterType } from './arm-ids.ts'
import { param, type Call, type Route } from './call.ts'
import { checkedApiVersion } from './catalogue.ts'
import type { Cluster } from './clusters.ts'
import { connectedClusterState } from './connected-cluster-routes.ts'
import { connectedClusterBody } from './connected-cluster.ts'
import { managedClusterBody } from './managed-cluster.ts'
import type { World } from './world.ts'

/** AKS clusters, read only, and lists of clusters of both kinds. */
export function clusterRoutes (world: World, tenantId: string): Route[] {
  function list (call: Call, clusterType: ClusterType, isWanted: (cluster: Cluster) => boolean): Answer {
    const apiVersion = checkedApiVersion(call, clusterTypes[clusterType].namespace, clusterType)
    const subscriptionId = param(call, 'subscriptionId').toLowerCase()
    const wanted = world.clusters.all().filter(cluster =>
      cluster.ref.clusterType === clusterType && cluster.ref.subscriptionId.toLowerCase() === subscriptionId && isWanted(cluster))
    return { status: 200, body: { value: wanted.map(cluster => clusterBody(world, cluster, tenantId, apiVersion)) } }
  }

  return [
    {
      method: 'GET',
      path: '/subscriptions/:subscriptionId/resourceGroups/:resourceGroup/providers/:namespace/:clusterType/:clusterName',
      handler (call) {
        const ref = clusterOf(call)
        const apiVersion = checkedApiVersion(call, clusterTypes[ref.clusterType].namespace, ref.clusterType)
        return { status: 200, body: clusterBody(world, world.clusters.get(ref), tenantId, apiVersion) }
      }
    },
    {
      method: 'GET',
      path: '/subscriptions/:subscriptionId/resourceGroups/:resourceGroup/providers/:namespace/:clusterType',
      handler (call) {
        const group = param(call, 'resourceGroup').toLowerCase()
        const type = knownClusterType(param(call, 'namespace'), param(call, 'clusterType'), call)
        return list(call, type, ({ ref }) => ref.resourceGroup.toLowerCase() === group)
      }
    },
    {
      method: 'GET',
      path: '/subscriptions/:subscriptionId/providers/:namespace/:clusterType',
      handler: call => list(call, knownClusterType(param(call, 'namespace'), param(call, 'clusterType'), call), () => true)
    }
  ]
}

/** A cluster's body, whichever kind it is of. */
function clusterBody (world: World, cluster: Cluster, tenantId: string, apiVersion: string): Record<string, unknown> {
  if (cluster.ref.clusterType === 'managedClusters') return managedClusterBody(cluster, tenantId)
  return connectedClusterBody(cluster, connectedClusterState(world, cluster), { tenantId, apiVersion, now: world.clock.now() })
}
