import { judgeFailure } from '../../azure/errors.ts'
import type { Extension } from '../../azure/extension.ts'
import type { Extensions } from '../../azure/extensions.ts'
import { extensionFailed, operationFailed } from '../azure-terminal.ts'
import type { Before } from '../job.ts'
import type { PollDelay } from '../poll-delay.ts'
import { waiting, type Finished, type Step, type StepContext } from '../step.ts'
import { takeReading } from './take-reading.ts'

/** What confirming a deletion needs. */
export interface ConfirmGoneDependencies {
  extensions: Pick<Extensions, 'read' | 'readOperation'>
  pollDelay: PollDelay
}

/**
 * Follows a deletion until ARM itself says 404. Safe to repeat: it only reads. An extension with another time of
 * creation is another one, made since.
 */
export function confirmGone ({ extensions, pollDelay }: ConfirmGoneDependencies): Step {
  return {
    name: 'confirm-gone',

    async run (context) {
      const { checkpoint, record, now, jobId } = context
      const write = checkpoint.write
      const wait = (retryAfterMs?: number) => waiting(now() + pollDelay(jobId, retryAfterMs))

      const reading = await takeReading(context, extensions)
      if (reading?.status === 'Failed' || reading?.status === 'Canceled') {
        throw operationFailed(reading.error ?? { code: `Operation${reading.status}`, message: `Azure ended the deletion as ${reading.status} and gave no reason.` })
      }
      if (reading !== undefined && reading.status !== 'Succeeded') {
        if (reading.status !== 'Unknown') record({ provisioningState: reading.status })
        return wait(reading.retryAfterMs)
      }

      const actual = await readUnlessClusterIsGone(context, extensions)
      if (actual === undefined || actual.createdAt !== write?.before.createdAt) return gone(context)
      record({ provisioningState: actual.provisioningState })
      if (hasFailed(actual, write?.before)) throw extensionFailed(actual)
      return wait()
    }
  }
}

async function readUnlessClusterIsGone ({ request, checkpoint }: StepContext, extensions: Pick<Extensions, 'read'>): Promise<Extension | undefined> {
  try {
    return await extensions.read(request.cluster, checkpoint.write?.extensionName ?? 'argocd', { correlationId: request.correlationId })
  } catch (error) {
    if (judgeFailure(error).kind === 'cluster-absent') return undefined // the cluster went, and its extension with it
    throw error
  }
}

function hasFailed ({ provisioningState, lastModifiedAt }: Extension, before: Before | undefined): boolean {
  // An extension that had failed before shows that state until the deletion begins.
  const stillAsBefore = before?.provisioningState === provisioningState && before.lastModifiedAt === lastModifiedAt
  return provisioningState === 'Failed' && !stillAsBefore
}

function gone ({ request }: StepContext): Finished {
  return {
    kind: 'finished',
    effect: 'deleted',
    notes: [
      request.force
        ? 'Azure has deleted the extension resource without waiting for the cluster: the Helm release and everything Argo CD deployed may still be there.'
        : 'Azure has deleted the extension. The cluster may go on cleaning up for a while.',
      'The Argo CD custom resource definitions, and Applications made with them, stay on the cluster.'
    ]
  }
}
