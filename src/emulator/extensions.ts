import { isDeepStrictEqual } from 'node:util'
import { keyOf, recasedClusterId, extensionsNamespace } from './arm-ids.ts'
import type { Clock } from './clock.ts'
import type { Cluster } from './clusters.ts'
import { latestVersion } from './extension-type-catalogue.ts'
import { operationState, type Operation, type Operations, type TerminalState } from './operations.ts'
import { operationScript, type ExtensionStatus, type OperationKind } from './script.ts'

export type ProvisioningState = TerminalState | 'Creating' | 'Updating' | 'Deleting'

/** What a caller may say of an extension. Protected values are kept to compare them; no answer shows them. */
export interface DesiredExtension {
  extensionType: string
  autoUpgradeMinorVersion: boolean
  autoUpgradeMode: string
  releaseTrain: string
  version: string | null
  scope: Record<string, unknown>
  configurationSettings: Record<string, string>
  configurationProtectedSettings: Record<string, string>
  identity?: { type: string }
  plan?: unknown
}

export interface Extension {
  name: string
  cluster: Cluster
  desired: DesiredExtension
  createdAt: bigint
  lastModifiedAt: bigint
  /** What ran on the cluster before the last write, and what runs once it took effect. */
  installed: { before: string | null, after: string | null }
  /** The last write's operation; none for an extension that was seeded in a terminal state. */
  operation?: Operation
  /** Its state where no operation says it. */
  seededState: TerminalState
  seededStatuses?: ExtensionStatus[]
}

/** How a seeded extension starts out. */
export interface Seed {
  state: ProvisioningState
  currentVersion?: string | null
  statuses?: ExtensionStatus[]
}

/** The extensions of all clusters. Every verb has its whole effect at once; time does the rest. */
export interface Extensions {
  find: (cluster: Cluster, name: string) => Extension | undefined
  list: (cluster: Cluster) => Extension[]
  put: (cluster: Cluster, name: string, desired: DesiredExtension, apiVersion: string) => { extension: Extension, operation: Operation, created: boolean }
  /** Undefined when nothing differs: then nothing happened. */
  patch: (extension: Extension, desired: DesiredExtension, apiVersion: string) => Operation | undefined
  delete: (extension: Extension, apiVersion: string) => Operation
  /** Drops the extension at once, whatever it is doing. */
  forceDelete: (extension: Extension) => void
  /** Puts an extension there as if made by another hand. */
  seed: (cluster: Cluster, name: string, desired: DesiredExtension, seed: Seed) => Extension
  state: (extension: Extension) => ProvisioningState
  currentVersion: (extension: Extension) => string | null
  statuses: (extension: Extension) => ExtensionStatus[]
}

const versionKnownAfterMs = 1000 // `currentVersion` shows up that soon, long before the operation is over
const kindOfState = { Creating: 'create', Updating: 'update', Deleting: 'delete' } as const

export function createExtensions ({ clock, operations }: { clock: Clock, operations: Operations }): Extensions {
  function find (cluster: Cluster, name: string): Extension | undefined {
    const extension = cluster.extensions.get(keyOf(name))
    const operation = extension?.operation
    if (operation?.kind !== 'delete' || !operations.isOver(operation) || operation.outcome !== 'Succeeded') return extension
    cluster.extensions.delete(keyOf(name))
    return undefined
  }

  function state ({ operation, seededState }: Extension): ProvisioningState {
    return operation === undefined ? seededState : operationState(operation, operations.isOver(operation))
  }

  function currentVersion (extension: Extension): string | null {
    const { operation, installed } = extension
    if (operation === undefined) return installed.after
    const running = !operations.isOver(operation)
    const known = running ? clock.now() >= operation.startedAt + versionKnownAfterMs : operation.outcome === 'Succeeded'
    return known ? installed.after : installed.before
  }

  function begin (extension: Extension, kind: OperationKind, apiVersion: string): Operation {
    const resourceId = `${recasedClusterId(extension.cluster.ref)}/providers/${extensionsNamespace}/extensions/${extension.name}`
    extension.operation = operations.start(kind, resourceId, apiVersion, operationScript(extension.cluster.script, kind))
    return extension.operation
  }

  function write (extension: Extension, desired: DesiredExtension, kind: OperationKind, apiVersion: string): Operation {
    const before = currentVersion(extension)
    extension.desired = kept(desired, extension.cluster.script.dropSettings)
    extension.installed = { before, after: desired.version ?? latestVersion(desired.extensionType, desired.releaseTrain) }
    extension.lastModifiedAt = clock.stamp()
    return begin(extension, kind, apiVersion)
  }

  function add (cluster: Cluster, name: string, desired: DesiredExtension): Extension {
    const stamp = clock.stamp()
    const extension: Extension = {
      name, cluster, desired, createdAt: stamp, lastModifiedAt: stamp, seededState: 'Succeeded',
      installed: { before: null, after: desired.version ?? latestVersion(desired.extensionType, desired.releaseTrain) }
    }
    cluster.extensions.set(keyOf(name), extension)
    return extension
  }

  return {
    find,
    state,
    currentVersion,

    list: cluster => [...cluster.extensions.values()].filter(extension => find(cluster, extension.name) !== undefined),

    put (cluster, name, desired, apiVersion) {
      const known = find(cluster, name)
      if (known !== undefined) return { extension: known, operation: write(known, desired, 'update', apiVersion), created: false }
      const extension = add(cluster, name, kept(desired, cluster.script.dropSettings))
      return { extension, operation: begin(extension, 'create', apiVersion), created: true }
    },

    patch: (extension, desired, apiVersion) =>
      isDeepStrictEqual(desired, extension.desired) ? undefined : write(extension, desired, 'update', apiVersion),

    delete: (extension, apiVersion) => begin(extension, 'delete', apiVersion),

    forceDelete: extension => { extension.cluster.extensions.delete(keyOf(extension.name)) },

    seed (cluster, name, desired, seed) {
      const extension = add(cluster, name, desired)
      if (seed.currentVersion !== undefined) extension.installed.after = seed.currentVersion
      if (seed.statuses !== undefined) extension.seededStatuses = seed.statuses
      if (seed.state in kindOfState) begin(extension, kindOfState[seed.state as keyof typeof kindOfState], '2023-05-01')
      else extension.seededState = seed.state as TerminalState
      return extension
    },

    statuses (extension) {
      if (state(extension) === 'Failed') {
        return extension.seededStatuses ?? [{ code: 'InstallationFailed', level: 'Error', message: extension.operation?.error.message ?? 'Installation failed' }]
      }
      if (state(extension) !== 'Succeeded') return []
      return (extension.operation === undefined ? extension.seededStatuses : undefined) ?? extension.cluster.script.statuses ?? []
    }
  }
}

/** Without the settings that this cluster is scripted to lose on the way. */
function kept (desired: DesiredExtension, dropped: string[] = []): DesiredExtension {
  if (dropped.length === 0) return desired
  const without = (settings: Record<string, string>) => Object.fromEntries(Object.entries(settings).filter(([key]) => !dropped.includes(key)))
  return {
    ...desired,
    configurationSettings: without(desired.configurationSettings),
    configurationProtectedSettings: without(desired.configurationProtectedSettings)
  }
}
