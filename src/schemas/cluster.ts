import { Type, type Static } from 'typebox'

/** ARM resource type of each kind of cluster, by the name that paths and `az -t` use. */
export const clusterProviders = {
  managedClusters: 'Microsoft.ContainerService',
  connectedClusters: 'Microsoft.Kubernetes'
} as const

/** Which cluster, as in the path of every cluster route. Names compare case-insensitively, as in ARM. */
export const ClusterRef = Type.Object({
  subscriptionId: Type.String({
    format: 'uuid', minLength: 36, maxLength: 36, pattern: '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$',
    description: 'Azure subscription id, a GUID.', examples: ['5f0c1a52-8a53-4a2e-9c0b-3f6f8f0f1a11']
  }),
  resourceGroup: Type.String({
    minLength: 1, maxLength: 90, pattern: '^[-\\w.()]*[-\\w()]$',
    description: 'Resource group of the cluster: letters, digits, `-_.()`, not ending in a dot.', examples: ['rg-platform']
  }),
  clusterType: Type.Enum(['managedClusters', 'connectedClusters'], {
    type: 'string', description: '`managedClusters` for AKS, `connectedClusters` for Azure Arc-enabled Kubernetes.', examples: ['managedClusters']
  }),
  clusterName: Type.String({
    minLength: 1, maxLength: 63, pattern: '^[a-zA-Z0-9]([-_a-zA-Z0-9]*[a-zA-Z0-9])?$',
    description: 'Name of the cluster resource.', examples: ['aks-team-a']
  })
}, { additionalProperties: false, description: 'A cluster, in the segments of its ARM id.' })

export type ClusterRef = Static<typeof ClusterRef>

/** The cluster's ARM id in the spelling of the caller. */
export function clusterArmId (cluster: ClusterRef): string {
  return `/subscriptions/${cluster.subscriptionId}/resourceGroups/${cluster.resourceGroup}` +
    `/providers/${clusterProviders[cluster.clusterType]}/${cluster.clusterType}/${cluster.clusterName}`
}

/** The cluster's ARM id in lower case: the form in which ids are compared, stored and locked. */
export function clusterKey (cluster: ClusterRef): string {
  return clusterArmId(cluster).toLowerCase()
}
