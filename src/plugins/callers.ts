import { createHash, timingSafeEqual } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { Type, type Static } from 'typebox'
import { Compile } from 'typebox/compile'
import { parse } from 'yaml'
import { actions } from '../schemas/job.ts'

/** What a caller may do: read, and each action that changes a cluster. */
export const callerActions = ['read', ...actions] as const
export type CallerAction = typeof callerActions[number]

/** Somebody who uses the API: a portal, a pipeline. */
export interface Caller {
  name: string
  actions: readonly CallerAction[]
  /** Lower-cased ARM id prefixes of whole segments, without a trailing slash; '' is everything. */
  scopes: readonly string[]
}

/** Finds the caller of a token. */
export type FindCaller = (token: string) => Caller | undefined

/** The callers file: YAML or JSON. Tokens stand in it only as SHA-256 hashes; two of them allow rotation. */
export const CallersFile = Type.Object({
  callers: Type.Array(Type.Object({
    name: Type.String({ minLength: 1, maxLength: 64, pattern: '^[A-Za-z0-9][A-Za-z0-9._-]*$' }),
    tokenSha256: Type.Array(Type.String({ pattern: '^[0-9a-fA-F]{64}$' }), { minItems: 1, maxItems: 2 }),
    actions: Type.Array(Type.Enum([...callerActions], { type: 'string' }), { minItems: 1, uniqueItems: true }),
    scopes: Type.Array(Type.String({ pattern: '^/$|^(/[^/\\s]+)+/?$', maxLength: 512 }), { minItems: 1, maxItems: 200 })
  }, { additionalProperties: false }), { minItems: 1, maxItems: 1000 })
}, { additionalProperties: false })

const checkCallersFile = Compile(CallersFile)

/** Parses a callers file. Throws an Error that says what is wrong and where. */
export function parseCallers (text: string): (Caller & { hashes: Buffer[] })[] {
  const document: unknown = parse(text)
  if (!checkCallersFile.Check(document)) {
    const [first] = checkCallersFile.Errors(document)
    throw new Error(`callers file: ${first?.instancePath ?? ''} ${first?.message ?? 'is not valid'}`)
  }
  const { callers }: Static<typeof CallersFile> = document
  const names = new Set<string>()
  const owners = new Map<string, string>()
  return callers.map(({ name, tokenSha256, actions, scopes }) => {
    if (names.has(name)) throw new Error(`callers file: the name ${name} stands there twice`)
    names.add(name)
    for (const hash of tokenSha256.map(hex => hex.toLowerCase())) {
      if (owners.has(hash)) throw new Error(`callers file: ${name} and ${owners.get(hash) ?? ''} have the same token`)
      owners.set(hash, name)
    }
    return { name, actions, scopes: scopes.map(normaliseScope), hashes: tokenSha256.map(hex => Buffer.from(hex, 'hex')) }
  })
}

/**
 * Callers of a file, read again when it changes: a change counts within a second. A file that has become invalid is
 * reported to `onError` and the callers known before stay. Throws when the file cannot be used at the start.
 */
export function watchCallers (path: string, onError: (error: unknown) => void): FindCaller {
  let { callers, stamp } = read()
  let checkedAt = Date.now()
  return token => {
    if (Date.now() - checkedAt > 1_000) {
      checkedAt = Date.now()
      try {
        if (stampOf() !== stamp) ({ callers, stamp } = read())
      } catch (error) {
        onError(error)
      }
    }
    return findByToken(callers, token)
  }

  function read () {
    const stamp = stampOf()
    return { callers: parseCallers(readFileSync(path, 'utf8')), stamp }
  }

  function stampOf (): string {
    const { mtimeMs, ino, size } = statSync(path)
    return `${mtimeMs} ${ino} ${size}`
  }
}

/** Compares with every hash, in constant time, so that the answer's time tells nothing. */
function findByToken (callers: readonly (Caller & { hashes: Buffer[] })[], token: string): Caller | undefined {
  const given = createHash('sha256').update(token).digest()
  let found: Caller | undefined
  for (const caller of callers) {
    for (const hash of caller.hashes) if (timingSafeEqual(given, hash)) found = caller
  }
  return found
}

/** Whether a cluster, by its lower-cased ARM id, lies in the scopes: whole segments, so `rg1` does not hold `rg10`. */
export function isInScope (scopes: readonly string[], clusterKey: string): boolean {
  return scopes.some(scope => scope === '' || clusterKey === scope || clusterKey.startsWith(`${scope}/`))
}

/** A scope in the form in which it is compared. */
export function normaliseScope (scope: string): string {
  return scope.toLowerCase().replace(/\/+$/, '')
}
