import { createHash, randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { stringify } from 'yaml'
import { loadConfig, renderEnvExample, storeUrlOf } from './config.ts'
import { reindex } from './jobs/reindex.ts'
import { createLog } from './log.ts'
import { callerActions } from './plugins/callers.ts'
import { openConfiguredStore } from './wiring.ts'

const usage = `usage: node src/cli.ts <command>

  token --name NAME [--action ACTION]… [--scope SCOPE]…   make a bearer token and print its entry for the callers file
  reindex                                                 rebuild the index of jobs from the jobs themselves
  env-example                                             write .env.example from the configuration's schema
`

const { positionals: [command], values } = parseArgs({
  allowPositionals: true,
  options: { name: { type: 'string' }, action: { type: 'string', multiple: true }, scope: { type: 'string', multiple: true } }
})

if (command === 'token') printToken(values)
else if (command === 'env-example') writeFileSync(new URL('../.env.example', import.meta.url), renderEnvExample())
else if (command === 'reindex') await rebuildIndex()
else {
  process.stderr.write(usage)
  process.exitCode = 2
}

/** The token is shown once and kept nowhere; the callers file gets its hash. */
function printToken ({ name, action = [...callerActions], scope = ['/'] }: { name?: string, action?: string[], scope?: string[] }): void {
  const wrong = action.filter(one => !(callerActions as readonly string[]).includes(one))
  if (name === undefined || wrong.length > 0) {
    process.stderr.write(name === undefined ? '--name is missing: it is what jobs and the audit log call the caller\n' : `unknown action ${wrong.join(', ')}; known are ${callerActions.join(', ')}\n`)
    process.exitCode = 2
    return
  }
  const token = `slipway_${randomBytes(32).toString('base64url')}`
  const entry = { name, tokenSha256: [createHash('sha256').update(token).digest('hex')], actions: action, scopes: scope }
  process.stdout.write(`Token (shown once):\n${token}\n\nEntry for the callers file:\n${stringify({ callers: [entry] })}`)
}

async function rebuildIndex (): Promise<void> {
  const config = loadConfig()
  const log = createLog(config.SLIPWAY_LOG_LEVEL, 'slipway-reindex')
  const store = openConfiguredStore(config, storeUrlOf(config), log)
  const count = await reindex(store)
  await store.close()
  process.stdout.write(`${count} jobs indexed\n`)
}
