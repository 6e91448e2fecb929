import { readFileSync, writeFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { redoclyExceptions, spectralExceptions } from '../../openapi/exceptions.ts'
import { firstDifference } from '../../openapi/first-difference.ts'
import { lintWithRedocly, lintWithSpectral } from '../../openapi/lint.ts'

const root = join(import.meta.dirname, '../..')

test('equal documents have no difference', () => {
  expect(firstDifference('a\nb\n', 'a\nb\n')).toBeUndefined()
})

test('the first difference names its line and shows both sides', () => {
  expect(firstDifference('a\nb\nc', 'a\nx\nc', 1)).toBe('from line 2:\n  - b\n  + x')
})

test('a document that only ends differently is different', () => {
  expect(firstDifference('a\n', 'a', 1)).toBe('from line 2:\n  - ')
})

test('Spectral exceptions are counted for each place, with the reason beside them', () => {
  const exceptions = spectralExceptions([
    'rules:',
    '  stricter: error',
    '  gone: off # It cannot apply.',
    'overrides:',
    "  - files: ['**#/paths/~1livez', '**#/paths/~1readyz']",
    '    rules:',
    '      partly: off # No token there.'
  ].join('\n'))

  expect(exceptions).toEqual([
    { linter: 'Spectral', rule: 'gone', reason: 'It cannot apply.' },
    { linter: 'Spectral', rule: 'partly', place: '**#/paths/~1livez', reason: 'No token there.' },
    { linter: 'Spectral', rule: 'partly', place: '**#/paths/~1readyz', reason: 'No token there.' }
  ])
})

test('Redocly exceptions are rules below error, and every ignored finding', () => {
  const exceptions = redoclyExceptions(
    'rules:\n  kept: error\n  weaker: warn\n  gone: off # It cannot apply.\n',
    "openapi/openapi.yaml:\n  some-rule:\n    - '#/info'\n"
  )

  expect(exceptions).toEqual([
    { linter: 'Redocly', rule: 'weaker', reason: undefined },
    { linter: 'Redocly', rule: 'gone', reason: 'It cannot apply.' },
    { linter: 'Redocly', rule: 'some-rule', place: '#/info', reason: undefined }
  ])
})

test('every exception of the project has its reason', () => {
  const exceptions = [
    ...spectralExceptions(readFileSync(join(root, '.spectral.yaml'), 'utf8')),
    ...redoclyExceptions(readFileSync(join(root, 'redocly.yaml'), 'utf8'))
  ]

  expect(exceptions.length).toBeGreaterThan(0)
  expect(exceptions.filter(({ reason }) => !reason)).toEqual([])
})

test('both linters report what the recommended rule sets find', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-openapi-'))
  const document = join(folder, 'poor.yaml')
  writeFileSync(document, 'openapi: 3.1.0\ninfo: { title: Poor, version: 1.0.0 }\npaths: { /things: { get: { responses: {} } } }\n')

  const [spectral, redocly] = await Promise.all([lintWithSpectral([document]), lintWithRedocly([document])])
  rmSync(folder, { recursive: true })

  expect(spectral.map(({ rule }) => rule)).toEqual(expect.arrayContaining(['info-contact', 'owasp:api2:2023-read-restricted', 'slipway-operation-complete']))
  expect(redocly.map(({ rule }) => rule)).toEqual(expect.arrayContaining(['info-license', 'security-defined']))
}, 30_000)

test('a linter that cannot read its document fails instead of finding nothing', async () => {
  const missing = [join(root, 'no-such-document.yaml')]

  await expect(lintWithRedocly(missing)).rejects.toThrow('Redocly ended with')
  await expect(lintWithSpectral(missing)).rejects.toThrow('Spectral ended with')
}, 30_000)
