import { isMap, isScalar, parseDocument, type Node, type YAMLMap } from 'yaml'

/** A rule that a linter's configuration switches off or weakens, everywhere or for some paths. */
export interface Exception {
  linter: 'Spectral' | 'Redocly'
  rule: string
  /** The part of the document it is off for; absent when it is off everywhere. */
  place?: string
  /** The comment beside it. */
  reason: string | undefined
}

/** The exceptions of `.spectral.yaml`. */
export function spectralExceptions (source: string): Exception[] {
  const config = parseDocument(source)
  const everywhere = weakened(config.get('rules'), isOff).map(rule => ({ linter: 'Spectral' as const, ...rule }))
  const overrides = (config.get('overrides') as { items?: YAMLMap[] } | undefined)?.items ?? []
  return [...everywhere, ...overrides.flatMap(override => {
    const { files } = override.toJSON() as { files: string[] }
    return files.flatMap(place => weakened(override.get('rules'), isOff).map(rule => ({ linter: 'Spectral' as const, place, ...rule })))
  })]
}

/** The exceptions of `redocly.yaml` and of the file of ignored findings that Redocly can write. */
export function redoclyExceptions (source: string, ignored = ''): Exception[] {
  const rules = weakened(parseDocument(source).get('rules'), severity => severity !== 'error').map(rule => ({ linter: 'Redocly' as const, ...rule }))
  const files = Object.values((parseDocument(ignored).toJS() ?? {}) as Record<string, Record<string, string[]>>)
  const places = files.flatMap(file => Object.entries(file).flatMap(([rule, pointers]) =>
    pointers.map(place => ({ linter: 'Redocly' as const, rule, place, reason: undefined }))))
  return [...rules, ...places]
}

function isOff (severity: unknown): boolean {
  return severity === 'off' || severity === false || typeof severity === 'object'
}

/** Rules whose value `isWeaker` than what the rule set asks for, with the comment that ends their line. */
function weakened (rules: unknown, isWeaker: (value: unknown) => boolean): { rule: string, reason: string | undefined }[] {
  if (!isMap<Node, Node>(rules)) return []
  return rules.items.flatMap(({ key, value }) => {
    const severity = value?.toJSON() as unknown
    return isWeaker(severity) && isScalar(key) ? [{ rule: String(key.value), reason: value?.comment?.trim() }] : []
  })
}
