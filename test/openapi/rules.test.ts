import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse, stringify } from 'yaml'
import { lintWithRedocly, lintWithSpectral, type Finding } from '../../openapi/lint.ts'

const root = join(import.meta.dirname, '../..')
const fixtures = join(import.meta.dirname, 'fixtures')
const names = readdirSync(fixtures).map(file => basename(file, '.yaml')).filter(name => name !== 'good')
const rules = Object.keys((read(join(root, 'openapi/rules/slipway.yaml')) as { rules: object }).rules)

const folder = mkdtempSync(join(tmpdir(), 'slipway-openapi-'))
let spectral: Finding[]
let redocly: Finding[]

// Both linters take a second to start, so each runs once, over all the documents.
beforeAll(async () => {
  mkdirSync(folder, { recursive: true })
  const good = read(join(fixtures, 'good.yaml'))
  writeFileSync(join(folder, 'good.yaml'), stringify(good))
  for (const name of names) writeFileSync(join(folder, `${name}.yaml`), stringify(merge(good, read(join(fixtures, `${name}.yaml`)))))

  const documents = ['good', ...names].map(name => join(folder, `${name}.yaml`))
  ;[spectral, redocly] = await Promise.all([lintWithSpectral(documents), lintWithRedocly([join(folder, 'good.yaml')])])
}, 60_000)

afterAll(() => { rmSync(folder, { recursive: true }) })

test('every rule of openapi/rules has a failing fixture, and every fixture a rule', () => {
  expect(names.toSorted()).toEqual(rules.toSorted())
})

test('the good document passes all of Spectral and Redocly', () => {
  expect(findingsOn('good')).toEqual([])
  expect(redocly).toEqual([])
})

describe('a document with one defect is refused by the rule for it and by no other', () => {
  test.each(names)('%s', name => {
    expect([...new Set(findingsOn(name).map(({ rule }) => rule))]).toEqual([name])
  })
})

function findingsOn (name: string): Finding[] {
  return spectral.filter(({ file }) => basename(file) === `${name}.yaml`)
}

function read (file: string): unknown {
  return parse(readFileSync(file, 'utf8')) as unknown
}

/** JSON merge patch (RFC 7396). */
function merge (target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch
  const merged = new Map(Object.entries(isObject(target) ? target : {}))
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) merged.delete(key)
    else merged.set(key, merge(merged.get(key), value))
  }
  return Object.fromEntries(merged)
}

function isObject (value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
