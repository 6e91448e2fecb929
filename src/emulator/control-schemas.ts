import { Type, type Static, type TSchema } from 'typebox'
import { Compile } from 'typebox/compile'
import { ArmError } from './answers.ts'
import { registrationStates } from './registrations.ts'
import { ExtensionStatus, scriptProperties } from './script.ts'

const closed = { additionalProperties: false }
const Settings = Type.Record(Type.String(), Type.String())
const Free = Type.Record(Type.String(), Type.Unknown())

/** An extension to put on a cluster, as if made by another hand. */
export const SeededExtension = Type.Object({
  name: Type.String({ minLength: 1 }),
  identity: Type.Optional(Type.Object({ type: Type.String() }, closed)),
  properties: Type.Optional(Type.Object({
    extensionType: Type.Optional(Type.String({ minLength: 1 })),
    autoUpgradeMinorVersion: Type.Optional(Type.Boolean()),
    autoUpgradeMode: Type.Optional(Type.String()),
    releaseTrain: Type.Optional(Type.String()),
    version: Type.Optional(Type.Union([Type.String(), Type.Null()])),
    currentVersion: Type.Optional(Type.Union([Type.String(), Type.Null()])),
    scope: Type.Optional(Free),
    provisioningState: Type.Optional(Type.Enum(['Succeeded', 'Failed', 'Canceled', 'Creating', 'Updating', 'Deleting'])),
    configurationSettings: Type.Optional(Settings),
    configurationProtectedSettings: Type.Optional(Settings),
    statuses: Type.Optional(Type.Array(ExtensionStatus))
  }, closed))
}, closed)

export type SeededExtension = Static<typeof SeededExtension>

/** A cluster to make, or to give another script. */
export const ClusterSpecification = Type.Object({
  ...scriptProperties,
  location: Type.Optional(Type.String({ minLength: 1 })),
  tags: Type.Optional(Settings),
  identity: Type.Optional(Type.Union([Free, Type.Null()])),
  properties: Type.Optional(Free),
  extensions: Type.Optional(Type.Array(SeededExtension))
}, closed)

export type ClusterSpecification = Static<typeof ClusterSpecification>

/** What to do to the n-th call that matches. */
export const FaultSpecification = Type.Object({
  preset: Type.Optional(Type.Enum(['html429', 'operation404'])),
  method: Type.Optional(Type.Enum(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'])),
  path: Type.Optional(Type.String({ minLength: 1 })),
  nth: Type.Optional(Type.Integer({ minimum: 1 })),
  times: Type.Optional(Type.Integer({ minimum: 1 })),
  when: Type.Optional(Type.Enum(['before', 'after'])),
  delayMs: Type.Optional(Type.Number({ minimum: 0, maximum: 600_000 })),
  hold: Type.Optional(Type.Boolean()),
  status: Type.Optional(Type.Integer({ minimum: 200, maximum: 599 })),
  headers: Type.Optional(Settings),
  body: Type.Optional(Type.Union([Type.String(), Free])),
  reset: Type.Optional(Type.Boolean()),
  truncate: Type.Optional(Type.Boolean())
}, closed)

export type FaultSpecification = Static<typeof FaultSpecification>

export const Advance = Type.Object({ seconds: Type.Number({ minimum: 0, maximum: 10_000_000 }) }, closed)

export const ProviderSpecification = Type.Object({
  registrationState: Type.Enum([...registrationStates]),
  registerSeconds: Type.Optional(Type.Number({ minimum: 0 }))
}, closed)

/** Makes a function that returns a value of the schema's type, or throws a 400 that says what is wrong with it. */
export function checker<Schema extends TSchema> (schema: Schema): (value: unknown) => Static<Schema> {
  const validator = Compile(schema)
  return value => {
    const [error] = validator.Errors(value)
    if (error === undefined) return value as Static<Schema> // it was just checked
    throw controlError(`${error.instancePath === '' ? 'The body' : error.instancePath} ${error.message === 'schema is false' ? 'is not a known property' : error.message}`)
  }
}

/** A control request that cannot be done. */
export function controlError (message: string, status = 400): ArmError {
  return new ArmError(status, { code: status === 404 ? 'NotFound' : 'InvalidControlRequest', message })
}

export const checkCluster = checker(ClusterSpecification)
export const checkAdvance = checker(Advance)
export const checkProvider = checker(ProviderSpecification)

const checkFaultShape = checker(FaultSpecification)

export function checkFault (value: unknown): FaultSpecification {
  const fault = checkFaultShape(value)
  if (fault.path === undefined && fault.preset !== 'operation404') throw controlError('/path must be given')
  try {
    RegExp(fault.path ?? '', 'i')
  } catch {
    throw controlError('/path must be a regular expression')
  }
  if (fault.truncate === true && fault.when === 'before' && fault.body === undefined) {
    throw controlError("/when must be 'after' with truncate: half an answer needs the whole one first")
  }
  return fault
}
