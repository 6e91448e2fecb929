import type { AzureFailure } from '../azure/errors.ts'
import type { Extension } from '../azure/extension.ts'
import { TerminalError, type AzureErrorFacts } from '../errors.ts'

/** Azure decided against a request: the job's last word, with Azure's own inside. */
export function azureTerminal (failure: AzureFailure): TerminalError {
  if (failure.kind === 'cluster-absent') {
    return new TerminalError('ClusterNotFound', 'Azure does not know this cluster, or Slipway\'s identity may not see it.', {
      azure: failure.facts, cause: failure,
      remediation: ['Check the subscription, the resource group, the kind and the name of the cluster.', 'Check that Slipway\'s identity may read the cluster.']
    })
  }
  return operationFailed(failure.facts, failure)
}

/** Azure's operation, or the request for it, failed for good. */
export function operationFailed (azure: AzureErrorFacts, cause?: unknown): TerminalError {
  const said = azure.message ?? 'Azure gave no reason.'
  return new TerminalError('AzureOperationFailed', azure.code === undefined ? said : `${azure.code}: ${said}`, {
    azure,
    ...(cause !== undefined && { cause }),
    remediation: remediations[azure.code ?? ''] ?? ['Read Azure\'s message, mend what it names, and send the request again.']
  })
}

/** The extension itself ended badly, and no operation says why: its status entries do. */
export function extensionFailed ({ provisioningState, statuses }: Extension): TerminalError {
  const worst = statuses.find(({ level }) => level?.toLowerCase() === 'error') ?? statuses[0]
  return operationFailed({
    code: worst?.code ?? `Extension${provisioningState}`,
    message: worst?.message ?? `Azure reports the extension as ${provisioningState} and says nothing more.`
  })
}

/** Azure's code → what to do, for codes that mean one thing (Microsoft's troubleshooting pages for cluster extensions). */
const remediations: Record<string, string[]> = {
  MissingSubscriptionRegistration: ['Register the resource provider Microsoft.KubernetesConfiguration in the subscription (az provider register), wait until it is Registered, and send the request again.'],
  AuthorizationFailed: ['Give Slipway\'s worker identity write access to Microsoft.KubernetesConfiguration/extensions on the cluster, and send the request again.'],
  ScopeLocked: ['Remove the resource lock that Azure names, and send the request again.'],
  RequestDisallowedByPolicy: ['Ask the owner of the policy assignment that Azure names for an exemption, or change the request.'],
  ExtensionTypeRegistrationGetFailed: ['Use a cluster in a region that Azure names.']
}
