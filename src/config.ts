import { readFileSync } from 'node:fs'
import { closest, distance } from 'fastest-levenshtein'
import { Type, type Static, type TSchema } from 'typebox'
import { Compile } from 'typebox/compile'
import { Value } from 'typebox/value'

const text = (description: string, options: object = {}) => Type.String({ minLength: 1, maxLength: 4096, description, ...options })
const flag = (description: string, fallback: boolean) => Type.Boolean({ description, default: fallback })
const whole = (description: string, fallback: number, minimum: number, maximum: number) => Type.Integer({ description, default: fallback, minimum, maximum })

/**
 * Every variable that Slipway reads, with its default and its reason. Azure's own variables (AZURE_CLIENT_ID and the
 * like) are read by the Azure SDK itself and keep their names; those that matter to us stand here too.
 */
export const Config = Type.Object({
  SLIPWAY_STORE_URL: Type.Optional(text('The job store: redis://, rediss://, redis+sentinel://h1,h2/master, redis+cluster://h1,h2 or postgres://. Required by server and worker.', { pattern: '^(redis|rediss|redis\\+sentinel|redis\\+cluster|postgres|postgresql)://', examples: ['redis://localhost:6379'] })),
  SLIPWAY_STORE_NAMESPACE: text('Namespace in the store: Redis key prefix or PostgreSQL schema. Services that share a store use different ones.', { default: 'slipway', pattern: '^[a-z][a-z0-9_]{0,40}$' }),
  SLIPWAY_STORE_CA_FILE: Type.Optional(text('PEM file with the certificate authority of the store, for rediss:// and postgres:// with TLS.')),
  SLIPWAY_REQUIRE_DURABLE_STORE: flag('Refuse to start on a Redis that may lose jobs (no AOF, or an eviction policy) instead of warning.', false),

  SLIPWAY_HOST: Type.Optional(text('Address the API listens on. Default: 0.0.0.0 with a callers file, 127.0.0.1 without one.', { examples: ['127.0.0.1'] })),
  SLIPWAY_PORT: whole('Port of the API.', 8080, 0, 65_535),
  SLIPWAY_PUBLIC_URL: Type.Optional(text('Base of every link that the API gives out, as clients reach it. Default: http://localhost:<port>.', { pattern: '^https?://[^?#]+$', examples: ['https://slipway.example.com'] })),
  SLIPWAY_CALLERS_FILE: Type.Optional(text('YAML or JSON file with the callers, hashes of their tokens, and what they may do; see the README. Without it the API serves this machine only.')),
  SLIPWAY_DOCS: Type.Optional(Type.Boolean({ description: 'Serve the API\'s description for people at /docs. Default: true, but false where NODE_ENV is production.' })),
  SLIPWAY_LOG_LEVEL: Type.Enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], { type: 'string', description: 'What is logged, as JSON lines on standard output.', default: 'info' }),

  SLIPWAY_WORKER_HOST: text('Address of the worker\'s own /livez and /readyz.', { default: '0.0.0.0' }),
  SLIPWAY_WORKER_PORT: whole('Port of the worker\'s own /livez and /readyz.', 8081, 0, 65_535),
  SLIPWAY_WORKER_CONCURRENCY: whole('Jobs that one worker advances at the same time. Waiting for Azure takes no place.', 200, 1, 10_000),
  SLIPWAY_LOCK_MS: whole('How long a worker may be silent before its jobs are taken over.', 8_000, 500, 300_000),
  SLIPWAY_STALLED_INTERVAL_MS: whole('How often workers look for jobs of a silent one.', 3_000, 100, 300_000),

  SLIPWAY_POLL_SECONDS: Type.Number({ description: 'Pause between two readings of an Azure operation where Azure names none.', default: 30, minimum: 0.05, maximum: 600 }),
  SLIPWAY_POLLS_PER_SECOND: Type.Number({ description: 'Readings a second that a worker takes of Azure\'s budget at most (250 and 25 a second for each subscription).', default: 15, minimum: 0.1, maximum: 100_000 }),
  SLIPWAY_DEADLINE_MINUTES: Type.Number({ description: 'How long an install or update may take before its job ends as Failed.', default: 60, minimum: 0.01, maximum: 10_080 }),
  SLIPWAY_DELETE_DEADLINE_MINUTES: Type.Number({ description: 'How long a deletion may take before its job ends as Failed.', default: 60, minimum: 0.01, maximum: 10_080 }),
  SLIPWAY_SETTLE_SECONDS: Type.Number({ description: 'How long after a crash in the middle of a write nothing is sent to Azure again. Less than 70 risks a second write.', default: 90, minimum: 0.1, maximum: 3_600 }),
  SLIPWAY_JOB_RETENTION_HOURS: whole('How long finished jobs are kept.', 168, 24, 8_760),

  SLIPWAY_AZURE_CLOUD: Type.Enum(['AzureCloud', 'AzureUSGovernment', 'AzureChinaCloud'], { type: 'string', description: 'The Azure cloud.', default: 'AzureCloud' }),
  SLIPWAY_ARM_ENDPOINT: Type.Optional(text('Azure Resource Manager instead of the cloud\'s own: an emulator or a private cloud.', { pattern: '^https://[^?#]+$', examples: ['https://localhost:8443'] })),
  SLIPWAY_AZURE_CA_FILE: Type.Optional(text('PEM file with the certificate authority of that endpoint.')),
  SLIPWAY_DISABLE_INSTANCE_DISCOVERY: flag('For an AZURE_AUTHORITY_HOST that is not one of Microsoft\'s.', false),
  AZURE_AUTHORITY_HOST: Type.Optional(text('Microsoft Entra instead of the cloud\'s own.', { pattern: '^https://[^?#]+$' })),
  NODE_ENV: Type.Optional(text('production in the container image.'))
}, { additionalProperties: true })

