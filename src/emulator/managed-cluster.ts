import { createHash } from 'node:crypto'
import { locationOf, type Cluster } from './clusters.ts'
import { guidOf } from './identities.ts'
import { merge } from './merge.ts'

const kubernetesVersion = '1.33'
const currentKubernetesVersion = '1.33.4'

/** An AKS cluster: four Linux nodes, a managed identity, an OIDC issuer and workload identity, unless its facts say otherwise. */
export function managedClusterBody (cluster: Cluster, tenantId: string): Record<string, unknown> {
  const { facts, id, ref } = cluster
  const { subscriptionId, resourceGroup, clusterName } = ref
  const location = locationOf(cluster)
  const body = {
    id: `/subscriptions/${subscriptionId}/resourcegroups/${resourceGroup}/providers/Microsoft.ContainerService/managedClusters/${clusterName}`,
    location,
    name: clusterName,
    type: 'Microsoft.ContainerService/ManagedClusters',
    ...(facts.tags !== undefined && { tags: facts.tags }),
    kind: 'Base',
    properties: properties(cluster, location, tenantId),
    identity: { type: 'SystemAssigned', principalId: guidOf(`${id}/identity`), tenantId },
    sku: { name: 'Base', tier: 'Standard' },
    eTag: guidOf(`${id}/${cluster.modifiedAt}`)
  }
  return merge(body, { ...(facts.identity !== undefined && { identity: identityOf(facts.identity) }), properties: facts.properties ?? {} }) as typeof body // a merge keeps the outline
}

/** `{ type: 'None' }` is how a cluster with a service principal says that it has no identity: it leaves it out. */
function identityOf (identity: Record<string, unknown>): Record<string, unknown> | null {
  return identity['type'] === 'None' ? null : identity
}

function properties (cluster: Cluster, location: string, tenantId: string): Record<string, unknown> {
  const { id, ref } = cluster
  const { subscriptionId, resourceGroup, clusterName } = ref
  const hash = createHash('sha256').update(id.toLowerCase()).digest('hex')
  const dnsPrefix = `${clusterName.toLowerCase()}-${hash.slice(0, 6)}`
  const host = `${dnsPrefix}-${hash.slice(6, 14)}`
  const nodeResourceGroup = `MC_${resourceGroup}_${clusterName}_${location}`
  const userAssigned = (name: string) => ({
    resourceId: `/subscriptions/${subscriptionId}/resourcegroups/${nodeResourceGroup}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/${name}`,
    clientId: guidOf(`${id}/${name}/client`),
    objectId: guidOf(`${id}/${name}/object`)
  })

  return {
    provisioningState: 'Succeeded',
    powerState: { code: 'Running' },
    kubernetesVersion,
    currentKubernetesVersion,
    dnsPrefix,
    fqdn: `${host}.hcp.${location}.azmk8s.io`,
    azurePortalFQDN: `${host}.portal.hcp.${location}.azmk8s.io`,
    agentPoolProfiles: [agentPool(hash)],
    linuxProfile: { adminUsername: 'azureuser', ssh: { publicKeys: [{ keyData: `ssh-ed25519 ${hash}` }] } },
    servicePrincipalProfile: { clientId: 'msi' },
    nodeResourceGroup,
    enableRBAC: true,
    enablePodSecurityPolicy: false,
    supportPlan: 'KubernetesOfficial',
    networkProfile: network(subscriptionId, nodeResourceGroup, hash),
    aadProfile: { managed: true, adminGroupObjectIDs: null, adminUsers: null, enableAzureRBAC: true, tenantID: tenantId },
    maxAgentPools: 100,
    apiServerAccessProfile: { enablePrivateCluster: false, enableVnetIntegration: false, subnetId: '' },
    identityProfile: { kubeletidentity: userAssigned(`${clusterName}-agentpool`) },
    autoUpgradeProfile: { upgradeChannel: 'stable', nodeOSUpgradeChannel: 'NodeImage' },
    disableLocalAccounts: true,
    securityProfile: { imageCleaner: { enabled: true, intervalHours: 168 }, workloadIdentity: { enabled: true } },
    storageProfile: { diskCSIDriver: { enabled: true, version: 'v1' }, fileCSIDriver: { enabled: true }, snapshotController: { enabled: true } },
    oidcIssuerProfile: { enabled: true, issuerURL: `https://${location}.oic.prod-aks.azure.com/${tenantId}/${guidOf(`${id}/oidc`)}/` },
    nodeResourceGroupProfile: { restrictionLevel: 'ReadOnly' },
    workloadAutoScalerProfile: {},
    metricsProfile: { costAnalysis: { enabled: false } },
    resourceUID: hash.slice(0, 24),
    controlPlanePluginProfiles: { 'azure-monitor-metrics-ccp': { enableV2: true } },
    nodeProvisioningProfile: { mode: 'Manual' },
    bootstrapProfile: { artifactSource: 'Direct' }
  }
}

function agentPool (hash: string): Record<string, unknown> {
  return {
    name: 'nodepool1',
    count: 4, // what a highly available Argo CD needs
    vmSize: 'standard_d4ds_v5',
    osDiskSizeGB: 128,
    osDiskType: 'Ephemeral',
    kubeletDiskType: 'OS',
    workloadRuntime: 'OCIContainer',
    maxPods: 250,
    type: 'VirtualMachineScaleSets',
    availabilityZones: ['1', '2', '3'],
    enableAutoScaling: false,
    provisioningState: 'Succeeded',
    powerState: { code: 'Running' },
    orchestratorVersion: kubernetesVersion,
    currentOrchestratorVersion: currentKubernetesVersion,
    enableNodePublicIP: false,
    enableCustomCATrust: false,
    mode: 'System',
    enableEncryptionAtHost: false,
    enableUltraSSD: false,
    osType: 'Linux',
    osSKU: 'AzureLinux',
    nodeImageVersion: 'AKSAzureLinux-V3gen2-202610.12.0',
    upgradeSettings: { maxSurge: '10%' },
    enableFIPS: false,
    networkProfile: {},
    securityProfile: { sshAccess: 'Disabled', enableVTPM: false, enableSecureBoot: false },
    eTag: guidOf(`${hash}/nodepool1`)
  }
}

function network (subscriptionId: string, nodeResourceGroup: string, hash: string): Record<string, unknown> {
  return {
    networkPlugin: 'azure',
    networkPluginMode: 'overlay',
    networkPolicy: 'cilium',
    networkDataplane: 'cilium',
    loadBalancerSku: 'standard',
    loadBalancerProfile: { backendPoolType: 'nodeIPConfiguration' },
    natGatewayProfile: {
      managedOutboundIPProfile: { count: 1 },
      effectiveOutboundIPs: [{ id: `/subscriptions/${subscriptionId}/resourceGroups/${nodeResourceGroup}/providers/Microsoft.Network/publicIPAddresses/${guidOf(`${hash}/ip`)}` }],
      idleTimeoutInMinutes: 4
    },
    podCidr: '10.244.0.0/16',
    serviceCidr: '10.0.0.0/16',
    dnsServiceIP: '10.0.0.10',
    outboundType: 'managedNATGateway',
    podCidrs: ['10.244.0.0/16'],
    serviceCidrs: ['10.0.0.0/16'],
    ipFamilies: ['IPv4'],
    kubeProxyConfig: {},
    podLinkLocalAccess: 'IMDS'
  }
}
