/**
 * Judges the committed OpenAPI document: it is what the code renders, and the linters have nothing to say.
 * Prints every finding and how many rules are switched off. Needs neither store nor network.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { renderOpenApi } from '../src/openapi-document.ts'
import { redoclyExceptions, spectralExceptions, type Exception } from './exceptions.ts'
import { firstDifference } from './first-difference.ts'
import { lintWithRedocly, lintWithSpectral, type Finding } from './lint.ts'

const root = join(import.meta.dirname, '..')
const document = join(import.meta.dirname, 'openapi.yaml')

const [rendered, spectral, redocly] = await Promise.all([renderOpenApi(), lintWithSpectral([document]), lintWithRedocly([document])])
const problems = [
  reportDrift(firstDifference(readFileSync(document, 'utf8'), rendered)),
  reportFindings('Spectral', spectral),
  reportFindings('Redocly', redocly),
  reportExceptions([
    ...spectralExceptions(readIfThere('.spectral.yaml')),
    ...redoclyExceptions(readIfThere('redocly.yaml'), readIfThere('.redocly.lint-ignore.yaml'))
  ])
]
process.exitCode = problems.some(count => count > 0) ? 1 : 0

function reportDrift (difference: string | undefined): number {
  if (difference === undefined) {
    console.log('openapi/openapi.yaml is what the code renders.')
    return 0
  }
  console.log(`openapi/openapi.yaml is not what the code renders, ${difference}\n\`npm run openapi\` writes it anew.`)
  return 1
}

function reportFindings (linter: string, findings: Finding[]): number {
  for (const { file, line, rule, message } of findings) console.log(`${relative(root, file)}:${line} ${rule}: ${message}`)
  console.log(`${linter}: ${findings.length === 1 ? '1 finding' : `${findings.length} findings`}.`)
  return findings.length
}

/** An exception is allowed, counted and shown; one without a reason is a finding. */
function reportExceptions (exceptions: Exception[]): number {
  console.log(`Exceptions: ${exceptions.length}.`)
  for (const { linter, rule, place, reason } of exceptions) {
    console.log(`  ${linter} ${rule}${place === undefined ? '' : ` at ${place}`}: ${reason ?? 'NO REASON GIVEN'}`)
  }
  return exceptions.filter(({ reason }) => reason === undefined || reason === '').length
}

function readIfThere (file: string): string {
  return existsSync(join(root, file)) ? readFileSync(join(root, file), 'utf8') : ''
}
