import type { Action } from '../schemas/job.ts'

/** What each action does, step by step. The steps are in `steps/`, one a file. */
export const workflows = {
  install: ['submit', 'provision', 'verify'],
  update: ['submit', 'provision', 'verify'],
  delete: ['submit-delete', 'confirm-gone']
} as const satisfies Record<Action, readonly string[]>

export type StepName = typeof workflows[Action][number]
