import { ArmError } from './answers.ts'
import { clusterId, parseClusterId } from './arm-ids.ts'
import { param, queryValues, type Call, type Route } from './call.ts'
import { findProvider } from './catalogue.ts'
import type { Cluster, ClusterFacts } from './clusters.ts'
import { checkAdvance, checkCluster, checkFault, checkProvider, controlError, type ClusterSpecification, type SeededExtension } from './control-schemas.ts'
import { desiredByPut } from './extension-request.ts'
import type { Extensions } from './extensions.ts'
import type { Script } from './script.ts'
import type { World } from './world.ts'

const longestWaitSeconds = 60

/** Everything under `/_emulator/`: makes and scripts clusters, plans faults, tells what happened. */
export function controlRoutes (world: World, extensions: Extensions): Route[] {
  const { clock, clusters, faults, ledger, requests, registrations, operations } = world

  return [
    {
      method: 'PUT',
      path: '/_emulator/clusters/*',
      handler (call) {
        const ref = parseClusterId(`/${param(call, '*')}`)
        if (ref === undefined) throw controlError('The path must end in the ARM id of a managedCluster or a connectedCluster')
        const specification = checkCluster(json(call))
        const { script, facts, seeds } = split(specification)
        const { cluster, created } = clusters.seed(ref, script, facts)
        for (const seed of seeds) seedExtension(cluster, seed, extensions)
        return { status: created ? 201 : 200, body: describe(cluster, extensions) }
      }
    },
    { method: 'POST', path: '/_emulator/faults', handler: call => ({ status: 201, body: faults.add(checkFault(json(call))) }) },
    {
      method: 'GET',
      path: '/_emulator/faults/:id',
      async handler (call) {
        const seconds = Math.min(numberOf(call, 'wait'), longestWaitSeconds)
        const state = await faults.wait(param(call, 'id'), seconds * 1000)
        if (state === undefined) throw noSuchFault(call)
        return { status: 200, body: state }
      }
    },
    {
      method: 'POST',
      path: '/_emulator/faults/:id/release',
      handler (call) {
        if (!faults.release(param(call, 'id'))) throw noSuchFault(call)
        return { status: 204 }
      }
    },
    {
      method: 'DELETE',
      path: '/_emulator/faults/:id',
      handler (call) {
        if (!faults.remove(param(call, 'id'))) throw noSuchFault(call)
        return { status: 204 }
      }
    },
    { method: 'GET', path: '/_emulator/ledger', handler: call => ({ status: 200, body: { value: ledger.since(numberOf(call, 'since')) } }) },
    { method: 'GET', path: '/_emulator/requests', handler: call => ({ status: 200, body: { value: requests.since(numberOf(call, 'since')) } }) },
    {
      method: 'GET',
      path: '/_emulator/state',
      handler: () => ({
        status: 200,
        body: {
          now: new Date(clock.now()).toISOString(),
          clusters: clusters.all().map(cluster => describe(cluster, extensions)),
          operations: operations.count(),
          faults: faults.list()
        }
      })
    },
    {
      method: 'POST',
      path: '/_emulator/advance',
      handler (call) {
        clock.advance(checkAdvance(json(call)).seconds)
        return { status: 200, body: { now: new Date(clock.now()).toISOString() } }
      }
    },
    {
      method: 'POST',
      path: '/_emulator/reset',
      handler () {
        world.reset()
        return { status: 204 }
      }
    },
    {
      method: 'PUT',
      path: '/_emulator/providers/:namespace',
      handler (call) {
        const provider = findProvider(param(call, 'namespace'))
        if (provider === undefined) throw controlError(`There is no provider ${param(call, 'namespace')} here`, 404)
        const { registrationState, registerSeconds } = checkProvider(json(call))
        registrations.set(provider.namespace, registrationState, registerSeconds)
        return { status: 200, body: { namespace: provider.namespace, registrationState } }
      }
    }
  ]
}

function json (call: Call): unknown {
  if (call.body === '') return {}
  try {
    return JSON.parse(call.body)
  } catch {
    throw controlError('The body is not JSON')
  }
}

function numberOf (call: Call, name: string): number {
  const value = Number(queryValues(call, name)[0] ?? 0)
  if (!Number.isFinite(value) || value < 0) throw controlError(`${name} must be a number, zero or more`)
  return value
}

function noSuchFault (call: Call): ArmError {
  return controlError(`There is no fault ${param(call, 'id')}`, 404)
}

/** A cluster specification, told apart into behaviour, facts and extensions. */
function split ({ location, tags, identity, properties, extensions = [], ...script }: ClusterSpecification): { script: Script, facts: ClusterFacts, seeds: SeededExtension[] } {
  const facts: ClusterFacts = {
    ...(location !== undefined && { location }),
    ...(tags !== undefined && { tags }),
    ...(identity !== undefined && { identity: identity ?? { type: 'None' } }),
    ...(properties !== undefined && { properties })
  }
  return { script, facts, seeds: extensions }
}

function seedExtension (cluster: Cluster, { name, properties = {}, identity }: SeededExtension, extensions: Extensions): void {
  const { provisioningState = 'Succeeded', currentVersion, statuses, ...given } = properties
  const desired = desiredByPut({
    ...(identity !== undefined && { identity }),
    properties: { extensionType: 'microsoft.argocd', autoUpgradeMinorVersion: (given.version ?? null) === null, ...given }
  })
  extensions.seed(cluster, name, desired, {
    state: provisioningState,
    ...(currentVersion !== undefined && { currentVersion }),
    ...(statuses !== undefined && { statuses })
  })
}

function describe (cluster: Cluster, extensions: Extensions): Record<string, unknown> {
  return {
    id: clusterId(cluster.ref),
    script: cluster.script,
    extensions: extensions.list(cluster).map(extension => ({
      name: extension.name,
      extensionType: extension.desired.extensionType,
      provisioningState: extensions.state(extension),
      currentVersion: extensions.currentVersion(extension),
      configurationSettings: extension.desired.configurationSettings,
      protectedSettings: Object.keys(extension.desired.configurationProtectedSettings)
    }))
  }
}

/** Keeps the control endpoint to this machine: it needs no token. */
export function checkLoopback (address: string | undefined): void {
  if (address !== undefined && /^(::1|(::ffff:)?127\.)/.test(address)) return
  throw new ArmError(403, { code: 'NotLocal', message: 'The control endpoint answers on the loopback interface only.' })
}
