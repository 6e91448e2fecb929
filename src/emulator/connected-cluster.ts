import { armTime, stampOf } from './clock.ts'
import { locationOf, type Cluster } from './clusters.ts'
import { guidOf } from './identities.ts'
import { merge } from './merge.ts'

/** How far an Arc-enabled cluster has come. A seeded one is `connected`. */
export type ConnectedClusterState = 'deleting' | 'accepted' | 'failed' | 'created' | 'connected'

const distributions: Record<string, string> = { aks: 'AKS', k3s: 'K3s', openshift: 'OpenShift' } // the provider's own spelling
const agentApplication = '64b12d6e-6549-484c-8cc6-6281839ba394' // the agents' reports are this app's writes

/** An Arc-enabled cluster as its provider writes it in one api-version. */
export function connectedClusterBody (cluster: Cluster, state: ConnectedClusterState, at: { tenantId: string, apiVersion: string, now: number }): Record<string, unknown> {
  const { facts, id, ref } = cluster
  const seeded = cluster.operation === undefined
  const reportedAt = stampOf(at.now)
  const body = {
    id,
    name: ref.clusterName,
    type: 'microsoft.kubernetes/connectedclusters',
    location: locationOf(cluster),
    tags: facts.tags ?? {},
    systemData: {
      createdBy: 'someone@emulator.example',
      createdByType: 'User',
      createdAt: armTime(cluster.createdAt),
      lastModifiedBy: state === 'connected' ? agentApplication : 'someone@emulator.example',
      lastModifiedByType: state === 'connected' ? 'Application' : 'User',
      lastModifiedAt: armTime(cluster.modifiedAt)
    },
    identity: { principalId: guidOf(`${id}/identity`), tenantId: at.tenantId, type: 'SystemAssigned' },
    properties: {
      provisioningState: provisioningStates[state],
      connectivityStatus: state === 'connected' ? 'Connected' : 'Connecting',
      ...(at.apiVersion >= '2022-05-01-preview' && { privateLinkState: 'Disabled', azureHybridBenefit: 'NotApplicable' }),
      agentPublicKeyCertificate: '',
      ...(hasAadProfile(at.apiVersion) && { aadProfile: {} }),
      distribution: 'generic',
      infrastructure: 'generic',
      ...(state === 'connected' && {
        kubernetesVersion: '1.33.4',
        totalNodeCount: 4,
        agentVersion: '1.30.3',
        totalCoreCount: 16,
        lastConnectivityTime: milliseconds(reportedAt),
        managedIdentityCertificateExpirationTime: `${new Date(at.now + 90 * 86_400_000).toISOString().slice(0, 16)}:00Z`
      })
    }
  }
  const { properties, identity } = merge({ properties: body.properties, identity: body.identity }, { properties: facts.properties ?? {}, identity: facts.identity ?? {} }) as typeof body // a merge keeps the outline
  return { ...body, identity, properties: { ...known(properties, at.apiVersion), ...(!seeded && canonical(properties, state)) } }
}

const provisioningStates = { deleting: 'Deleting', accepted: 'Accepted', failed: 'Failed', created: 'Succeeded', connected: 'Succeeded' } as const

function hasAadProfile (apiVersion: string): boolean {
  return apiVersion >= '2023-11-01-preview' && apiVersion !== '2024-01-01'
}

/** Without the fields that this api-version does not have yet. */
function known (properties: Record<string, unknown>, apiVersion: string): Record<string, unknown> {
  if (apiVersion >= '2024-07-01-preview') return properties
  const { oidcIssuerProfile, securityProfile, workloadIdentity, ...rest } = properties
  return rest
}

/** Once its operation is over, the provider has put its own spelling in the place of the caller's. */
function canonical (properties: { distribution: string }, state: ConnectedClusterState): { distribution: string } {
  const { distribution } = properties
  return { distribution: state === 'accepted' ? distribution : distributions[distribution.toLowerCase()] ?? distribution }
}

function milliseconds (stamp: bigint): string {
  return armTime(stamp).replace(/\d{4}Z$/, 'Z')
}
