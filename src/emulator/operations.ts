import { createHash, randomBytes, randomUUID } from 'node:crypto'
import type { ErrorBody } from './answers.ts'
import { stampOf, ticks, type Clock } from './clock.ts'
import type { OperationKind, OperationScript, OperationUrlStyle } from './script.ts'

export type TerminalState = 'Succeeded' | 'Failed' | 'Canceled'

/** A long-running operation. Its state follows from the clock alone, so any number of them costs nothing to run. */
export interface Operation {
  id: string
  kind: OperationKind
  /** What it works on, in the spelling that its URL has: re-cased. */
  resourceId: string
  startedAt: number
  /** Infinity when it is scripted to be stuck. */
  endsAt: number
  outcome: TerminalState
  error: ErrorBody
  apiVersion: string
  retryAfterSeconds: number | null
  url: { style: OperationUrlStyle, ticks: string }
}

/** The operations of all resources, finished ones included: their URLs go on answering after the resource is gone. */
export interface Operations {
  start: (kind: OperationKind, resourceId: string, apiVersion: string, script: OperationScript) => Operation
  find: (id: string) => Operation | undefined
  /** The query of the operation's URL, signature included: the only one that reads it. */
  search: (operation: Operation) => string
  isOver: (operation: Operation) => boolean
  count: () => { inFlight: number, total: number }
  reset: () => void
}

const runningStates = { create: 'Creating', update: 'Updating', delete: 'Deleting' } as const

export function createOperations (clock: Clock): Operations {
  const operations = new Map<string, Operation>()
  const key = randomBytes(32)
  const certificate = `MII${randomBytes(1_800).toString('base64url').slice(0, 2_392)}` // as long as the recorded ones, and as meaningless

  const isOver = (operation: Operation) => clock.now() >= operation.endsAt

  return {
    start (kind, resourceId, apiVersion, script) {
      const startedAt = clock.now()
      const operation: Operation = {
        id: randomUUID(), kind, resourceId, startedAt, apiVersion,
        endsAt: script.outcome === 'Stuck' ? Number.POSITIVE_INFINITY : startedAt + script.seconds * 1000,
        outcome: script.outcome === 'Stuck' ? 'Succeeded' : script.outcome,
        error: script.error,
        retryAfterSeconds: script.retryAfterSeconds,
        url: { style: script.operationUrl, ticks: ticks(stampOf(startedAt)) }
      }
      operations.set(operation.id, operation)
      return operation
    },

    find: id => operations.get(id.toLowerCase()),

    search ({ id, apiVersion, url }) {
      const version = `${url.style === 'signed' ? 'api-version' : 'api-Version'}=${apiVersion}`
      if (url.style === 'legacy') return version
      const signed = `${id}?${version}&t=${url.ticks}`
      const signature = createHash('shake256', { outputLength: 256 }).update(key).update(signed).digest('base64url')
      const hash = createHash('sha256').update(key).update(signed).digest('base64url')
      return `${version}&t=${url.ticks}&c=${certificate}&s=${signature}&h=${hash}`
    },

    isOver,

    count: () => ({
      inFlight: [...operations.values()].filter(operation => !isOver(operation)).length,
      total: operations.size
    }),

    reset: () => { operations.clear() }
  }
}

/** The operation's state in the words of a provisioning state. */
export function operationState (operation: Operation, over: boolean): TerminalState | 'Creating' | 'Updating' | 'Deleting' {
  return over ? operation.outcome : runningStates[operation.kind]
}
