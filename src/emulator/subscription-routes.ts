import { invalidNamespace, resourceGroupNotFound, type Answer } from './answers.ts'
import { keyOf } from './arm-ids.ts'
import { jsonBody, param, type Call, type Route } from './call.ts'
import { apiVersionOf, findProvider, providers, type Provider } from './catalogue.ts'
import { locationOf, defaultLocation } from './clusters.ts'
import { defaultSubscriptionId } from './identities.ts'
import type { World } from './world.ts'

/** Subscriptions, resource groups and resource providers: what clients look at before they touch a cluster. */
export function subscriptionRoutes (world: World, tenantId: string): Route[] {
  return [
    { method: 'GET', path: '/subscriptions', handler: call => listed(call, subscriptionIds(world).map(id => subscription(id, tenantId))) },
    { method: 'GET', path: '/subscriptions/:subscriptionId', handler: call => found(call, subscription(param(call, 'subscriptionId'), tenantId)) },
    { method: 'GET', path: '/tenants', handler: call => listed(call, [{ id: `/tenants/${tenantId}`, tenantId, tenantCategory: 'Home' }]) },
    ...groupRoutes(world),
    ...providerRoutes(world)
  ]
}

function subscriptionIds (world: World): string[] {
  return [...new Set([defaultSubscriptionId, ...world.clusters.all().map(({ ref }) => ref.subscriptionId.toLowerCase())])]
}

function subscription (subscriptionId: string, tenantId: string): Record<string, unknown> {
  return {
    id: `/subscriptions/${subscriptionId}`,
    authorizationSource: 'RoleBased',
    managedByTenants: [],
    subscriptionId,
    tenantId,
    displayName: 'Slipway emulator',
    state: 'Enabled',
    subscriptionPolicies: { locationPlacementId: 'Public_2014-09-01', quotaId: 'PayAsYouGo_2014-09-01', spendingLimit: 'Off' }
  }
}

function groupRoutes (world: World): Route[] {
  const path = '/subscriptions/:subscriptionId/resourceGroups/:resourceGroup'
  const idOf = (call: Call) => `/subscriptions/${param(call, 'subscriptionId')}/resourceGroups/${param(call, 'resourceGroup')}`

  /** A group exists when it was made, or when a cluster lives in it. */
  function find (id: string): { name: string, location: string } | undefined {
    const cluster = world.clusters.all().find(({ ref }) => keyOf(`/subscriptions/${ref.subscriptionId}/resourceGroups/${ref.resourceGroup}`) === keyOf(id))
    return world.resourceGroups.get(keyOf(id)) ?? (cluster && { name: cluster.ref.resourceGroup, location: locationOf(cluster) })
  }

  const body = (call: Call, { name, location }: { name: string, location: string }) => ({
    id: `/subscriptions/${param(call, 'subscriptionId')}/resourceGroups/${name}`,
    name, type: 'Microsoft.Resources/resourceGroups', location, properties: { provisioningState: 'Succeeded' }
  })

  return [
    {
      method: 'HEAD',
      path,
      handler (call) {
        apiVersionOf(call)
        return { status: find(idOf(call)) === undefined ? 404 : 204 }
      }
    },
    {
      method: 'GET',
      path,
      handler (call) {
        const group = find(idOf(call))
        if (group === undefined) throw resourceGroupNotFound(param(call, 'resourceGroup'))
        return found(call, body(call, group))
      }
    },
    {
      method: 'PUT',
      path,
      handler (call) {
        apiVersionOf(call)
        const known = find(idOf(call))
        const { location } = jsonBody(call)
        const group = known ?? { name: param(call, 'resourceGroup'), location: typeof location === 'string' ? location : defaultLocation }
        world.resourceGroups.set(keyOf(idOf(call)), group)
        return { status: known === undefined ? 201 : 200, body: body(call, group) }
      }
    },
    {
      method: 'GET',
      path: '/subscriptions/:subscriptionId/resourceGroups',
      handler (call) {
        const subscriptionId = param(call, 'subscriptionId')
        const prefix = keyOf(`/subscriptions/${subscriptionId}/resourceGroups/`)
        const ids = [...world.resourceGroups.keys(), ...world.clusters.all().map(({ id }) => keyOf(id).split('/').slice(0, 5).join('/'))]
        const groups = [...new Set(ids)].filter(id => id.startsWith(prefix)).map(find).filter(group => group !== undefined)
        return listed(call, groups.map(group => body(call, group)))
      }
    }
  ]
}

function providerRoutes (world: World): Route[] {
  const path = '/subscriptions/:subscriptionId/providers/:namespace'

  const body = (call: Call, provider: Provider) => {
    const subscriptionId = param(call, 'subscriptionId')
    return {
      id: `/subscriptions/${subscriptionId}/providers/${provider.namespace}`,
      ...provider,
      registrationState: world.registrations.state(subscriptionId, provider.namespace),
      registrationPolicy: 'RegistrationRequired'
    }
  }

  function get (call: Call): Provider {
    const provider = findProvider(param(call, 'namespace'))
    if (provider === undefined) throw invalidNamespace(param(call, 'namespace'))
    return provider
  }

  return [
    { method: 'GET', path: '/subscriptions/:subscriptionId/providers', handler: call => listed(call, providers.map(provider => body(call, provider))) },
    { method: 'GET', path, handler: call => found(call, body(call, get(call))) },
    {
      method: 'POST',
      path: `${path}/register`,
      handler (call) {
        const provider = get(call)
        apiVersionOf(call)
        const subscriptionId = param(call, 'subscriptionId')
        if (world.registrations.register(subscriptionId, provider.namespace)) {
          world.record(call, `/subscriptions/${subscriptionId}/providers/${provider.namespace}`, 'registered')
        }
        return found(call, body(call, provider))
      }
    }
  ]
}

function found (call: Call, body: unknown): Answer {
  apiVersionOf(call)
  return { status: 200, body }
}

function listed (call: Call, value: unknown[]): Answer {
  return found(call, { value, count: { type: 'Total', value: value.length } })
}
