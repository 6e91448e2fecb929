import type { Acceptance } from '../azure/extensions.ts'
import { AzureFailure, judgeFailure } from '../azure/errors.ts'
import type { Extension } from '../azure/extension.ts'
import { TerminalError } from '../errors.ts'
import { azureTerminal } from './azure-terminal.ts'
import type { Before, WriteRecord } from './job.ts'
import { done, waiting, type StepContext, type StepResult } from './step.ts'

/** Reads what is there, so that writes can be decided on and recognised. */
type ReadExtension = () => Promise<Extension | undefined>

/** What to send: the record of the write, without what `writeOnce` fills in. */
export type PlannedWrite = Omit<WriteRecord, 'step' | 'intentAt' | 'before' | 'accepted' | 'operationUrl'>

/** What a reading says of an earlier intent: it took effect, it had none (so far), or someone else was there. */
export type Verdict = 'ours' | 'unchanged' | 'other'

/** One write to Azure, in the parts that differ between installing, updating and deleting. */
export interface OneWrite {
  step: string
  read: ReadExtension
  /** Whether what is there now shows the effect of the intent. */
  judge: (intent: WriteRecord, actual: Extension | undefined) => Verdict
  /** What to do with what is there: send a write, or what to return instead. */
  decide: (actual: Extension | undefined) => { write: PlannedWrite } | { instead: StepResult }
  /** Sends it, unless `sendBefore` (`performance.now()`) has passed by the time that it could leave. */
  send: (intent: WriteRecord, sendBefore: number) => Promise<Acceptance>
}

/** Times of the protocol, in milliseconds. */
export interface WriteTimes {
  /** An intent older than this has either taken effect or never will. */
  settleMs: number
  /** A write is only sent this soon after its intent was begun to be saved. */
  sendWithinMs: number
  /** Pause between two looks at a write whose fate is open. */
  lookAgainMs: number
}

/**
 * The times that follow from how long an intent takes to settle. 60 s is the longest that a write stays on its way, 5 s
 * the longest before it is sent; what the settle time (90 s unless configured) has beyond that is margin. A write is
 * never sent when its intent may already count as settled, however short that time is.
 */
export function writeTimesFor (settleMs: number): WriteTimes {
  return { settleMs, sendWithinMs: Math.min(5_000, settleMs / 3), lookAgainMs: settleMs / 9 }
}

/**
 * Makes at most one effective write, whatever dies and whenever (README, "At most one write"):
 * read → save the intent → send once → save the operation URL. A later run that finds an intent without an answer sends
 * nothing until the intent has settled, and then only if what is there is what was there before.
 */
export async function writeOnce (context: StepContext, times: WriteTimes, one: OneWrite, busyDelay: (retryAfterMs?: number) => number): Promise<StepResult> {
  const earlier = context.checkpoint.write
  if (earlier?.step === one.step && earlier.accepted) return done

  const actual = await one.read()
  if (earlier?.step === one.step) {
    const settled = settle(context, one, earlier, actual)
    if (settled) return settled
    const settlesAt = earlier.intentAt + times.settleMs
    if (context.now() < settlesAt) return waiting(Math.min(settlesAt, context.now() + times.lookAgainMs))
  }

  const decision = one.decide(actual)
  if ('instead' in decision) {
    context.record({ write: undefined })
    return decision.instead
  }
  return await send(context, times, one, { ...decision.write, step: one.step, intentAt: context.now(), before: beforeOf(actual) }, busyDelay)
}

/** What is compared to tell whether a write took effect. */
export function beforeOf (actual: Extension | undefined): Before {
  if (actual === undefined) return { exists: false }
  const { createdAt, lastModifiedAt, provisioningState } = actual
  return { exists: true, provisioningState, ...(createdAt !== undefined && { createdAt }), ...(lastModifiedAt !== undefined && { lastModifiedAt }) }
}

/** Whether the extension is exactly as it was. */
export function isUnchanged (before: Before, actual: Extension | undefined): boolean {
  const now = beforeOf(actual)
  return before.exists === now.exists && before.createdAt === now.createdAt &&
    before.lastModifiedAt === now.lastModifiedAt && before.provisioningState === now.provisioningState
}

async function send (context: StepContext, times: WriteTimes, one: OneWrite, intent: WriteRecord, busyDelay: (retryAfterMs?: number) => number): Promise<StepResult> {
  const sendBefore = performance.now() + times.sendWithinMs // monotonic: it goes on while the process is stopped
  context.record({ write: intent })
  await context.save()
  try {
    const acceptance = await one.send(intent, sendBefore)
    return await accepted(context, intent, acceptance)
  } catch (error) {
    if (!(error instanceof AzureFailure)) throw error
    return await refused(context, times, one, intent, judgeFailure(error), busyDelay)
  }
}

async function accepted (context: StepContext, intent: WriteRecord, acceptance: Acceptance): Promise<StepResult> {
  const { operationUrl, retryAfterMs } = acceptance
  context.record({ write: { ...intent, accepted: true, ...(operationUrl !== undefined && { operationUrl }) } })
  await context.save()
  // The SDK has polled once by itself. What failed there says nothing, but it counts: the next poll has time.
  const unknown = { status: 'Unknown', ...(retryAfterMs !== undefined && { retryAfterMs }) }
  if (operationUrl !== undefined) context.record({ firstReading: await acceptance.firstReading ?? unknown })
  return done
}

async function refused (context: StepContext, times: WriteTimes, one: OneWrite, intent: WriteRecord, failure: AzureFailure, busyDelay: (retryAfterMs?: number) => number): Promise<StepResult> {
  if (failure.kind === 'refused' || failure.kind === 'cluster-absent') throw azureTerminal(failure)
  context.record({ lastFailure: failureNote(context, failure) })

  if (failure.kind === 'unknown' || failure.kind === 'busy' || failure.kind === 'absent') {
    // A 409 or 404 can be the answer to our own earlier write, and a broken connection says nothing: what is there decides.
    const settled = settle(context, one, intent, await one.read())
    if (settled) return settled
    if (failure.kind === 'unknown') return waiting(Math.min(intent.intentAt + times.settleMs, context.now() + times.lookAgainMs))
  }
  return forget(context, context.now() + busyDelay(failure.retryAfterMs))
}

/** Ends the search for an open write's fate, if what is there tells it. */
function settle (context: StepContext, one: OneWrite, intent: WriteRecord, actual: Extension | undefined): StepResult | undefined {
  const verdict = one.judge(intent, actual)
  if (verdict === 'unchanged') return undefined
  if (verdict === 'other') {
    throw new TerminalError('ExtensionChangedByOther', 'Someone else changed the Argo CD extension while this job was writing it; what is there now is not what this job asked for.', {
      remediation: ['Read the extension and compare it with what you asked for.', 'Send the request again if it is still wanted.'],
      retryable: true
    })
  }
  context.record({
    write: { ...intent, accepted: true },
    ...(actual && { provisioningState: actual.provisioningState })
  })
  return done
}

/** Drops an intent that is known to have had no effect. */
function forget (context: StepContext, until: number): StepResult {
  context.record({ write: undefined })
  return waiting(until)
}

function failureNote ({ checkpoint, now }: StepContext, { facts }: AzureFailure): NonNullable<StepContext['checkpoint']['lastFailure']> {
  return {
    at: now(),
    attempt: (checkpoint.lastFailure?.attempt ?? 0) + 1,
    code: facts.code ?? `Http${facts.httpStatus ?? 0}`,
    message: (facts.message ?? '').slice(0, 1000)
  }
}
