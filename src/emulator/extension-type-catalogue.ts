import type { ClusterType } from './arm-ids.ts'

/** An extension type of the emulator's own catalogue. Versions newest first, by release train. */
export interface ExtensionType {
  name: string
  description: string
  publisher: string
  isManagedIdentityRequired: boolean
  clusterTypes: ClusterType[]
  /** Where it is installed by default; undefined for a type that is scoped to a namespace. */
  releaseNamespace?: string
  versions: Record<string, string[]>
}

const both: ClusterType[] = ['connectedClusters', 'managedClusters']

/** Version numbers are examples: no list of the real ones is published. */
export const extensionTypes: readonly ExtensionType[] = [
  {
    name: 'microsoft.argocd', description: 'Argo CD, managed', publisher: 'Microsoft', isManagedIdentityRequired: false, clusterTypes: both,
    releaseNamespace: 'argocd', versions: { stable: ['1.0.0', '0.0.12'], preview: ['1.1.0-preview', '1.0.0-preview', '0.0.11'] }
  },
  {
    name: 'microsoft.flux', description: 'Flux controllers', publisher: 'Microsoft', isManagedIdentityRequired: false, clusterTypes: both,
    releaseNamespace: 'flux-system', versions: { stable: ['1.17.3', '1.16.9'] }
  },
  {
    name: 'microsoft.dapr', description: 'Dapr runtime', publisher: 'Microsoft', isManagedIdentityRequired: false, clusterTypes: both,
    releaseNamespace: 'dapr-system', versions: { stable: ['1.14.4-msft.5', '1.6.0'] }
  },
  {
    name: 'microsoft.app.environment', description: 'Container Apps environment', publisher: 'Microsoft.App', isManagedIdentityRequired: true,
    clusterTypes: ['connectedClusters'], releaseNamespace: 'appplat-ns', versions: { stable: ['1.36.15', '1.17.9'] }
  },
  {
    name: 'microsoft.azuremonitor.containers', description: 'Container insights', publisher: 'Microsoft.AzureMonitor', isManagedIdentityRequired: true,
    clusterTypes: both, releaseNamespace: 'kube-system', versions: { stable: ['3.1.26'], preview: ['3.2.0-preview'] }
  },
  {
    name: 'microsoft.azuredefender.kubernetes', description: 'Defender for Containers', publisher: 'Microsoft.AzureDefender', isManagedIdentityRequired: true,
    clusterTypes: ['connectedClusters'], releaseNamespace: 'mdc', versions: { stable: ['0.9.53'] }
  },
  {
    name: 'microsoft.azurekeyvaultsecretsprovider', description: 'Key Vault secrets provider', publisher: 'Microsoft', isManagedIdentityRequired: false,
    clusterTypes: ['connectedClusters'], releaseNamespace: 'kube-system', versions: { stable: ['1.7.1'] }
  },
  {
    name: 'microsoft.apimanagement.gateway', description: 'Self-hosted API gateway', publisher: 'Microsoft.ApiManagement', isManagedIdentityRequired: true,
    clusterTypes: both, versions: { stable: ['2.8.0'] }
  }
]

export function findExtensionType (name: string): ExtensionType | undefined {
  return extensionTypes.find(type => type.name === name.toLowerCase())
}

/** All versions of a type, newest first; of one release train when it is named. */
export function versionsOf (type: ExtensionType, releaseTrain?: string): string[] {
  if (releaseTrain !== undefined) return type.versions[releaseTrain.toLowerCase()] ?? []
  const newestFirst = (a: string, b: string) => b.localeCompare(a, 'en', { numeric: true })
  return Object.values(type.versions).flat().sort(newestFirst)
}

/** What an extension gets whose version nobody pinned. */
export function latestVersion (typeName: string, releaseTrain: string): string {
  const type = findExtensionType(typeName)
  return (type && (versionsOf(type, releaseTrain)[0] ?? versionsOf(type)[0])) ?? '1.0.0'
}
