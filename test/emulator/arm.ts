import { Agent } from 'node:https'
import { SourceControlConfigurationClient } from '@azure/arm-kubernetesconfiguration'
import { emulatorCredential, emulatorToken } from '../helpers/emulator-token.ts'
import { clusterId, sendHttps, startEmulator, type ClusterRef, type StartedEmulator } from '../helpers/emulator.ts'
import type { EmulatorOptions } from '../../src/emulator/emulator.ts'

export const aks: ClusterRef = { subscriptionId: '5f0c1a52-8a53-4a2e-9c0b-3f6f8f0f1a11', resourceGroup: 'rg-team', clusterType: 'managedClusters', clusterName: 'aks-one' }
export const arc: ClusterRef = { ...aks, clusterType: 'connectedClusters', clusterName: 'arc-one' }

/** An answer, its JSON read. */
export interface ArmAnswer {
  status: number
  headers: Record<string, string | string[] | undefined>
  body: any // eslint-disable-line @typescript-eslint/no-explicit-any -- judged by the assertions
  text: string
}

export type Send = (method: string, path: string, body?: unknown, options?: { headers?: Record<string, string>, signal?: AbortSignal }) => Promise<ArmAnswer>

export interface ArmHarness extends AsyncDisposable {
  emulator: StartedEmulator
  control: StartedEmulator['control']
  /** Sends a request with a token; an api-version is added to a path that has no query. */
  send: Send
  /** Sends a request as it is. */
  sendBare: Send
}

/** An emulator, and ARM requests to it over real TLS. */
export async function startArm (options: EmulatorOptions = {}): Promise<ArmHarness> {
  const emulator = await startEmulator(options)
  const agent = new Agent({ ca: emulator.caPem, keepAlive: true, maxSockets: 50 })
  const token = await emulatorToken(emulator)

  const sendBare: Send = async (method, path, body, { headers = {}, signal } = {}) => {
    const url = path.startsWith('https://') ? path : `${emulator.url}${path}`
    const text = body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body)
    const answer = await sendHttps(url, { method, agent, headers, ...(text !== undefined && { body: text }), ...(signal && { signal }) })
    return { ...answer, body: parsed(answer.text) }
  }
  return {
    emulator,
    control: emulator.control,
    sendBare,
    send: (method, path, body, { headers = {}, signal } = {}) => sendBare(
      method, path.includes('?') ? path : `${path}?api-version=2023-05-01`, body,
      { headers: { authorization: `Bearer ${token}`, ...headers }, ...(signal && { signal }) }
    ),
    async [Symbol.asyncDispose] () {
      agent.destroy()
      await emulator.close()
    }
  }
}

/** The Azure SDK's own client, as an application would set it up. */
export function sdkClient (emulator: StartedEmulator, cluster: ClusterRef): SourceControlConfigurationClient {
  return new SourceControlConfigurationClient(emulatorCredential(emulator), cluster.subscriptionId, {
    endpoint: emulator.url, $host: emulator.url, credentialScopes: [`${emulator.url}/.default`], tlsOptions: { ca: emulator.caPem }, retryOptions: { maxRetries: 0 }
  })
}

/** Path of a cluster's extensions, or of one of them. */
export function extensionsOf (cluster: ClusterRef, name?: string): string {
  return `${clusterId(cluster)}/providers/Microsoft.KubernetesConfiguration/extensions${name === undefined ? '' : `/${name}`}`
}

export const argocd = {
  properties: {
    extensionType: 'microsoft.argocd',
    autoUpgradeMinorVersion: true,
    configurationSettings: { 'redis-ha.enabled': 'false', 'configs.cm.url': 'https://cd.example' },
    configurationProtectedSettings: { 'configs.secret.token': 'hush' }
  }
}

function parsed (text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
