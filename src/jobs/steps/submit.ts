import { applyPatch } from '../../argocd/merge-patch.ts'
import { changeBetween, holdsExactly } from '../../argocd/change.ts'
import { checkSpecification } from '../../argocd/check.ts'
import { compile, type Compiled } from '../../argocd/compile.ts'
import { decompile } from '../../argocd/decompile.ts'
import { isTerminal, type Extension } from '../../azure/extension.ts'
import type { Extensions } from '../../azure/extensions.ts'
import { TerminalError } from '../../errors.ts'
import { etagOf } from '../etag.ts'
import type { JobRequest, WriteRecord } from '../job.ts'
import type { PollDelay } from '../poll-delay.ts'
import { waiting, type Finished, type Step, type StepContext, type StepResult } from '../step.ts'
import { isUnchanged, writeOnce, type PlannedWrite, type Verdict, type WriteTimes } from '../write-once.ts'

/** What installing and updating write with. */
export interface SubmitDependencies {
  extensions: Pick<Extensions, 'find' | 'write'>
  pollDelay: PollDelay
  writeTimes: WriteTimes
}

/**
 * Sends what was asked for: a PUT for an install, the smallest sufficient verb for an update, nothing when it is
 * already so. Safe to repeat: an earlier write is recognised by what is there.
 */
export function submit ({ extensions, pollDelay, writeTimes }: SubmitDependencies): Step {
  return {
    name: 'submit',

    async run (context) {
      const { request, jobId } = context
      const call = { correlationId: request.correlationId }
      const delay = (retryAfterMs?: number) => pollDelay(jobId, retryAfterMs)
      return await writeOnce(context, writeTimes, {
        step: 'submit',
        read: () => extensions.find(request.cluster, call),
        judge,
        decide: actual => decide(context, actual, () => waiting(context.now() + delay())),
        send: (intent, sendBefore) => extensions.write(request.cluster, {
          verb: intent.verb === 'PATCH' ? 'PATCH' : 'PUT',
          name: intent.extensionName,
          compiled: intent.wanted ?? compile({}), // every write planned below has it
          set: intent.set ?? {}
        }, { ...call, sendBefore })
      }, delay)
    }
  }
}

function judge (intent: WriteRecord, actual: Extension | undefined): Verdict {
  if (isUnchanged(intent.before, actual)) return 'unchanged'
  return actual?.name === intent.extensionName && intent.wanted !== undefined && holdsExactly(actual.compiled, intent.wanted) ? 'ours' : 'other'
}

function decide ({ request, record }: StepContext, actual: Extension | undefined, wait: () => StepResult): { write: PlannedWrite } | { instead: StepResult } {
  checkPrecondition(request, actual)
  if (actual !== undefined && !isTerminal(actual.provisioningState)) {
    record({ provisioningState: actual.provisioningState, notes: ['Another operation is under way on the extension; this job waits for it to end.'] })
    return { instead: wait() }
  }
  record({ notes: [] })
  const plan = request.action === 'install' ? planInstall(request, actual) : planUpdate(request, actual)
  if ('kind' in plan) return { instead: plan }
  record({ effect: plan.verb === 'PATCH' ? 'patched' : actual === undefined ? 'created' : 'replaced' })
  return { write: plan }
}

function planInstall ({ specification = {} }: JobRequest, actual: Extension | undefined): PlannedWrite | Finished {
  if (actual === undefined) return put(compile(specification))
  const wanted = onto(actual, compile(specification))
  const same = changeBetween(actual.compiled, wanted).verb === 'none' && actual.protectedKeys.length === 0
  return same && actual.provisioningState === 'Succeeded' ? unchanged(actual) : put(wanted)
}

function planUpdate ({ patch = {} }: JobRequest, actual: Extension | undefined): PlannedWrite | Finished {
  if (actual === undefined) {
    throw new TerminalError('ExtensionNotFound', 'There is no Argo CD extension on this cluster to update.', { remediation: ['Install it first, with PUT.'] })
  }
  const merged = applyPatch(decompile(actual.compiled), patch)
  const [finding] = checkSpecification(merged.upgrade ? { upgrade: merged.upgrade } : {})
  if (finding) {
    throw new TerminalError('InvalidSpecification', `The patch does not fit what is installed: ${finding.pointer}: ${finding.detail}`, { remediation: ['Set the fields that contradict each other in the same patch.'] })
  }
  const wanted = onto(actual, compile(merged))
  const { verb, set } = changeBetween(actual.compiled, wanted)
  if (verb === 'none' && actual.provisioningState === 'Succeeded') return unchanged(actual)
  if (actual.protectedKeys.length > 0) {
    throw new TerminalError('ProtectedSettingsRequired', `The extension has protected settings (${actual.protectedKeys.join(', ')}). Azure deletes those that a change does not send again, and does not give their values.`, {
      remediation: ['Change the extension with a tool that sends the protected settings again.']
    })
  }
  return verb === 'put' ? put(wanted) : { verb: 'PATCH', extensionName: actual.name, wanted, set }
}

function put (wanted: Compiled): PlannedWrite {
  return { verb: 'PUT', extensionName: wanted.extensionName, wanted }
}

function unchanged (actual: Extension): Finished {
  return { kind: 'finished', effect: 'unchanged', result: resultOf(actual) }
}

/** What a caller gets to know of an extension that is installed. */
export function resultOf ({ id, name, currentVersion, compiled }: Extension): NonNullable<Finished['result']> {
  const url = compiled.settings['configs.cm.url']
  return {
    extensionId: id,
    extensionName: name,
    namespace: compiled.namespace,
    ...(currentVersion !== undefined && { version: currentVersion }),
    ...(url !== undefined && { url })
  }
}

/** What is wanted, under the name that the extension has. Throws for what Azure fixes at creation. */
function onto (actual: Extension, wanted: Compiled): Compiled {
  if (actual.name.toLowerCase() !== wanted.extensionName.toLowerCase()) {
    throw new TerminalError('ExtensionNameMismatch', `Argo CD is installed on this cluster as the extension "${actual.name}", not "${wanted.extensionName}".`, {
      remediation: [`Ask for extensionName "${actual.name}", or delete the extension first.`]
    })
  }
  if (actual.compiled.namespace !== wanted.namespace) {
    throw new TerminalError('ImmutableField', `Argo CD is installed in the namespace "${actual.compiled.namespace}"; Azure cannot move it to "${wanted.namespace}".`, {
      remediation: [`Ask for namespace "${actual.compiled.namespace}", or delete the extension and install it anew.`]
    })
  }
  return { ...wanted, extensionName: actual.name }
}

/** Fails when the caller allowed the write only for an extension that is not there (any more). */
export function checkPrecondition ({ ifMatch }: JobRequest, actual: Extension | undefined): void {
  if (ifMatch === undefined) return
  const met = actual !== undefined && (ifMatch.includes('*') || ifMatch.includes(etagOf(actual)))
  if (!met) {
    throw new TerminalError('PreconditionFailed', 'The extension changed between the request and the write; nothing was sent.', {
      remediation: ['Read the extension, decide again, and send the request with its new ETag.'], retryable: false
    })
  }
}
