import { readFileSync } from 'node:fs'
import type { Agent } from 'node:https'
import type { EmulatorControl } from '../helpers/emulator.ts'
import { sendHttps, type RawAnswer } from '../helpers/emulator.ts'
import { differences, normal, type Leniency } from './compare.ts'

export interface Exchange {
  request: { method: string, uri: string, body: unknown }
  response: { status: number, headers: Record<string, string>, body: unknown }
}

/** The exchanges of a recording, in order. */
export function recorded (file: string): Exchange[] {
  return (read(file) as { exchanges: Exchange[] }).exchanges
}

export function read (file: string): unknown {
  return JSON.parse(readFileSync(new URL(`recordings/${file}.json`, import.meta.url), 'utf8'))
}

/** One run of a recording: under which names, compared how. */
export interface Run {
  /** Recorded text → what this run has in its place, longest first. */
  names: Record<string, string>
  lenient?: Leniency
}

export interface Replay {
  url: string
  agent: Agent
  token: string
  control: EmulatorControl
}

/** What came of one exchange in one run. */
export interface Outcome {
  exchange: Exchange
  answer: RawAnswer
  body: unknown
  differences: string[]
}

/**
 * Sends each recorded request in each run, one after the other so that the runs overlap, and compares the answers.
 * Between two exchanges the emulator's clock moves on as far as the recorded one did.
 */
export async function replay ({ url, agent, token, control }: Replay, exchanges: Exchange[], runs: Run[], secondsBefore = elapsed): Promise<Outcome[][]> {
  const outcomes: Outcome[][] = runs.map(() => [])
  const operationUrls = runs.map(() => new Map<string, string>())

  for (const [index, exchange] of exchanges.entries()) {
    await control.advance(secondsBefore(exchanges, index))
    for (const [number, { names, lenient }] of runs.entries()) {
      const rename = <Value>(value: Value): Value => JSON.parse(renamed(JSON.stringify(value), names, url)) as Value
      const { request, response } = rename(exchange)
      const urls = operationUrls[number]!
      const answer = await sendHttps(urls.get(exchange.request.uri) ?? request.uri, {
        method: request.method, agent,
        headers: { authorization: `Bearer ${token}` },
        ...(request.body !== null && { body: JSON.stringify(request.body) })
      })
      const operationUrl = exchange.response.headers['azure-asyncoperation']
      if (operationUrl !== undefined) urls.set(operationUrl, String(answer.headers['azure-asyncoperation']))
      const body: unknown = answer.text === '' ? null : JSON.parse(answer.text)
      outcomes[number]!.push({
        exchange, answer, body,
        differences: [
          ...(answer.status === response.status ? [] : [`status: recorded ${response.status}, got ${answer.status}: ${answer.text}`]),
          ...headerDifferences(response.headers, answer.headers),
          ...differences(response.body, body, lenient)
        ]
      })
    }
  }
  return outcomes
}

// What the recorder drops, or what is the transport's business.
const unrecorded = new Set([
  'retry-after', 'x-ms-request-id', 'x-ms-correlation-request-id', 'x-ms-routing-request-id', 'x-ms-ratelimit-remaining-subscription-reads',
  'connection', 'keep-alive', 'content-length', 'transfer-encoding'
])

function headerDifferences (recorded: Record<string, string>, actual: RawAnswer['headers']): string[] {
  return [
    ...Object.keys(recorded).filter(name => actual[name] === undefined).map(name => `header ${name}: recorded, and missing`),
    ...Object.keys(actual).filter(name => recorded[name] === undefined && !unrecorded.has(name)).map(name => `header ${name}: not recorded`),
    ...Object.entries(recorded).filter(([name, value]) => actual[name] !== undefined && !sameHeader(name, value, String(actual[name])))
      .map(([name, value]) => `header ${name}: recorded ${value}, got ${String(actual[name])}`)
  ]
}

function sameHeader (name: string, recorded: string, actual: string): boolean {
  if (name === 'date') return !Number.isNaN(Date.parse(actual))
  if (name.startsWith('x-ms-ratelimit-')) return /^\d+$/.test(actual)
  if (name === 'etag') return /^"[\da-f]{8}-0000-\d{4}-0000-[\da-f]{12}"$/.test(actual) && /^"[\da-f]{8}-0000-\d{4}-0000-[\da-f]{12}"$/.test(recorded)
  // On operations and extension types the provider lists all that it has, which grew since.
  if (name === 'api-supported-versions' && recorded.includes(',')) return recorded.split(', ').every(version => actual.split(', ').includes(version))
  return normal(recorded) === normal(actual)
}

function renamed (text: string, names: Record<string, string>, url: string): string {
  const all = { 'https://management.azure.com': url, ...names }
  return Object.entries(all).reduce((result, [from, to]) => result.replaceAll(from, to), text)
}

function elapsed (exchanges: Exchange[], index: number): number {
  const at = (exchange: Exchange | undefined) => Date.parse(exchange?.response.headers['date'] ?? '')
  return index === 0 ? 0 : (at(exchanges[index]) - at(exchanges[index - 1])) / 1000
}
