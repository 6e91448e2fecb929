import { Type, type Static } from 'typebox'

/** The process lives, or can do its work; a process that cannot answers with a problem. */
export const Health = Type.Object({
  status: Type.Enum(['ok'], { type: 'string', description: 'Always `ok`.' })
}, { additionalProperties: false, description: 'State of the process.', examples: [{ status: 'ok' }] })

export type Health = Static<typeof Health>
