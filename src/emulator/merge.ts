import { isObject } from './call.ts'

/** JSON Merge Patch (RFC 7396): objects are merged, null removes, anything else replaces. The target stays as it was. */
export function merge (target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch
  const result: Record<string, unknown> = isObject(target) ? { ...target } : {}
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key]
    else result[key] = merge(result[key], value)
  }
  return result
}
