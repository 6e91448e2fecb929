import { isTerminal, type Extension } from '../../azure/extension.ts'
import type { Extensions } from '../../azure/extensions.ts'
import type { WriteRecord } from '../job.ts'
import type { PollDelay } from '../poll-delay.ts'
import { waiting, type Step, type StepContext, type StepResult } from '../step.ts'
import { writeOnce, type PlannedWrite, type Verdict, type WriteTimes } from '../write-once.ts'
import { checkPrecondition } from './submit.ts'

/** What deleting writes with. */
export interface SubmitDeleteDependencies {
  extensions: Pick<Extensions, 'find' | 'remove'>
  pollDelay: PollDelay
  writeTimes: WriteTimes
}

/**
 * Asks Azure to delete the extension. Safe to repeat: an extension that is gone, or another one in its place, means
 * that the earlier request took effect; the other one is never deleted.
 */
export function submitDelete ({ extensions, pollDelay, writeTimes }: SubmitDeleteDependencies): Step {
  return {
    name: 'submit-delete',

    async run (context) {
      const { request, jobId } = context
      const call = { correlationId: request.correlationId }
      const delay = (retryAfterMs?: number) => pollDelay(jobId, retryAfterMs)
      return await writeOnce(context, writeTimes, {
        step: 'submit-delete',
        read: () => extensions.find(request.cluster, call),
        judge,
        decide: actual => decide(context, actual, () => waiting(context.now() + delay())),
        send: ({ extensionName }, sendBefore) => extensions.remove(request.cluster, extensionName, request.force ?? false, { ...call, sendBefore })
      }, delay)
    }
  }
}

function judge ({ before }: WriteRecord, actual: Extension | undefined): Verdict {
  const isAnother = actual !== undefined && actual.createdAt !== before.createdAt
  return actual === undefined || isAnother || actual.provisioningState === 'Deleting' ? 'ours' : 'unchanged'
}

function decide ({ request, record }: StepContext, actual: Extension | undefined, wait: () => StepResult): { write: PlannedWrite } | { instead: StepResult } {
  checkPrecondition(request, actual)
  if (actual === undefined) return { instead: { kind: 'finished', effect: 'absent', notes: ['There was no Argo CD extension on this cluster.'] } }
  record({ provisioningState: actual.provisioningState })
  // A forced deletion is the way out of an operation that hangs: Azure takes it at any time.
  if (!isTerminal(actual.provisioningState) && !request.force) {
    record({ notes: ['Another operation is under way on the extension; this job waits for it to end.'] })
    return { instead: wait() }
  }
  record({ effect: 'deleted', notes: [] })
  return { write: { verb: 'DELETE', extensionName: actual.name } }
}
