import { pino } from 'pino'
import { stringify } from 'yaml'
import { buildApp } from './app.ts'
import { version } from './version.ts'

/** The OpenAPI document of the routes as YAML: what `openapi/openapi.yaml` must hold, byte for byte. */
export async function renderOpenApi (): Promise<string> {
  // Rendering serves no request, so nothing of this is ever called.
  const unused = async (): Promise<never> => { throw new Error('no request is served while the document is rendered') }
  const app = await buildApp({
    jobs: { accept: unused, get: unused, activeOn: unused, list: unused, waitForChange: unused },
    extensions: { find: unused },
    readiness: unused,
    findCaller: undefined,
    publicUrl: 'https://slipway.example.com',
    cursorSecret: unused,
    version,
    docs: false,
    log: pino({ level: 'silent' })
  })
  const document: unknown = JSON.parse(JSON.stringify(app.swagger()))
  await app.close()
  return stringify(document, { lineWidth: 0, aliasDuplicateObjects: false })
}
