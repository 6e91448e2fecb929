import { clusterId, extensionsNamespace } from './arm-ids.ts'
import { dotnetTime } from './clock.ts'
import type { Extension, Extensions } from './extensions.ts'
import { guidOf } from './identities.ts'

/** An extension as its resource provider writes it in one api-version: newer ones have more fields, and explicit nulls. */
export function extensionBody (extension: Extension, extensions: Extensions, apiVersion: string): Record<string, unknown> {
  const { desired, cluster, name } = extension
  const id = `${clusterId(cluster.ref)}/providers/${extensionsNamespace}/extensions/${name}`
  const current = extensions.currentVersion(extension)
  const hasCurrentVersion = apiVersion >= '2022-11-01'

  return {
    id,
    name,
    type: `${extensionsNamespace}/extensions`,
    properties: {
      extensionType: desired.extensionType,
      autoUpgradeMinorVersion: desired.autoUpgradeMinorVersion,
      ...(apiVersion >= '2025-03-01' && { autoUpgradeMode: desired.autoUpgradeMode }),
      releaseTrain: desired.releaseTrain,
      // Older versions have one field for the version asked for and the one that runs.
      version: hasCurrentVersion ? desired.version : desired.version ?? current,
      ...(hasCurrentVersion && { currentVersion: current }),
      scope: desired.scope,
      provisioningState: extensions.state(extension),
      configurationSettings: desired.configurationSettings,
      configurationProtectedSettings: Object.fromEntries(Object.keys(desired.configurationProtectedSettings).map(key => [key, ''])),
      statuses: extensions.statuses(extension).map(({ code, displayStatus = null, level, message, time = null }) => ({ code, displayStatus, level, message, time })),
      aksAssignedIdentity: cluster.ref.clusterType === 'managedClusters' && current !== null ? aksAssignedIdentity(id, apiVersion) : null,
      ...(apiVersion >= '2022-07-01' && { isSystemExtension: false }),
      ...(apiVersion >= '2025-03-01' && { managedBy: null, managementDetails: null, additionalDetails: null, extensionState: null })
    },
    systemData: {
      createdBy: null,
      createdByType: null,
      createdAt: dotnetTime(extension.createdAt),
      lastModifiedBy: null,
      lastModifiedByType: null,
      lastModifiedAt: dotnetTime(extension.lastModifiedAt)
    },
    ...(desired.plan !== undefined && { plan: desired.plan }),
    ...(desired.identity !== undefined && { identity: { ...desired.identity, principalId: guidOf(`${id}/identity`) } })
  }
}

function aksAssignedIdentity (id: string, apiVersion: string): Record<string, unknown> {
  const principalId = guidOf(`${id}/aks-identity`)
  if (apiVersion < '2024-11-01') return { principalId, tenantId: null, type: null }
  return { principalId, tenantId: null, type: null, objectId: null, clientId: null, url: null }
}
