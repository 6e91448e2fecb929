import fc, { type Arbitrary } from 'fast-check'

/** The parts of JSON Schema that our documents use. */
export interface Schema {
  $ref?: string
  type?: string | string[]
  enum?: unknown[]
  properties?: Record<string, Schema>
  patternProperties?: Record<string, Schema>
  required?: string[]
  items?: Schema
  format?: string
  pattern?: string
  minLength?: number
  maxLength?: number
  minimum?: number
  maximum?: number
  minItems?: number
  maxItems?: number
  uniqueItems?: boolean
  minProperties?: number
}

/** Values that fit a schema. Every optional field is there about half of the time. */
export function arbitraryOf (document: object): Arbitrary<unknown> {
  const schema = document as Schema // a TypeBox schema is JSON Schema, whatever its types say
  if (schema.enum) return fc.constantFrom(...schema.enum)
  if (Array.isArray(schema.type)) return fc.oneof(...schema.type.map(type => arbitraryOf({ ...schema, type })))
  switch (schema.type) {
    case 'null': return fc.constant(null)
    case 'boolean': return fc.boolean()
    case 'integer': return fc.integer({ min: schema.minimum ?? -1000, max: schema.maximum ?? 1000 })
    case 'string': return textOf(schema)
    case 'array': return arrayOf(schema)
    case 'object': return objectOf(schema)
    default: throw new Error(`no values for ${JSON.stringify(schema).slice(0, 200)}`)
  }
}

function textOf ({ pattern, format, minLength = 0, maxLength = 40 }: Schema): Arbitrary<string> {
  const fits = (text: string) => text.length >= minLength && text.length <= maxLength && (pattern === undefined || new RegExp(pattern, 'u').test(text))
  if (format === 'uuid') return fc.uuid()
  if (format === 'uri') return fc.webUrl({ withQueryParameters: true }).filter(fits)
  if (pattern === undefined || pattern.includes('ud800-\\udfff]*$')) return fc.string({ unit: 'grapheme', minLength, maxLength: Math.min(maxLength, 40) }).filter(fits)
  // fast-check makes texts of plain expressions; what a pattern forbids beyond that is filtered away.
  return fc.stringMatching(new RegExp(pattern.replaceAll('\\u0000\\ud800-\\udfff', ''))).map(text => text.slice(0, maxLength)).filter(fits)
}

function arrayOf ({ items = {}, minItems = 0, maxItems = 5, uniqueItems }: Schema): Arbitrary<unknown[]> {
  const size = { minLength: minItems, maxLength: Math.min(maxItems, 4) }
  return uniqueItems ? fc.uniqueArray(arbitraryOf(items), { ...size, selector: item => JSON.stringify(item) }) : fc.array(arbitraryOf(items), size)
}

function objectOf ({ properties = {}, patternProperties = {}, required = [], minProperties = 0 }: Schema): Arbitrary<object> {
  const named = fc.record(Object.fromEntries(Object.entries(properties).map(([name, schema]) => [name, arbitraryOf(schema)])), { requiredKeys: required })
  const [pattern] = Object.entries(patternProperties)
  const free = pattern ? fc.dictionary(textOf({ pattern: pattern[0], maxLength: 30 }).filter(key => key !== '__proto__'), arbitraryOf(pattern[1]), { maxKeys: 4 }) : fc.constant({})
  return fc.tuple(named, free).map(([one, other]) => ({ ...other, ...one })).filter(value => Object.keys(value).length >= minProperties)
}
