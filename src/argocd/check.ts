import type { Specification, SpecificationPatch } from '../schemas/specification.ts'
import { ownerOf } from './owned-settings.ts'

/** One thing a schema cannot say: where, and how to mend it. */
export interface Finding {
  /** JSON Pointer into the specification. */
  pointer: string
  detail: string
}

/** What is wrong with a specification, or with a patch by itself, beyond its schema. Empty when nothing is. */
export function checkSpecification ({ upgrade, settings }: Specification | SpecificationPatch): Finding[] {
  const findings: Finding[] = []
  if (upgrade?.version && upgrade.autoMinor === true) {
    findings.push({ pointer: '/upgrade/autoMinor', detail: 'Azure refuses a pinned version together with automatic upgrades: set autoMinor to false, or leave version out.' })
  }
  for (const [key, value] of Object.entries(settings ?? {})) {
    const owner = ownerOf(key)
    if (owner && value !== null) findings.push({ pointer: `/settings/${escapePointer(key)}`, detail: `This setting belongs to the field ${owner}: set that instead.` })
  }
  return findings
}

/** A key as a JSON Pointer segment (RFC 6901). */
export function escapePointer (key: string): string {
  return key.replaceAll('~', '~0').replaceAll('/', '~1')
}
