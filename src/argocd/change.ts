import { isDeepStrictEqual } from 'node:util'
import type { Compiled } from './compile.ts'

/** How what is wanted differs from what is there. */
export interface Change {
  /** `none`: nothing to send. `patch`: ARM's PATCH suffices. `put`: something goes away, which only a full PUT can do. */
  verb: 'none' | 'patch' | 'put'
  /** Settings to add or replace. */
  set: Record<string, string>
  /** Settings that go away. */
  removed: string[]
}

/**
 * Compares two states of an extension. ARM's PATCH merges: it cannot take a setting away, nor a pinned version, nor a
 * release train. An unset train is the one Azure then takes, `Stable`.
 */
export function changeBetween (actual: Compiled, wanted: Compiled): Change {
  const set = Object.fromEntries(Object.entries(wanted.settings).filter(([key, value]) => !Object.hasOwn(actual.settings, key) || actual.settings[key] !== value))
  const removed = Object.keys(actual.settings).filter(key => !Object.hasOwn(wanted.settings, key))
  const unpinned = actual.version !== undefined && wanted.version === undefined
  const sameFields = actual.version === wanted.version && sameTrain(actual, wanted) &&
    actual.autoUpgradeMinorVersion === wanted.autoUpgradeMinorVersion
  const offTrain = wanted.releaseTrain === undefined && !sameTrain(actual, wanted)
  if (removed.length > 0 || unpinned || offTrain) return { verb: 'put', set, removed }
  return { verb: sameFields && Object.keys(set).length === 0 ? 'none' : 'patch', set, removed }
}

/** Whether what Azure holds is exactly what was to be sent: the test for "this write was ours". */
export function holdsExactly (actual: Compiled, wanted: Compiled): boolean {
  return actual.version === wanted.version && sameTrain(actual, wanted) && isDeepStrictEqual(actual.settings, wanted.settings)
}

function sameTrain (one: Compiled, other: Compiled): boolean {
  return (one.releaseTrain ?? 'Stable').toLowerCase() === (other.releaseTrain ?? 'Stable').toLowerCase()
}
