import { ArmError, type Answer } from './answers.ts'
import { clusterId, clusterOf, extensionsNamespace } from './arm-ids.ts'
import { param, queryValues, type Call, type Route } from './call.ts'
import { checkedApiVersion } from './catalogue.ts'
import { extensionTypes, findExtensionType, versionsOf, type ExtensionType } from './extension-type-catalogue.ts'
import type { World } from './world.ts'

const provider = `providers/${extensionsNamespace}`

/** What can be installed, by cluster and by region. */
export function extensionTypeRoutes (world: World): Route[] {
  /** The types that a call may see, and the path under which it sees them. */
  function open (call: Call): { types: readonly ExtensionType[], base: string } {
    const subscription = `/subscriptions/${param(call, 'subscriptionId')}`
    checkedApiVersion(call, extensionsNamespace, 'extensionTypes')
    if (call.params['location'] !== undefined) {
      return { types: extensionTypes, base: `${subscription}/${provider}/locations/${call.params['location']}/extensionTypes` }
    }
    const { ref } = world.clusters.get(clusterOf(call))
    return {
      types: extensionTypes.filter(type => type.clusterTypes.includes(ref.clusterType)),
      base: `${clusterId(ref)}/${provider}/extensionTypes`
    }
  }

  function one (call: Call): { type: ExtensionType, base: string } {
    const { types, base } = open(call)
    const type = findExtensionType(param(call, 'extensionType'))
    if (type === undefined || !types.includes(type)) throw notFound(`Extension type '${param(call, 'extensionType')}' not found.`)
    return { type, base }
  }

  const places = [
    `/subscriptions/:subscriptionId/${provider}/locations/:location/extensionTypes`,
    `/subscriptions/:subscriptionId/resourceGroups/:resourceGroup/providers/:namespace/:clusterType/:clusterName/${provider}/extensionTypes`
  ]
  return places.flatMap((path): Route[] => [
    {
      method: 'GET',
      path,
      handler (call) {
        const { types, base } = open(call)
        return answer({ value: types.map(type => typeBody(type, base)), nextLink: null })
      }
    },
    {
      method: 'GET',
      path: `${path}/:extensionType`,
      handler (call) {
        const { type, base } = one(call)
        return answer(typeBody(type, base))
      }
    },
    {
      method: 'GET',
      path: `${path}/:extensionType/versions`,
      handler (call) {
        const { type, base } = one(call)
        const [train] = queryValues(call, 'releasetrain')
        const [major] = queryValues(call, 'majorversion')
        const latestOnly = queryValues(call, 'showlatest')[0]?.toLowerCase() === 'true'
        const versions = versionsOf(type, train).filter(version => major === undefined || version.startsWith(`${major}.`))
        return answer({ value: versions.slice(0, latestOnly ? 1 : undefined).map(version => versionBody(type, version, base)), nextLink: null })
      }
    },
    {
      method: 'GET',
      path: `${path}/:extensionType/versions/:version`,
      handler (call) {
        const { type, base } = one(call)
        const version = versionsOf(type).find(known => known === param(call, 'version'))
        if (version === undefined) throw notFound(`Version '${param(call, 'version')}' of extension type '${type.name}' not found.`)
        return answer(versionBody(type, version, base))
      }
    }
  ])
}

function typeBody (type: ExtensionType, base: string): Record<string, unknown> {
  return {
    id: `${base}/${type.name}`,
    name: type.name,
    type: `${extensionsNamespace}/extensionTypes`,
    properties: {
      extensionType: type.name,
      description: type.description,
      isSystemExtension: false,
      publisher: type.publisher,
      isManagedIdentityRequired: type.isManagedIdentityRequired,
      supportedClusterTypes: type.clusterTypes.map(name => name.charAt(0).toUpperCase() + name.slice(1).toLowerCase()),
      supportedScopes: type.releaseNamespace === undefined
        ? { defaultScope: 'namespace', clusterScopeSettings: null }
        : { defaultScope: 'cluster', clusterScopeSettings: { allowMultipleInstances: false, defaultReleaseNamespace: type.releaseNamespace } },
      planInfo: { offerId: null, planId: null, publisherId: type.publisher }
    }
  }
}

function versionBody (type: ExtensionType, version: string, base: string): Record<string, unknown> {
  return {
    id: `${base}/${type.name}/versions/${version}`,
    name: version,
    type: `${extensionsNamespace}/extensionTypes/versions`,
    properties: { version, unsupportedKubernetesVersions: { connectedCluster: null, provisionedCluster: null, managedCluster: null, appliances: null } }
  }
}

function answer (body: unknown): Answer {
  return { status: 200, headers: { 'api-supported-versions': '2021-05-01-preview, 2022-01-15-preview, 2023-05-01-preview, 2024-11-01-preview' }, body }
}

function notFound (message: string): ArmError {
  return new ArmError(404, { code: 'ResourceNotFound', message, additionalInfo: [] })
}
