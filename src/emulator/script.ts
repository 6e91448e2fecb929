import { Type, type Static } from 'typebox'

const Outcome = Type.Enum(['Succeeded', 'Failed', 'Canceled', 'Stuck'])

/** How an operation ends. `Stuck` never does. */
export type Outcome = Static<typeof Outcome>

const Seconds = Type.Number({ minimum: 0, maximum: 1_000_000 })

/** An entry of an extension's `statuses`. */
export const ExtensionStatus = Type.Object({
  code: Type.String(),
  displayStatus: Type.Optional(Type.Union([Type.String(), Type.Null()])),
  level: Type.Enum(['Error', 'Warning', 'Information']),
  message: Type.String(),
  time: Type.Optional(Type.Union([Type.String(), Type.Null()]))
}, { additionalProperties: false })

export type ExtensionStatus = Static<typeof ExtensionStatus>

/** How a cluster behaves; each property may be left out. */
export const scriptProperties = {
  createSeconds: Type.Optional(Seconds),
  updateSeconds: Type.Optional(Seconds),
  deleteSeconds: Type.Optional(Seconds),
  outcome: Type.Optional(Outcome),
  outcomes: Type.Optional(Type.Object({
    create: Type.Optional(Outcome), update: Type.Optional(Outcome), delete: Type.Optional(Outcome)
  }, { additionalProperties: false })),
  error: Type.Optional(Type.Object({ code: Type.String(), message: Type.String() }, { additionalProperties: false })),
  retryAfterSeconds: Type.Optional(Type.Union([Type.Integer({ minimum: 0 }), Type.Null()])),
  legacyOperationUrl: Type.Optional(Type.Union([Type.Boolean(), Type.Literal('signed')])),
  dropSettings: Type.Optional(Type.Array(Type.String())),
  statuses: Type.Optional(Type.Array(ExtensionStatus))
}

export const Script = Type.Object(scriptProperties, { additionalProperties: false })

export type Script = Static<typeof Script>

export type OperationKind = 'create' | 'update' | 'delete'

/** What a script says of one operation, defaults filled in. */
export interface OperationScript {
  seconds: number
  outcome: Outcome
  error: { code: string, message: string }
  retryAfterSeconds: number | null
  operationUrl: OperationUrlStyle
}

/** `signed` since 2024; `signedLegacy` the same with `api-Version`, late 2023; `legacy` short and unsigned, before. */
export type OperationUrlStyle = 'signed' | 'signedLegacy' | 'legacy'

const defaultSeconds = 20 // long enough to watch, short enough for a demonstration
const defaultRetryAfterSeconds = 5 // without the header, clients poll every 30 s

export function operationScript (script: Script, kind: OperationKind): OperationScript {
  const seconds = { create: script.createSeconds, update: script.updateSeconds, delete: script.deleteSeconds }[kind]
  return {
    seconds: seconds ?? defaultSeconds,
    outcome: script.outcomes?.[kind] ?? script.outcome ?? 'Succeeded',
    error: script.error ?? defaultError(kind),
    retryAfterSeconds: script.retryAfterSeconds === undefined ? defaultRetryAfterSeconds : script.retryAfterSeconds,
    operationUrl: script.legacyOperationUrl === true ? 'legacy' : script.legacyOperationUrl === 'signed' ? 'signedLegacy' : 'signed'
  }
}

function defaultError (kind: OperationKind): { code: string, message: string } {
  const [step, cause] = {
    create: ['Create', 'Helm installation failed :  : InnerError [release failed, and has been uninstalled due to atomic being set: context deadline exceeded]'],
    update: ['Update', 'Helm upgrade failed :  : InnerError [release failed, and has been rolled back due to atomic being set: context deadline exceeded]'],
    delete: ['Delete', 'Helm uninstallation failed :  : InnerError [timed out waiting for the condition]']
  }[kind]
  return {
    code: 'ExtensionOperationFailed',
    message: `The extension operation failed with the following error:  Error: [ InnerError: [${cause}]] occurred while doing the operation : [${step}] on the config, ` +
      'For general troubleshooting visit: https://aka.ms/k8s-extensions-TSG.'
  }
}
