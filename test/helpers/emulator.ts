import { Agent, request as httpsRequest } from 'node:https'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ClusterSpecification, FaultSpecification } from '../../src/emulator/control-schemas.ts'
import { createEmulator, defaultClient, type Emulator, type EmulatorOptions } from '../../src/emulator/emulator.ts'
import type { FaultState } from '../../src/emulator/faults.ts'
import type { LedgerEntry, RequestEntry } from '../../src/emulator/ledger.ts'
import type { RegistrationState } from '../../src/emulator/registrations.ts'

/** A cluster in the segments of its ARM id. */
export interface ClusterRef {
  subscriptionId: string
  resourceGroup: string
  clusterType: 'managedClusters' | 'connectedClusters'
  clusterName: string
}

/** What `GET /_emulator/state` tells of a cluster. */
export interface ClusterState {
  id: string
  script: object
  extensions: {
    name: string
    extensionType: string
    provisioningState: string
    currentVersion: string | null
    configurationSettings: Record<string, string>
    protectedSettings: string[]
  }[]
}

export interface EmulatorState {
  now: string
  clusters: ClusterState[]
  operations: { inFlight: number, total: number }
  faults: FaultState[]
}

/** One planned fault. */
export interface FaultHandle {
  id: string
  /** Resolves once the fault took hold of a call; throws when it did not within so many seconds. */
  fired: (waitSeconds?: number) => Promise<FaultState>
  state: () => Promise<FaultState>
  /** Lets go of the calls it holds. */
  release: () => Promise<void>
  remove: () => Promise<void>
}

/** Everything that the control endpoint can do, for an emulator in this process or in another one. */
export interface EmulatorControl {
  /** Makes a cluster, or gives it another script. */
  cluster: (cluster: string | ClusterRef, body?: ClusterSpecification) => Promise<ClusterState>
  fault: (body: FaultSpecification) => Promise<FaultHandle>
  ledger: (since?: number) => Promise<LedgerEntry[]>
  requests: (since?: number) => Promise<RequestEntry[]>
  advance: (seconds: number) => Promise<void>
  state: () => Promise<EmulatorState>
  reset: () => Promise<void>
  provider: (namespace: string, registrationState: RegistrationState, registerSeconds?: number) => Promise<void>
  /** Ends the client's idle connections. */
  close: () => void
}

export interface StartedEmulator extends Emulator {
  /** A file that holds `caPem`; gone after `close`. */
  caFile: string
  control: EmulatorControl
}

/** Starts an emulator in this process, on a free port, with a control client. */
export async function startEmulator (options: EmulatorOptions = {}): Promise<StartedEmulator> {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-emulator-'))
  const caFile = options.caFile ?? join(folder, 'ca.pem')
  const emulator = await createEmulator({ ...options, caFile })
  const control = createEmulatorControl(emulator.url, emulator.caPem)
  const close = async () => {
    control.close()
    await emulator.close()
    await rm(folder, { recursive: true, force: true })
  }
  return { ...emulator, caFile, control, close, [Symbol.asyncDispose]: close }
}

/** The environment that makes a Slipway process take this emulator for Azure. */
export function emulatorEnv ({ url, caFile, client = defaultClient }: { url: string, caFile: string, client?: Emulator['client'] }): Record<string, string> {
  return {
    SLIPWAY_ARM_ENDPOINT: url,
    AZURE_AUTHORITY_HOST: url,
    SLIPWAY_AZURE_CA_FILE: caFile,
    SLIPWAY_DISABLE_INSTANCE_DISCOVERY: 'true',
    AZURE_TENANT_ID: client.tenantId,
    AZURE_CLIENT_ID: client.clientId,
    AZURE_CLIENT_SECRET: client.clientSecret
  }
}

const namespaces = { managedClusters: 'Microsoft.ContainerService', connectedClusters: 'Microsoft.Kubernetes' } as const

/** The cluster's ARM id. */
export function clusterId ({ subscriptionId, resourceGroup, clusterType, clusterName }: ClusterRef): string {
  return `/subscriptions/${subscriptionId}/resourceGroups/${resourceGroup}/providers/${namespaces[clusterType]}/${clusterType}/${clusterName}`
}

/** ARM id of an extension on a cluster. */
export function extensionId (cluster: ClusterRef, name: string): string {
  return `${clusterId(cluster)}/providers/Microsoft.KubernetesConfiguration/extensions/${name}`
}

/** A client of the control endpoint. */
export function createEmulatorControl (url: string, caPem: string): EmulatorControl {
  const agent = new Agent({ ca: caPem, keepAlive: true })

  async function call<Result> (method: string, path: string, body?: unknown): Promise<Result> {
    const answer = await sendHttps(`${url}/_emulator${path}`, { method, agent, ...(body !== undefined && { body: JSON.stringify(body) }) })
    if (answer.status >= 300) throw new Error(`${method} ${path} answered ${answer.status}: ${answer.text}`)
    return (answer.text === '' ? undefined : JSON.parse(answer.text)) as Result // the emulator's own answers
  }

  function handle ({ id }: FaultState): FaultHandle {
    const state = (wait = 0) => call<FaultState>('GET', `/faults/${id}?wait=${wait}`)
    return {
      id,
      state: () => state(),
      async fired (waitSeconds = 10) {
        const reached = await state(waitSeconds)
        if (reached.fired === 0) throw new Error(`The fault did not fire within ${waitSeconds} s: ${JSON.stringify(reached)}`)
        return reached
      },
      release: () => call('POST', `/faults/${id}/release`),
      remove: () => call('DELETE', `/faults/${id}`)
    }
  }

  return {
    cluster: (cluster, body = {}) => call('PUT', `/clusters${typeof cluster === 'string' ? cluster : clusterId(cluster)}`, body),
    fault: async body => handle(await call<FaultState>('POST', '/faults', body)),
    ledger: async (since = 0) => (await call<{ value: LedgerEntry[] }>('GET', `/ledger?since=${since}`)).value,
    requests: async (since = 0) => (await call<{ value: RequestEntry[] }>('GET', `/requests?since=${since}`)).value,
    advance: seconds => call('POST', '/advance', { seconds }),
    state: () => call('GET', '/state'),
    reset: () => call('POST', '/reset'),
    provider: (namespace, registrationState, registerSeconds) =>
      call('PUT', `/providers/${namespace}`, { registrationState, ...(registerSeconds !== undefined && { registerSeconds }) }),
    close: () => { agent.destroy() }
  }
}

/** An answer off the wire, nothing interpreted. */
export interface RawAnswer {
  status: number
  headers: Record<string, string | string[] | undefined>
  text: string
}

/** Sends one HTTPS request. Rejects when the connection ends before the answer does. */
export function sendHttps (url: string, options: { method?: string, headers?: Record<string, string>, body?: string, agent: Agent, signal?: AbortSignal }): Promise<RawAnswer> {
  const { method = 'GET', headers = {}, body, agent, signal } = options
  return new Promise((resolve, reject) => {
    const contentHeaders = body === undefined ? {} : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(body)) }
    const request = httpsRequest(url, { method, agent, headers: { ...contentHeaders, ...headers }, ...(signal && { signal }) }, response => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => { chunks.push(chunk) })
      response.on('error', reject)
      response.on('end', () => { resolve({ status: response.statusCode ?? 0, headers: response.headers, text: Buffer.concat(chunks).toString() }) })
    })
    request.on('error', reject)
    request.end(body)
  })
}
