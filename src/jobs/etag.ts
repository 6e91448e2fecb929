import type { Extension } from '../azure/extension.ts'
import { hashOf } from './job.ts'

/** The entity tag of an extension: it changes with anything that Azure reports of it. */
export function etagOf (extension: Extension): string {
  return `"${hashOf(extension)}"`
}
