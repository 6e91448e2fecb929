import { createHash } from 'node:crypto'

/** Ids that the emulator starts with, so that examples and configuration need no look-up. */
export const defaultTenantId = '0a11ce00-7e4a-4b1d-9c0d-5119ba700001'
export const defaultSubscriptionId = '5f0c1a52-8a53-4a2e-9c0b-3f6f8f0f1a11'
export const defaultClient = {
  tenantId: defaultTenantId,
  clientId: '0a11ce00-c11e-4d00-9c0d-5119ba700002',
  clientSecret: 'slipway-emulator-secret'
} as const

/** The same GUID for the same text: what belongs to a resource stays the same each time it is read. */
export function guidOf (text: string): string {
  const hex = createHash('sha256').update(text.toLowerCase()).digest('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-9${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}
