import { SourceControlConfigurationClient } from '@azure/arm-kubernetesconfiguration'
import type { TokenCredential } from '@azure/core-auth'
import type { PipelinePolicy } from '@azure/core-rest-pipeline'
import { DefaultAzureCredential } from '@azure/identity'
import { clouds, type CloudName } from './clouds.ts'
import { AzureFailure } from './errors.ts'

/** Which Azure, and how to trust it. Everything but the cloud is for emulators and private clouds. */
export interface AzureOptions {
  cloud: CloudName
  /** Base URL of Azure Resource Manager, instead of the cloud's own. */
  armEndpoint?: string
  /** Base URL of Microsoft Entra, instead of the cloud's own. */
  authorityHost?: string
  /** PEM certificates to trust besides the public roots. */
  ca?: string
  /** For authorities that Microsoft's instance metadata does not list. */
  disableInstanceDiscovery?: boolean
  /** Instead of `DefaultAzureCredential` (environment, workload identity, managed identity, developer tools). */
  credential?: TokenCredential
}

/** One ARM endpoint, through the SDK's client. */
export interface ArmClient {
  /** Base URL without a trailing slash. The bearer token goes nowhere else. */
  endpoint: string
  /** Never sends a request twice: a PUT that was reset may have been taken, and for reads the jobs are the retry. */
  client: (subscriptionId: string) => SourceControlConfigurationClient
}

/** Connects to ARM through the Azure SDK; nothing is sent before the first call. */
export function createArmClient (options: AzureOptions): ArmClient {
  const cloud = clouds[options.cloud]
  const endpoint = (options.armEndpoint ?? cloud.armEndpoint).replace(/\/+$/, '')
  const tlsOptions = options.ca === undefined ? {} : { tlsOptions: { ca: options.ca } }
  const credential = options.credential ?? new DefaultAzureCredential({
    authorityHost: options.authorityHost ?? cloud.authorityHost,
    disableInstanceDiscovery: options.disableInstanceDiscovery ?? false,
    ...tlsOptions
  })
  const client = remembering((subscriptionId: string) => {
    const made = new SourceControlConfigurationClient(credential, subscriptionId, {
      endpoint,
      $host: endpoint,
      // An overridden endpoint is an emulator or a proxy of a cloud: the token's audience is still the cloud's own.
      credentialScopes: [`${cloud.armEndpoint}/.default`],
      userAgentOptions: { userAgentPrefix: 'slipway' },
      retryOptions: { maxRetries: 0 },
      redirectOptions: { maxRetries: 0 }, // a redirect would carry the token to another host
      ...tlsOptions
    })
    made.pipeline.addPolicy(sendInTime, { afterPhase: 'Sign' })
    return made
  })
  return { endpoint, client }
}

/** Until when a request may leave this process, by the monotonic clock (`performance.now()`). Never leaves it itself. */
export const sendBeforeHeader = 'x-slipway-send-before'

/**
 * Getting a token may take long, and a stopped process takes up where it was: what is late by then must not be sent,
 * because somebody else may already count on it not being on its way.
 */
const sendInTime: PipelinePolicy = {
  name: 'slipwaySendInTime',
  async sendRequest (request, next) {
    const sendBefore = request.headers.get(sendBeforeHeader)
    request.headers.delete(sendBeforeHeader)
    if (sendBefore !== undefined && performance.now() > Number(sendBefore)) {
      throw new AzureFailure('not-sent', { code: 'SentTooLate', message: 'The request was not sent in time, and so not at all.' })
    }
    return await next(request)
  }
}

const clientsAtMost = 1_000 // subscriptions come from requests: whoever asks for ever more of them must not fill the memory

/** One client a subscription: they share the credential, and with it the token cache. */
function remembering<V> (make: (subscriptionId: string) => V): (subscriptionId: string) => V {
  const made = new Map<string, V>()
  return subscriptionId => {
    const key = subscriptionId.toLowerCase()
    const value = made.get(key) ?? make(key)
    made.set(key, value)
    const [oldest] = made.keys()
    if (made.size > clientsAtMost && oldest !== undefined) made.delete(oldest)
    return value
  }
}
