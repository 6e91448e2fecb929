import { badRequest, invalidContent } from './answers.ts'
import { isObject } from './call.ts'
import { findExtensionType } from './extension-type-catalogue.ts'
import type { DesiredExtension } from './extensions.ts'

type Properties = Record<string, unknown>

const defaultReleaseTrain = 'Stable'

/** What a PUT asks for, the provider's defaults filled in. Read-only and unknown fields are passed over, as ARM does. */
export function desiredByPut (body: Record<string, unknown>): DesiredExtension {
  const properties = propertiesOf(body)
  const extensionType = text(properties, 'extensionType')
  if (extensionType === undefined || extensionType === '') throw invalidContent("Required property 'extensionType' not found in JSON")
  const identity = body['identity']
  return checked({
    extensionType,
    autoUpgradeMinorVersion: flag(properties, 'autoUpgradeMinorVersion') ?? true,
    autoUpgradeMode: text(properties, 'autoUpgradeMode') ?? 'compatible',
    releaseTrain: text(properties, 'releaseTrain') ?? defaultReleaseTrain,
    version: text(properties, 'version') ?? null,
    scope: scopeOf(properties, extensionType),
    configurationSettings: settings(properties, 'configurationSettings') ?? {},
    configurationProtectedSettings: settings(properties, 'configurationProtectedSettings') ?? {},
    ...(isObject(identity) && typeof identity['type'] === 'string' && identity['type'] !== 'None' && { identity: { type: identity['type'] } }),
    ...(isObject(body['plan']) && { plan: body['plan'] })
  })
}

/** What a PATCH makes of an extension: plain settings are merged, protected ones replaced as a whole, the rest where given. */
export function desiredByPatch (body: Record<string, unknown>, current: DesiredExtension): DesiredExtension {
  const properties = propertiesOf(body)
  return checked({
    ...current,
    autoUpgradeMinorVersion: flag(properties, 'autoUpgradeMinorVersion') ?? current.autoUpgradeMinorVersion,
    autoUpgradeMode: text(properties, 'autoUpgradeMode') ?? current.autoUpgradeMode,
    releaseTrain: text(properties, 'releaseTrain') ?? current.releaseTrain,
    version: 'version' in properties ? text(properties, 'version') ?? null : current.version,
    configurationSettings: { ...current.configurationSettings, ...settings(properties, 'configurationSettings') },
    configurationProtectedSettings: settings(properties, 'configurationProtectedSettings') ?? current.configurationProtectedSettings
  })
}

function checked (desired: DesiredExtension): DesiredExtension {
  if (desired.version !== null && desired.autoUpgradeMinorVersion) {
    throw badRequest('ExtensionAutoUpgradeCannotBeEnabled',
      "AutoUpgradeMinorVersion cannot be set to true while a Version is given. To pin to a specific version, set AutoUpgradeMinorVersion to 'false'.")
  }
  return desired
}

function propertiesOf (body: Record<string, unknown>): Properties {
  const properties = body['properties'] ?? {}
  if (!isObject(properties)) throw invalidContent("Property 'properties' must be an object")
  return properties
}

function text (properties: Properties, name: string): string | undefined {
  const value = properties[name] ?? undefined
  if (value !== undefined && typeof value !== 'string') throw invalidContent(`Property '${name}' must be a string`)
  return value === '' ? undefined : value
}

function flag (properties: Properties, name: string): boolean | undefined {
  const value = properties[name] ?? undefined
  if (value !== undefined && typeof value !== 'boolean') throw invalidContent(`Property '${name}' must be a boolean`)
  return value
}

function settings (properties: Properties, name: string): Record<string, string> | undefined {
  const value = properties[name] ?? undefined
  if (value === undefined) return undefined
  if (!isObject(value)) throw invalidContent(`Property '${name}' must be an object`)
  for (const [key, setting] of Object.entries(value)) {
    if (typeof setting !== 'string') throw invalidContent(`Value of '${name}.${key}' must be a string`)
  }
  return value as Record<string, string> // each value was just checked
}

function scopeOf (properties: Properties, extensionType: string): Record<string, unknown> {
  const scope = isObject(properties['scope']) ? properties['scope'] : { cluster: {} }
  if (isObject(scope['namespace'])) return { namespace: { targetNamespace: text(scope['namespace'], 'targetNamespace') ?? 'default' } }
  const cluster = isObject(scope['cluster']) ? scope['cluster'] : {}
  const fallback = findExtensionType(extensionType)?.releaseNamespace ?? 'default'
  return { cluster: { releaseNamespace: text(cluster, 'releaseNamespace') ?? fallback } }
}
