import type { SourceControlConfigurationClient } from '@azure/arm-kubernetesconfiguration'
import { createPipelineRequest } from '@azure/core-rest-pipeline'
import type { Compiled } from '../argocd/compile.ts'
import { clusterArmId, clusterProviders, type ClusterRef } from '../schemas/cluster.ts'
import { sendBeforeHeader, type ArmClient } from './arm-client.ts'
import { judgeAnswer, judgeFailure, parseObject, retryAfterOf, unreadable, type ArmAnswer } from './errors.ts'
import { extensionOf, extensionType, operationOf, type Extension, type OperationReading } from './extension.ts'

const apiVersion = '2023-05-01' // the newest stable version whose models the SDK speaks
const writeTimeoutMs = 60_000 // long enough for ARM's slowest accept; the settle time of an intent is built on it
const readTimeoutMs = 15_000

/** Azure accepted a write. */
export interface Acceptance {
  httpStatus: number
  /** Signed address of the operation: secret, up to 4 kB, kept byte for byte. Absent when the write ended at once. */
  operationUrl?: string
  retryAfterMs?: number
  /** What the SDK's own first poll learned; undefined when it failed, which says nothing about the write. */
  firstReading: Promise<OperationReading | undefined>
}

/** A change to send: everything for PUT, only what changes for PATCH. */
export interface ExtensionWrite {
  verb: 'PUT' | 'PATCH'
  name: string
  compiled: Compiled
  /** For PATCH: the settings that change. */
  set: Record<string, string>
}

/** How a call is made. */
export interface CallOptions {
  /** Given to ARM as the correlation id of the call: a GUID. */
  correlationId?: string
  timeoutMs?: number
}

/** How a write is made. */
export interface WriteOptions extends CallOptions {
  /** The write is not sent after this time of the monotonic clock (`performance.now()`); it then fails as `not-sent`. */
  sendBefore?: number
}

/**
 * The Argo CD extension of a cluster, in Azure Resource Manager. Nothing is retried here.
 * Every method rejects with an `AzureFailure`, and only with that.
 */
export interface Extensions {
  /** The extension of type microsoft.argocd, under whatever name; undefined when the cluster has none. */
  find: (cluster: ClusterRef, options?: CallOptions) => Promise<Extension | undefined>
  /** The extension of this name; undefined when there is none. */
  read: (cluster: ClusterRef, name: string, options?: CallOptions) => Promise<Extension | undefined>
  /** Sends a PUT or a PATCH, once, and answers as soon as Azure has accepted it. */
  write: (cluster: ClusterRef, write: ExtensionWrite, options?: WriteOptions) => Promise<Acceptance>
  /** Sends a DELETE, once. An absent extension is accepted too. */
  remove: (cluster: ClusterRef, name: string, force: boolean, options?: WriteOptions) => Promise<Acceptance>
  /** Reads an operation by its URL. Undefined when the URL is of no use any more, or never was ARM's. */
  readOperation: (cluster: ClusterRef, operationUrl: string, options?: CallOptions) => Promise<OperationReading | undefined>
}

/** Binds the extension's operations to one ARM endpoint. */
export function createExtensions ({ endpoint, client }: ArmClient): Extensions {
  const collection = (cluster: ClusterRef) => `${endpoint}${clusterArmId(cluster)}/providers/Microsoft.KubernetesConfiguration/extensions`

  return {
    async find (cluster, options) {
      let url: string | undefined = `${collection(cluster)}?api-version=${apiVersion}`
      while (url !== undefined) {
        const page = await get(client(cluster.subscriptionId), url, options)
        if (page.status !== 200) throw judgeAnswer(page)
        const { value, nextLink } = parseObject(page.body) ?? {}
        if (!Array.isArray(value)) throw unreadable(page)
        const found = value.map(extensionOf).find(extension => extension?.type === extensionType)
        if (found) return found
        if (typeof nextLink === 'string' && !isArm(nextLink)) throw unreadable(page)
        url = typeof nextLink === 'string' ? nextLink : undefined
      }
      return undefined
    },

    async read (cluster, name, options) {
      const answer = await get(client(cluster.subscriptionId), `${collection(cluster)}/${name}?api-version=${apiVersion}`, options)
      if (answer.status === 200) {
        const extension = extensionOf(parseObject(answer.body))
        if (extension) return extension
        throw unreadable(answer)
      }
      const failure = judgeAnswer(answer)
      if (failure.kind === 'absent') return undefined
      throw failure
    },

    async write (cluster, { verb, name, compiled, set }, options) {
      const { extensions } = client(cluster.subscriptionId)
      const id = [cluster.resourceGroup, clusterProviders[cluster.clusterType], cluster.clusterType, cluster.clusterName, name] as const
      return await begin(options, callOptions => verb === 'PUT'
        ? extensions.beginCreate(...id, putBody(cluster, compiled), callOptions)
        : extensions.beginUpdate(...id, patchBody(compiled, set), callOptions))
    },

    async remove (cluster, name, force, options) {
      const { extensions } = client(cluster.subscriptionId)
      return await begin(options, callOptions => extensions.beginDelete(
        cluster.resourceGroup, clusterProviders[cluster.clusterType], cluster.clusterType, cluster.clusterName, name,
        force ? { ...callOptions, forceDelete: true } : callOptions))
    },

    async readOperation (cluster, operationUrl, options) {
      if (!isArm(operationUrl)) return undefined
      const answer = await get(client(cluster.subscriptionId), operationUrl, options)
      if (answer.status === 200) return operationOf(answer)
      // 400, 403, 404, 410: expired, or its signature is not accepted any more. The extension itself can still be asked.
      if ([400, 403, 404, 410].includes(answer.status)) return undefined
      throw judgeAnswer(answer)
    }
  }

  function isArm (url: string): boolean {
    return URL.canParse(url) && new URL(url).origin === new URL(endpoint).origin
  }
}

