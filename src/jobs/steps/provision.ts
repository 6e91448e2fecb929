import { isTerminal, type Extension, type OperationReading } from '../../azure/extension.ts'
import type { Extensions } from '../../azure/extensions.ts'
import { TerminalError } from '../../errors.ts'
import { extensionFailed, operationFailed } from '../azure-terminal.ts'
import type { PollDelay } from '../poll-delay.ts'
import { done, waiting, type Step, type StepContext, type StepResult } from '../step.ts'
import { takeReading } from './take-reading.ts'

/** What following an operation needs. */
export interface ProvisionDependencies {
  extensions: Pick<Extensions, 'read' | 'readOperation'>
  pollDelay: PollDelay
}

/**
 * Follows Azure's operation to its end, or the extension's own state where the operation cannot be read (any more).
 * Safe to repeat: it only reads. A failed read says nothing about the operation.
 */
export function provision ({ extensions, pollDelay }: ProvisionDependencies): Step {
  return {
    name: 'provision',

    async run (context) {
      const wait = (retryAfterMs?: number) => waiting(context.now() + pollDelay(context.jobId, retryAfterMs))
      const reading = await takeReading(context, extensions)
      if (reading === undefined) return byExtension(context, await readExtension(context, extensions), wait)
      return byOperation(context, reading, wait)
    }
  }
}

function byOperation ({ record }: StepContext, { status, error, retryAfterMs }: OperationReading, wait: (retryAfterMs?: number) => StepResult): StepResult {
  if (status !== 'Unknown') record({ provisioningState: status })
  if (status === 'Succeeded') return done
  if (isTerminal(status)) throw operationFailed(error ?? { code: `Operation${status}`, message: `Azure ended the operation as ${status} and gave no reason.` })
  return wait(retryAfterMs)
}

function byExtension ({ record }: StepContext, actual: Extension | undefined, wait: () => StepResult): StepResult {
  if (actual === undefined) {
    throw new TerminalError('ExtensionChangedByOther', 'The extension is gone: someone deleted it while Azure was working on it.', {
      remediation: ['Send the request again if it is still wanted.'], retryable: true
    })
  }
  const { provisioningState } = actual
  record({ provisioningState })
  if (provisioningState === 'Succeeded') return done
  if (isTerminal(provisioningState)) throw extensionFailed(actual)
  return wait()
}

async function readExtension ({ request, checkpoint }: StepContext, extensions: ProvisionDependencies['extensions']): Promise<Extension | undefined> {
  const name = checkpoint.write?.extensionName ?? 'argocd'
  return await extensions.read(request.cluster, name, { correlationId: request.correlationId })
}