type Environment = Record<string, string | undefined>

/** The validated configuration: frozen, in the types of the schema. */
export type Config = Readonly<Static<typeof Config>>

const checkConfig = Compile(Config)

/** The environment cannot be used; the message lists everything that is wrong, a line each. */
export class ConfigError extends Error {
  constructor (findings: string[]) {
    super(`The configuration is not valid:\n${findings.map(finding => `  - ${finding}`).join('\n')}`)
    this.name = 'ConfigError'
  }
}

/** Reads the configuration from the environment, once, at the start. Throws `ConfigError`. */
export function loadConfig (environment: Environment = process.env): Config {
  // An empty value is how compose files and charts spell "not set".
  const given = Object.fromEntries(Object.entries(environment).filter(([name, value]) => value !== undefined && value !== '' && isOurs(name)))
  const findings = unknownNames(given)
  const converted: Record<string, unknown> = {}
  for (const [name, schema] of Object.entries<TSchema & { default?: unknown }>(Config.properties)) {
    if (given[name] !== undefined) converted[name] = Value.Convert(schema, given[name])
    else if (schema.default !== undefined) converted[name] = schema.default
  }
  for (const { instancePath, message } of checkConfig.Errors(converted)) {
    const name = instancePath.slice(1)
    // The value itself stays out of the message: it may hold a password.
    findings.push(`${name} ${message}. It is: ${descriptionOf(name)}`)
  }
  if (findings.length > 0) throw new ConfigError(findings)
  return Object.freeze(converted) as Config // checked just above
}

/** The store's URL. Throws `ConfigError` where none is configured. */
export function storeUrlOf ({ SLIPWAY_STORE_URL }: Config): string {
  if (SLIPWAY_STORE_URL !== undefined) return SLIPWAY_STORE_URL
  throw new ConfigError(['SLIPWAY_STORE_URL is not set. Set it to a Redis or PostgreSQL URL, for example redis://localhost:6379. To try Slipway without either: npm run quickstart'])
}

/** Sets what the Azure SDK reads from the environment by itself: for a process that brings its own Azure along. */
export function setAzureEnvironment (values: Record<`AZURE_${string}`, string>): void {
  Object.assign(process.env, values)
}

/** Reads a PEM file that a variable names. Throws `ConfigError` when it cannot be read. */
export function readPem (path: string | undefined, variable: string): string | undefined {
  if (path === undefined) return undefined
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new ConfigError([`${variable} names a file that cannot be read: ${error instanceof Error ? error.message : String(error)}`])
  }
}

/** The text of `.env.example`: every variable, its description and its default, made from the schema. */
export function renderEnvExample (): string {
  const entries = Object.entries<TSchema & { default?: string | number | boolean, description?: string, examples?: (string | number)[] }>(Config.properties)
    .filter(([name]) => name !== 'NODE_ENV')
    .map(([name, { default: fallback, description = '', examples }]) =>
      `# ${description}\n${fallback === undefined ? `#${name}=${String(examples?.[0] ?? '')}` : `${name}=${String(fallback)}`}\n`)
  return [
    '# Slipway\'s configuration. Made from the schema in src/config.ts by `npm run env-example`.\n',
    ...entries,
    '# Azure credentials, read by the Azure SDK: a workload identity or managed identity needs none of these here.\n#AZURE_TENANT_ID=\n#AZURE_CLIENT_ID=\n#AZURE_CLIENT_SECRET=\n'
  ].join('\n')
}

function isOurs (name: string): boolean {
  return name.startsWith('SLIPWAY_') || name in Config.properties
}

/** A misspelt variable would silently leave a default in force. SLIPWAY_TEST_* belong to the tests. */
function unknownNames (given: Record<string, unknown>): string[] {
  const known = Object.keys(Config.properties)
  return Object.keys(given).filter(name => !known.includes(name) && !name.startsWith('SLIPWAY_TEST_')).map(name => {
    const nearest = closest(name, known)
    return `${name} is not a variable of Slipway.${distance(name, nearest) < 8 ? ` Did you mean ${nearest}?` : ''}`
  })
}

function descriptionOf (name: string): string {
  return (Config.properties as Record<string, { description?: string }>)[name]?.description ?? 'unknown'
}
