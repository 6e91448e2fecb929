import type { Specification, SpecificationPatch } from '../schemas/specification.ts'

/** Applies a JSON Merge Patch (RFC 7396) to a specification; neither is changed. */
export function applyPatch (specification: Specification, patch: SpecificationPatch): Specification {
  // The patch's schema mirrors the specification's, so the merge of the two is one again.
  return mergePatch(specification, patch) as Specification
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
