import type { Specification } from '../schemas/specification.ts'
import { normalise } from './normalise.ts'
import { ownedSettings } from './owned-settings.ts'

/** What the extension resource is given: the flat settings map and the fields beside it. */
export interface Compiled {
  extensionName: string
  namespace: string
  autoUpgradeMinorVersion: boolean
  version?: string
  releaseTrain?: string
  /** Helm path → value, all text. */
  settings: Record<string, string>
}

/** Specification → what is sent to Azure. Pure and total: every valid specification compiles. */
export function compile (specification: Specification): Compiled {
  const { extensionName, namespace, upgrade, ...wanted } = normalise(specification)
  const owned = ownedSettings.flatMap(({ key, write }) => {
    const value = write(wanted)
    return value === undefined ? [] : [[key, value] as const]
  })
  return {
    extensionName,
    namespace,
    autoUpgradeMinorVersion: upgrade.autoMinor,
    ...(upgrade.version !== undefined && { version: upgrade.version }),
    ...(upgrade.releaseTrain !== undefined && { releaseTrain: upgrade.releaseTrain }),
    // A raw value under a key of a field is one that no field can express; it stays until the field is named.
    settings: { ...Object.fromEntries(owned), ...wanted.settings }
  }
}
