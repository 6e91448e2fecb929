import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')

/** One thing that a linter says of a document. */
export interface Finding {
  file: string
  line: number
  rule: string
  message: string
}

/** What Spectral says with `.spectral.yaml`: every severity counts, hints included. */
export async function lintWithSpectral (files: string[]): Promise<Finding[]> {
  const output = await run('@stoplight/spectral-cli', 'spectral', ['lint', '--quiet', '--format=json', '--fail-severity=hint', `--ruleset=${join(root, '.spectral.yaml')}`, ...files])
  const results = parse('Spectral', output) as SpectralResult[]
  return results.map(({ source, code, message, range }) => ({ file: source, line: range.start.line + 1, rule: code, message }))
}

/** What Redocly says with `redocly.yaml`, warnings included. */
export async function lintWithRedocly (files: string[]): Promise<Finding[]> {
  const output = await run('@redocly/cli', 'redocly', ['lint', '--format=json', '--max-problems=1000', `--config=${join(root, 'redocly.yaml')}`, ...files])
  const { problems } = parse('Redocly', output) as RedoclyResult
  return problems.map(({ ruleId, message, location: [at] }) => ({
    file: at?.source.ref ?? '', line: at?.start?.line ?? 0, rule: ruleId, message: at?.pointer === undefined ? message : `${message} (${at.pointer})`
  }))
}

// The parts of the linters' own JSON that are read here.
interface SpectralResult { source: string, code: string, message: string, range: { start: { line: number } } }
interface RedoclyResult {
  problems: { ruleId: string, message: string, location: { source: { ref: string }, pointer?: string, start?: { line: number } }[] }[]
}
interface Output { code: number, stdout: string, stderr: string }

/** Runs a linter with this very Node, and keeps it from calling home. */
async function run (packageName: string, command: string, parameters: string[]): Promise<Output> {
  const folder = join(root, 'node_modules', packageName)
  const { bin } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { bin: Record<string, string> }
  const script = bin[command]
  if (script === undefined) throw new Error(`${packageName} has no command ${command}`)

  const env = { ...process.env, CI: '1', NO_COLOR: '1', DO_NOT_TRACK: '1', REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true', SCARF_ANALYTICS: 'false' }
  return await new Promise(resolve => {
    execFile(process.execPath, [join(folder, script), ...parameters], { cwd: root, env, maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : error === null ? 0 : -1, stdout, stderr })
    })
  })
}

/** A linter that broke down says no JSON: that must not pass for "no findings". */
function parse (linter: string, { code, stdout, stderr }: Output): unknown {
  try {
    return JSON.parse(stdout) as unknown
  } catch (error) {
    throw new Error(`${linter} ended with ${code} and no result: ${stderr || stdout}`, { cause: error })
  }
}
