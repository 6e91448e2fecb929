/** Where a comparison may look away, by the path of a value (`.properties.statuses[0].code`). */
export interface Leniency {
  /** Values whose kind must agree, and not more: facts of the recorded cluster. */
  free?: RegExp
  /** Lists of which each element must be shaped like some recorded element, and that are empty when the recorded one is. */
  variants?: RegExp
  /** Objects that may lack recorded properties. They may have none of their own. */
  partial?: RegExp
}

/** How an answer's body differs from the recorded one; empty when it does not. Names in both must have been made the same. */
export function differences (recorded: unknown, actual: unknown, lenient: Leniency = {}, path = ''): string[] {
  if (kindOf(recorded) !== kindOf(actual)) return [`${path || 'body'}: recorded ${kindOf(recorded)}, got ${kindOf(actual)}`]
  if (Array.isArray(recorded) && Array.isArray(actual)) return listDifferences(recorded, actual, lenient, path)
  if (isObject(recorded) && isObject(actual)) return objectDifferences(recorded, actual, lenient, path)
  if (lenient.free?.test(path) === true || typeof recorded === 'number') return []
  const [expected, got] = [normal(recorded), normal(actual)]
  return expected === got ? [] : [`${path || 'body'}: recorded ${String(expected)}, got ${String(got)}`]
}

/** A text without what is different in every run: ids, times, versions, signatures. Their form stays visible. */
export function normal (value: unknown): unknown {
  if (typeof value !== 'string') return value
  return value
    .replaceAll(/[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}/gi, '<guid>')
    .replaceAll(/\b[\dA-F]{64}\b/g, '<hash>')
    .replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}\+00:00/g, '<time with offset>')
    .replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{1,7}Z/g, '<time>') // .NET drops trailing zeros in some places
    .replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:00Z/g, '<minute>')
    .replaceAll(/^[^@\s]+@[^@\s]+$/g, '<e-mail>')
    .replaceAll(/^\d+\.\d+\.\d+(-[\w.]+)?$/g, '<version>')
    .replace(/&t=\d{18}&c=[^&]+&s=([^&]+)&h=([^&]+)$/, (_all, s: string, h: string) => `&t=<ticks>&c=<certificate>&s=<${length(s)} chars>&h=<${length(h)} chars>`)
}

function length (signature: string): number {
  const scrubbed = /^<scrubbed:(\d+) chars>$/.exec(signature)?.[1]
  return scrubbed === undefined ? signature.length : Number(scrubbed)
}

function listDifferences (recorded: unknown[], actual: unknown[], lenient: Leniency, path: string): string[] {
  if (lenient.variants?.test(path) === true) {
    if ((recorded.length === 0) !== (actual.length === 0)) return [`${path}: recorded ${recorded.length} elements, got ${actual.length}`]
    const anything = { ...lenient, free: /./ }
    return actual.flatMap((element, index) => {
      const found = recorded.map(variant => differences(variant, element, anything, `${path}[${index}]`))
      return found.reduce((fewest, next) => next.length < fewest.length ? next : fewest)
    })
  }
  if (recorded.length !== actual.length) return [`${path}: recorded ${recorded.length} elements, got ${actual.length}`]
  return recorded.flatMap((element, index) => differences(element, actual[index], lenient, `${path}[${index}]`))
}

function objectDifferences (recorded: Record<string, unknown>, actual: Record<string, unknown>, lenient: Leniency, path: string): string[] {
  const missing = lenient.partial?.test(path) === true ? [] : Object.keys(recorded).filter(key => !(key in actual))
  return [
    ...missing.map(key => `${path}.${key}: recorded, and missing`),
    ...Object.keys(actual).filter(key => !(key in recorded)).map(key => `${path}.${key}: not recorded`),
    ...Object.keys(recorded).filter(key => key in actual).flatMap(key => differences(recorded[key], actual[key], lenient, `${path}.${key}`))
  ]
}

function kindOf (value: unknown): string {
  return value === null ? 'null' : Array.isArray(value) ? 'list' : typeof value
}

function isObject (value: unknown): value is Record<string, unknown> {
  return kindOf(value) === 'object'
}
