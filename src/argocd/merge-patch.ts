import type { Specification, SpecificationPatch } from '../schemas/specification.ts'
import { ownerOf } from './owned-settings.ts'

/**
 * Applies a JSON Merge Patch (RFC 7396) to a specification; neither is changed. Two things follow from a field that the
 * patch names: a raw value that Azure holds under its key goes, and a version that is pinned ends automatic upgrades.
 */
export function applyPatch (specification: Specification, patch: SpecificationPatch): Specification {
  // The patch's schema mirrors the specification's, so the merge of the two is one again.
  const { settings, ...merged } = mergePatch(specification, patch) as Specification
  const kept = Object.entries(settings ?? {}).filter(([key]) => !names(patch, ownerOf(key)))
  const pins = typeof patch.upgrade?.version === 'string' && patch.upgrade.autoMinor === undefined
  return {
    ...merged,
    ...(pins && { upgrade: { ...merged.upgrade, autoMinor: false } }),
    ...(kept.length > 0 && { settings: Object.fromEntries(kept) })
  }
}

/** Whether a patch says something of a field, or of all that it is a part of. */
function names (patch: unknown, pointer: string | undefined): boolean {
  let part = patch
  for (const name of pointer?.split('/').slice(1) ?? ['']) {
    if (!isObject(part) || !Object.hasOwn(part, name)) return false
    part = part[name]
    if (part === null) return true
  }
  return true
}

function mergePatch (target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch
  const merged: Record<string, unknown> = isObject(target) ? { ...target } : {}
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete merged[key]
    else merged[key] = mergePatch(merged[key], value)
  }
  return merged
}

function isObject (value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
