import { mkdtempSync, rmSync } from 'node:fs'
import { request } from 'node:https'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { loadConfig, setAzureEnvironment } from './config.ts'
import { createEmulator, defaultClient } from './emulator/emulator.ts'
import { startEmbeddedPostgres } from './jobs/stores/embedded.ts'
import { createLog } from './log.ts'
import { runProcess } from './process.ts'
import { startServer } from './server.ts'
import { openConfiguredStore } from './wiring.ts'
import { startWorker } from './worker.ts'
import type { ExtensionView } from './schemas/extension.ts'
import type { Job } from './schemas/job.ts'
import type { Problem } from './schemas/problem.ts'

/** The whole of Slipway in one process, with a store and an Azure of its own, and one install to look at. */
const { values: { exit, scenario, port } } = parseArgs({
  options: {
    exit: { type: 'boolean', default: false },
    scenario: { type: 'string', default: 'succeeding' },
    port: { type: 'string', default: '8080' }
  }
})

const group = '/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/rg-demo'
const clusters = ['aks-demo', 'aks-other'].map(name => `${group}/providers/Microsoft.ContainerService/managedClusters/${name}`)
const argocd = `/v1${group}/managedClusters/aks-demo/argocd`

const scenarios: Record<string, object> = {
  succeeding: { createSeconds: 6, updateSeconds: 4, deleteSeconds: 4, retryAfterSeconds: 1 },
  // What Azure says when high availability meets too few nodes (Microsoft's Argo CD troubleshooting page, 2026-09).
  failing: { createSeconds: 6, retryAfterSeconds: 1, outcome: 'Failed', error: { code: 'ExtensionOperationFailed', message: 'The extension operation failed with the following error:  Error: [ InnerError: [Helm installation failed : context deadline exceeded]] occurred while doing the operation : [Create] on the config, For general troubleshooting visit: https://aka.ms/k8s-extensions-TSG' } }
}

const log = createLog('warn', 'slipway-quickstart')
await runProcess(log, async fail => {
  const script = scenarios[scenario]
  if (script === undefined) throw new Error(`unknown scenario ${scenario}; known are ${Object.keys(scenarios).join(', ')}`)
  say('Starting PostgreSQL, the Azure emulator, the API and a worker …')
  const folder = mkdtempSync(join(tmpdir(), 'slipway-quickstart-'))
  const caFile = join(folder, 'emulator-ca.pem')
  const [postgres, emulator] = await Promise.all([startEmbeddedPostgres(), createEmulator({ caFile })])
  for (const id of clusters) await makeCluster(emulator, id, script)

  // --exit is for scripts: any free port will do. Otherwise the README's lines name this one.
  const apiPort = exit ? await freePort() : Number(port)
  setAzureEnvironment({ AZURE_TENANT_ID: defaultClient.tenantId, AZURE_CLIENT_ID: defaultClient.clientId, AZURE_CLIENT_SECRET: defaultClient.clientSecret })
  const config = loadConfig({
    SLIPWAY_PORT: String(apiPort),
    SLIPWAY_WORKER_PORT: '0',
    SLIPWAY_WORKER_HOST: '127.0.0.1',
    SLIPWAY_POLL_SECONDS: '1',
    SLIPWAY_ARM_ENDPOINT: emulator.url,
    AZURE_AUTHORITY_HOST: emulator.url,
    SLIPWAY_AZURE_CA_FILE: caFile,
    SLIPWAY_DISABLE_INSTANCE_DISCOVERY: 'true'
  })
  const server = await startServer({ config, log, fail, store: openConfiguredStore(config, postgres.url, log) })
  const worker = await startWorker({ config, log, fail, store: openConfiguredStore(config, postgres.url, log) })
  const close = async () => {
    await Promise.all([server.close(), worker.close()])
    await Promise.all([emulator.close(), postgres.stop()])
    rmSync(folder, { recursive: true, force: true })
  }

  const base = `http://localhost:${apiPort}`
  install(base).then(succeeded => {
    if (exit) {
      process.exitCode = succeeded ? 0 : 1
      process.kill(process.pid, 'SIGTERM')
    } else {
      say(`\nThe API stays up at ${base} — its description for people: ${base}/docs\nThe Azure emulator: ${emulator.url}\nStop with Ctrl-C.`)
    }
  }, fail)
  return { close }
})

/** Installs Argo CD on the demo cluster as any client would, and prints what it reads; true when it succeeded. */
async function install (base: string): Promise<boolean> {
  await ready(base)
  say(`\nPUT ${argocd}`)
  const accepted = await call<Job>(base, argocd, {
    method: 'PUT',
    headers: { 'content-type': 'application/json', 'idempotency-key': `quickstart-${process.pid}-${Date.now()}` },
    body: JSON.stringify({ highAvailability: { enabled: scenario === 'failing' }, applicationNamespaces: ['team-a'], url: 'https://argocd.example.com' })
  })
  const job = await follow(base, accepted)
  if (job.status !== 'Succeeded') {
    say(`\nThe job ended as ${job.status}. This is what a user sees:\n${JSON.stringify({ effect: job.effect, error: job.error, notes: job.notes }, null, 2)}`)
    return false
  }
  say(`\nGET ${argocd}\n${JSON.stringify(await call<ExtensionView>(base, argocd), null, 2)}`)
  return true
}

/** Reads the job until it ends, and prints a line whenever what it shows has changed. */
async function follow (base: string, accepted: Job): Promise<Job> {
  let job = accepted
  let shown = ''
  for (;;) {
    const line = [job.status, job.currentStep && `step ${job.currentStep}`, job.azureVerb && `Azure gets ${job.azureVerb}`, job.provisioningState && `Azure says ${job.provisioningState}`, job.effect].filter(Boolean).join(' · ')
    if (line !== shown) say(`${new Date().toISOString().slice(11, 23)}  ${line}`)
    shown = line
    if (job.endedAt !== undefined) return job
    job = await call<Job>(base, `/v1/jobs/${job.id}`, { headers: { prefer: 'wait=1' } })
  }
}

async function ready (base: string): Promise<void> {
  for (;;) {
    const response = await fetch(`${base}/readyz`)
    if (response.ok) return
    await new Promise(resolve => setTimeout(resolve, 100))
  }
}

async function call<T> (base: string, path: string, init?: RequestInit): Promise<T> {
  const response = await fetch(base + path, init)
  const body: unknown = await response.json()
  if (!response.ok) throw new Error(`${path} answered ${response.status}: ${(body as Problem).detail}`)
  return body as T
}

/** Makes a cluster of the emulator's, and tells it how to behave. */
async function makeCluster ({ url, caPem }: { url: string, caPem: string }, id: string, script: object): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    request(`${url}/_emulator/clusters${id}`, { method: 'PUT', ca: caPem, headers: { 'content-type': 'application/json' } }, answer => {
      answer.resume()
      if (answer.statusCode === 200 || answer.statusCode === 201) resolve()
      else reject(new Error(`the emulator answered ${answer.statusCode ?? 'nothing'}`))
    }).on('error', reject).end(JSON.stringify(script))
  })
}

async function freePort (): Promise<number> {
  const server = createServer()
  await new Promise<void>(resolve => { server.listen(0, '127.0.0.1', resolve) })
  const { port: free } = server.address() as AddressInfo // a TCP server has one
  await new Promise(resolve => { server.close(resolve) })
  return free
}

function say (line: string): void {
  process.stdout.write(`${line}\n`)
}
