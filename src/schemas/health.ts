import { Type, type Static } from 'typebox'

/** Whether a process lives, or can do its work. */
export const Health = Type.Object({
  status: Type.Enum(['ok', 'unavailable'], { type: 'string', description: '`ok`, or `unavailable` with the reasons.' }),
  reasons: Type.Array(Type.String({ maxLength: 1024, description: 'One reason.' }), { maxItems: 20, description: 'Why it is unavailable.' })
}, { additionalProperties: false, description: 'State of the process.', examples: [{ status: 'ok', reasons: [] }] })

export type Health = Static<typeof Health>
