import type { Compiled } from '../../argocd/compile.ts'
import { isTerminal, type Extension } from '../../azure/extension.ts'
import type { Extensions } from '../../azure/extensions.ts'
import { TerminalError } from '../../errors.ts'
import { extensionFailed } from '../azure-terminal.ts'
import type { PollDelay } from '../poll-delay.ts'
import { waiting, type Step } from '../step.ts'
import { resultOf } from './submit.ts'

/** What checking the end needs. */
export interface VerifyDependencies {
  extensions: Pick<Extensions, 'read'>
  pollDelay: PollDelay
}

/**
 * Reads the extension once and ends the job: Succeeded, without a status of level Error, and with every setting and
 * field as it was sent. Further settings are fine. Safe to repeat: it only reads.
 */
export function verify ({ extensions, pollDelay }: VerifyDependencies): Step {
  return {
    name: 'verify',

    async run ({ jobId, request, checkpoint, record, now }) {
      const { extensionName = 'argocd', wanted, set } = checkpoint.write ?? {}
      const actual = await extensions.read(request.cluster, extensionName, { correlationId: request.correlationId })
      if (actual === undefined) {
        throw new TerminalError('ExtensionChangedByOther', 'Azure reported success, and then the extension was gone: someone deleted it.', {
          remediation: ['Send the request again if it is still wanted.'], retryable: true
        })
      }
      record({ provisioningState: actual.provisioningState })
      if (!isTerminal(actual.provisioningState)) return waiting(now() + pollDelay(jobId))
      if (actual.provisioningState !== 'Succeeded') throw extensionFailed(actual)
      checkHealth(actual)
      checkSettings(actual, set ?? wanted?.settings ?? {})
      if (wanted) checkFields(actual, wanted)
      return { kind: 'finished', effect: checkpoint.effect ?? 'replaced', result: resultOf(actual) }
    }
  }
}

function checkHealth ({ statuses }: Extension): void {
  const bad = statuses.find(({ level }) => level?.toLowerCase() === 'error')
  if (!bad) return
  const azure = { ...(bad.code !== undefined && { code: bad.code }), ...(bad.message !== undefined && { message: bad.message }) }
  throw new TerminalError('ExtensionUnhealthy', `Azure reports success, but the extension shows an error: ${bad.message ?? bad.code ?? 'without a text'}`, {
    azure, remediation: ['Mend what Azure names, and send the request again.']
  })
}

function checkFields ({ compiled }: Extension, { version, releaseTrain, autoUpgradeMinorVersion }: Compiled): void {
  const missing = [
    ...(version !== undefined && compiled.version !== version ? ['version'] : []),
    ...(releaseTrain !== undefined && compiled.releaseTrain?.toLowerCase() !== releaseTrain.toLowerCase() ? ['releaseTrain'] : []),
    ...(compiled.autoUpgradeMinorVersion !== autoUpgradeMinorVersion ? ['autoUpgradeMinorVersion'] : [])
  ]
  if (missing.length > 0) throw notApplied(missing)
}

function checkSettings ({ compiled: { settings } }: Extension, sent: Record<string, string>): void {
  const missing = Object.keys(sent).filter(key => settings[key] !== sent[key])
  if (missing.length > 0) throw notApplied(missing)
}

function notApplied (missing: string[]): TerminalError {
  return new TerminalError('SettingsNotApplied', `Azure reports success, but these are not there as they were sent: ${missing.join(', ')}.`, {
    remediation: ['See whether someone else changed the extension meanwhile, and send the request again.'], retryable: true
  })
}
