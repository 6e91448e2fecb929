import { invalidApiVersion, invalidResourceType, missingApiVersion, noRegisteredProvider } from './answers.ts'
import { queryValues, type Call } from './call.ts'
import { extensionsNamespace } from './arm-ids.ts'

/** A resource type as a provider lists it. Versions newest first. */
export interface ResourceType {
  resourceType: string
  locations: readonly string[]
  apiVersions: readonly string[]
  defaultApiVersion?: string
  capabilities: string
}

/** A resource provider: what `GET …/providers/{namespace}` tells, registration aside. */
export interface Provider {
  namespace: string
  authorizations: { applicationId: string, roleDefinitionId: string }[]
  resourceTypes: ResourceType[]
}

/** Regions by display name, as providers list them. */
export const locations = [
  'East US', 'East US 2', 'West US', 'West US 2', 'West US 3', 'Central US', 'North Central US', 'South Central US', 'West Central US',
  'Canada Central', 'Canada East', 'Brazil South', 'North Europe', 'West Europe', 'UK South', 'UK West', 'France Central', 'Germany West Central',
  'Switzerland North', 'Norway East', 'Sweden Central', 'Australia East', 'Southeast Asia', 'East Asia', 'Japan East', 'Korea Central',
  'Central India', 'UAE North', 'South Africa North', 'East US 2 EUAP', 'Central US EUAP'
] as const

const extensionVersions = ['2025-03-01', '2024-11-01', '2023-05-01', '2022-11-01', '2022-07-01', '2022-03-01', '2020-07-01-preview']
const extensionTypeVersions = ['2024-11-01-preview', '2023-05-01-preview', '2022-01-15-preview']
const arcVersions = [
  '2026-05-01',
  '2024-12-01-preview', '2024-07-15-preview', '2024-07-01-preview', '2024-06-01-preview', '2024-01-01', '2023-11-01-preview', '2022-10-01-preview',
  '2022-05-01-preview', '2021-10-01', '2021-03-01', '2020-01-01-preview'
]
const aksVersions = [
  '2026-06-01', '2025-10-01', '2025-05-01', '2024-09-01', '2024-07-02-preview', '2024-05-01', '2024-02-01', '2023-10-01', '2023-05-01', '2022-11-01',
  '2022-04-01', '2021-05-01', '2020-11-01'
]

/** Every provider that the emulator has. */
export const providers: readonly Provider[] = [
  {
    namespace: extensionsNamespace,
    authorizations: [
      // The apps that install extensions on Arc-enabled clusters and on AKS.
      { applicationId: 'c699bf69-fb1d-4eaf-999b-99e6b2ae4d85', roleDefinitionId: '90155430-a360-410f-af5d-89dc284d85c6' },
      { applicationId: '03db181c-e9d3-4868-9097-f0b728327182', roleDefinitionId: 'de2adb97-42d8-49c8-8fcf-dbb53ef936ac' }
    ],
    resourceTypes: [
      { resourceType: 'extensions', locations, apiVersions: extensionVersions, defaultApiVersion: '2023-05-01', capabilities: 'SystemAssignedResourceIdentity, SupportsExtension' },
      { resourceType: 'extensionTypes', locations, apiVersions: extensionTypeVersions, capabilities: 'SupportsExtension' },
      { resourceType: 'locations/extensionTypes', locations, apiVersions: extensionTypeVersions, capabilities: 'None' },
      { resourceType: 'locations/extensionTypes/versions', locations, apiVersions: extensionTypeVersions, capabilities: 'None' },
      { resourceType: 'locations', locations, apiVersions: extensionTypeVersions, capabilities: 'None' },
      { resourceType: 'operations', locations: [], apiVersions: extensionVersions, capabilities: 'None' }
    ]
  },
  {
    namespace: 'Microsoft.Kubernetes',
    authorizations: [{ applicationId: '64b12d6e-6549-484c-8cc6-6281839ba394', roleDefinitionId: '1d1d44cf-68a1-4def-a2b6-cd7efc3515af' }],
    resourceTypes: [
      { resourceType: 'connectedClusters', locations, apiVersions: arcVersions, capabilities: 'SystemAssignedResourceIdentity, SupportsTags, SupportsLocation' },
      { resourceType: 'locations', locations: [], apiVersions: arcVersions, capabilities: 'None' },
      { resourceType: 'locations/operationStatuses', locations, apiVersions: arcVersions, capabilities: 'None' },
      { resourceType: 'Operations', locations: [], apiVersions: arcVersions, capabilities: 'None' }
    ]
  },
  {
    namespace: 'Microsoft.ContainerService',
    authorizations: [{ applicationId: '7319c514-987d-4e9b-ac3d-d38c4f427f4c', roleDefinitionId: '1b4a0c7f-2217-416f-acfa-cf73452fdc1c' }],
    resourceTypes: [
      { resourceType: 'managedClusters', locations, apiVersions: aksVersions, defaultApiVersion: '2024-09-01', capabilities: 'CrossResourceGroupResourceMove, CrossSubscriptionResourceMove, SystemAssignedResourceIdentity, SupportsTags, SupportsLocation' },
      { resourceType: 'operations', locations: [], apiVersions: aksVersions, capabilities: 'None' }
    ]
  }
]

export function findProvider (namespace: string): Provider | undefined {
  return providers.find(provider => provider.namespace.toLowerCase() === namespace.toLowerCase())
}

/**
 * The api-version that a call asks for, when the type serves it: what its provider lists, and for reads anything newer.
 * Otherwise ARM's error.
 */
export function checkedApiVersion (call: Call, namespace: string, resourceType: string, location = 'global'): string {
  const version = apiVersionOf(call)
  const type = findProvider(namespace)?.resourceTypes.find(({ resourceType: name }) => name === resourceType)
  if (type === undefined) throw new Error(`The catalogue has no ${namespace}/${resourceType}`)
  if (!/^\d{4}-\d{2}-\d{2}(-[a-z]+)?$/i.test(version)) throw invalidApiVersion(version, type.apiVersions)

  const newest = type.apiVersions.reduce((a, b) => a > b ? a : b)
  if (type.apiVersions.includes(version.toLowerCase()) || (call.method === 'GET' && version > newest)) return version.toLowerCase()
  if (resourceType.toLowerCase().includes('extensiontypes')) throw invalidResourceType(namespace, version)
  throw noRegisteredProvider(resourceType, version, location, type.apiVersions, type.locations)
}

/** The api-version that a call asks for, of whatever form. Two of them come as one, with a comma, as ARM reads them. */
export function apiVersionOf (call: Call): string {
  const versions = queryValues(call, 'api-version').filter(value => value !== '')
  if (versions.length === 0) throw missingApiVersion()
  return versions.join(',')
}
