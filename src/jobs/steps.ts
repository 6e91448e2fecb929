import type { Extensions } from '../azure/extensions.ts'
import type { PollDelay } from './poll-delay.ts'
import type { Step } from './step.ts'
import { confirmGone } from './steps/confirm-gone.ts'
import { provision } from './steps/provision.ts'
import { submitDelete } from './steps/submit-delete.ts'
import { submit } from './steps/submit.ts'
import { verify } from './steps/verify.ts'
import type { StepName } from './workflows.ts'
import type { WriteTimes } from './write-once.ts'

/** What the steps work with. */
export interface StepDependencies {
  extensions: Extensions
  pollDelay: PollDelay
  writeTimes: WriteTimes
}

/** Every step by its name, ready to run. */
export function createSteps (dependencies: StepDependencies): Record<StepName, Step> {
  return {
    submit: submit(dependencies),
    provision: provision(dependencies),
    verify: verify(dependencies),
    'submit-delete': submitDelete(dependencies),
    'confirm-gone': confirmGone(dependencies)
  }
}
