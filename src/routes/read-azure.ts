import { AzureFailure, judgeFailure } from '../azure/errors.ts'
import type { Extension } from '../azure/extension.ts'
import type { Extensions } from '../azure/extensions.ts'
import { Problem } from '../errors.ts'
import { clusterNotFound } from '../plugins/authentication.ts'
import type { ClusterRef } from '../schemas/cluster.ts'

const azureReadMs = 5_000 // a caller rather hears 503 than waits

/**
 * Reads a cluster's extension for a request that is waiting. Undefined when there is none. Throws a problem for
 * everything else: `ClusterNotFound`, `AzureRefused`, or `AzureUnavailable` with Retry-After.
 */
export async function readForRequest (extensions: Pick<Extensions, 'find'>, cluster: ClusterRef): Promise<Extension | undefined> {
  try {
    return await limited(extensions.find(cluster, { timeoutMs: azureReadMs }))
  } catch (error) {
    const failure = judgeFailure(error)
    if (failure.kind === 'cluster-absent') throw clusterNotFound()
    if (failure.kind === 'refused' || failure.kind === 'absent') { // a list is never absent: Azure does not know the resource type there
      throw new Problem('AzureRefused', `Azure refused the reading (${failure.facts.code ?? failure.facts.httpStatus ?? 'no code'}). Slipway's identity needs to read Microsoft.KubernetesConfiguration/extensions on the cluster.`, { cause: error })
    }
    throw new Problem('AzureUnavailable', `${failure.kind === 'unauthenticated' ? 'Azure does not accept the token of Slipway\'s identity.' : failure.message} Nothing was changed. If it stays so, whoever runs Slipway has to look into it.`, {
      cause: error, retryAfterSeconds: (failure.retryAfterMs ?? 5_000) / 1000
    })
  }
}

/** The SDK's own retries may take longer than one reading may. */
async function limited<T> (call: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => { late.reject(new AzureFailure('unknown', { message: `Azure did not answer within ${azureReadMs / 1000} seconds.` })) }, azureReadMs)
  call.catch(() => undefined) // after the time is up nobody is left to hear of it
  try {
    return await Promise.race([call, late.promise])
  } finally {
    clearTimeout(timer)
  }
}
