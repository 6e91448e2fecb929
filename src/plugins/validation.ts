import { Ajv2020 } from 'ajv/dist/2020.js'
import formats from 'ajv-formats'
import type { FastifyInstance, FastifySchemaCompiler } from 'fastify'
import fp from 'fastify-plugin'

/**
 * Validates strictly: a body is taken as it is, nothing is dropped, filled in or converted. Path, query and headers are
 * text by nature and are converted to what their schemas say.
 */
export const validation = fp(async (app: FastifyInstance) => {
  const validators = new Map<boolean, Ajv2020>()

  const compiler: FastifySchemaCompiler<object> = ({ schema, httpPart }) => {
    const coerce = httpPart !== 'body'
    const ajv = validators.get(coerce) ?? createValidator(coerce)
    validators.set(coerce, ajv)
    return ajv.compile(schema)
  }
  app.setValidatorCompiler(compiler)

  function createValidator (coerceTypes: boolean): Ajv2020 {
    const ajv = new Ajv2020({ coerceTypes, removeAdditional: false, useDefaults: false, allErrors: true, verbose: true, allowUnionTypes: true, strict: true })
    const addFormats = formats.default
    addFormats(ajv)
    for (const [id, schema] of Object.entries(app.getSchemas())) ajv.addSchema(schema as object, id)
    return ajv
  }
}, { name: 'validation' })
