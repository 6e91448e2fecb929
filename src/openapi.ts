import { writeFileSync } from 'node:fs'
import { renderOpenApi } from './openapi-document.ts'

writeFileSync(new URL('../openapi/openapi.yaml', import.meta.url), await renderOpenApi())
