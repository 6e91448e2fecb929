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
 * Compares two states of an extension. ARM's PATCH merges plain settings and cannot take one away, nor unpin a version.
 * An unset release train is the one Azure then takes, `Stable`.
 */
export function changeBetween (actual: Compiled, wanted: Compiled): Change {
  const set = Object.fromEntries(Object.entries(wanted.settings).filter(([key, value]) => actual.settings[key] !== value))
  const removed = Object.keys(actual.settings).filter(key => !(key in wanted.settings))
  const unpinned = actual.version !== undefined && wanted.version === undefined
  const sameFields = actual.version === wanted.version && sameTrain(actual, wanted) &&
    actual.autoUpgradeMinorVersion === wanted.autoUpgradeMinorVersion
  if (removed.length > 0 || unpinned) return { verb: 'put', set, removed }
  return { verb: sameFields && Object.keys(set).length === 0 ? 'none' : 'patch', set, removed }
}

/** Whether what Azure holds is exactly what was to be sent: the test for "this write was ours". */
export function holdsExactly (actual: Compiled, wanted: Compiled): boolean {
  return actual.version === wanted.version && sameTrain(actual, wanted) && isDeepStrictEqual(actual.settings, wanted.settings)
}

function sameTrain (one: Compiled, other: Compiled): boolean {
  return (one.releaseTrain ?? 'Stable').toLowerCase() === (other.releaseTrain ?? 'Stable').toLowerCase()
}