/** Reads through the SDK's pipeline, so that the raw answer is seen: its models fill in defaults for what is absent. */
async function get (client: SourceControlConfigurationClient, url: string, options: CallOptions = {}): Promise<ArmAnswer> {
  try {
    const timeoutMs = options.timeoutMs ?? readTimeoutMs
    const request = createPipelineRequest({ url, method: 'GET', timeout: timeoutMs, abortSignal: AbortSignal.timeout(timeoutMs) })
    request.headers.set('accept', 'application/json')
    if (options.correlationId) request.headers.set('x-ms-correlation-request-id', options.correlationId)
    const response = await client.sendRequest(request)
    return { status: response.status, headers: response.headers.toJSON(), body: response.bodyAsText ?? undefined }
  } catch (error) {
    throw judgeFailure(error)
  }
}

interface SdkCallOptions {
  abortSignal: AbortSignal
  requestOptions: { timeout: number, customHeaders: Record<string, string> }
  onResponse: (raw: { status: number, headers: { toJSON: () => Record<string, string> }, bodyAsText?: string | null }) => void
}

/**
 * Starts a long-running operation through the SDK and answers on its first response: the SDK polls once more by itself
 * and fails when that poll does, although Azure has accepted the write.
 */
async function begin (options: WriteOptions = {}, send: (callOptions: SdkCallOptions) => Promise<unknown>): Promise<Acceptance> {
  const accepted = Promise.withResolvers<Acceptance>()
  const firstReading = Promise.withResolvers<OperationReading | undefined>()
  let answers = 0
  const whole = send({
    abortSignal: AbortSignal.timeout(writeTimeoutMs),
    requestOptions: {
      timeout: writeTimeoutMs,
      customHeaders: {
        ...(options.correlationId !== undefined && { 'x-ms-correlation-request-id': options.correlationId }),
        ...(options.sendBefore !== undefined && { [sendBeforeHeader]: String(options.sendBefore) })
      }
    },
    onResponse: ({ status, headers, bodyAsText }) => {
      answers += 1
      const answer = { status, headers: headers.toJSON(), body: bodyAsText ?? undefined }
      if (answers === 1 && status < 300) accepted.resolve({ ...acceptanceOf(answer), firstReading: firstReading.promise })
      if (answers === 2) firstReading.resolve(status === 200 ? operationOf(answer) : undefined)
    }
  })
  whole.then(() => { firstReading.resolve(undefined) }, (error: unknown) => {
    firstReading.resolve(undefined)
    accepted.reject(judgeFailure(error)) // no effect once accepted
  })
  return await accepted.promise
}

function acceptanceOf ({ status, headers }: ArmAnswer): Omit<Acceptance, 'firstReading'> {
  const operationUrl = headers['azure-asyncoperation']
  const retryAfterMs = retryAfterOf(headers)
  return { httpStatus: status, ...(operationUrl !== undefined && { operationUrl }), ...(retryAfterMs !== undefined && { retryAfterMs }) }
}

function putBody (cluster: ClusterRef, compiled: Compiled): object {
  return {
    // The CLI gives Arc-enabled clusters an identity for the extension and AKS none; AKS assigns its own.
    ...(cluster.clusterType === 'connectedClusters' && { identity: { type: 'SystemAssigned' } }),
    extensionType,
    ...upgradeFields(compiled),
    scope: { cluster: { releaseNamespace: compiled.namespace } },
    configurationSettings: compiled.settings,
    configurationProtectedSettings: {}
  }
}

/** What is set of version, train and automatic upgrades is sent each time: whether ARM takes a PATCH without them as their defaults is unknown. */
function patchBody (compiled: Compiled, set: Record<string, string>): object {
  return { ...upgradeFields(compiled), configurationSettings: set }
}

function upgradeFields ({ autoUpgradeMinorVersion, version, releaseTrain }: Compiled): object {
  return {
    autoUpgradeMinorVersion,
    ...(version !== undefined && { version }),
    ...(releaseTrain !== undefined && { releaseTrain })
  }
}
