import type { Specification } from '../schemas/specification.ts'

type Replicas = 'serverReplicas' | 'repoServerReplicas' | 'applicationSetReplicas'

/** One setting that a typed field owns: where it stands in the chart, and how its value is written and read. */
export interface OwnedSetting {
  /** Helm path as the extension takes it; a dot inside a name is escaped. */
  key: string
  /** JSON Pointer of the field in the specification. */
  field: string
  /** The value to send, or undefined when the field says nothing. */
  write: (specification: Specification) => string | undefined
  /** The part of a specification that gives exactly this value, or undefined when no field value does. */
  read: (value: string) => Specification | undefined
}

/**
 * Every typed field that becomes a setting. Paths are those of the community chart argo-cd, which the extension uses
 * since 1.0.0-preview (Microsoft's Argo CD extension documentation, 2026-09).
 */
export const ownedSettings: readonly OwnedSetting[] = [
  {
    key: 'redis-ha.enabled',
    field: '/highAvailability/enabled',
    write: ({ highAvailability }) => highAvailability?.enabled === undefined ? undefined : String(highAvailability.enabled),
    read: value => value === 'true' || value === 'false' ? { highAvailability: { enabled: value === 'true' } } : undefined
  },
  replicas('server.replicas', 'serverReplicas'),
  replicas('repoServer.replicas', 'repoServerReplicas'),
  replicas('applicationSet.replicas', 'applicationSetReplicas'),
  {
    key: 'configs.params.application\\.namespaces',
    field: '/applicationNamespaces',
    write: ({ applicationNamespaces }) => applicationNamespaces?.length ? applicationNamespaces.join(',') : undefined,
    read: value => {
      const namespaces = value.split(',')
      const writable = namespaces.every(name => /^[^,\s"'\\{}]{1,253}$/.test(name)) && new Set(namespaces).size === namespaces.length
      return writable && namespaces.length <= 100 ? { applicationNamespaces: namespaces } : undefined
    }
  },
  {
    key: 'configs.cm.url',
    field: '/url',
    write: ({ url }) => url,
    read: value => /^https?:\/\/[^\s]+$/.test(value) && value.length <= 2048 ? { url: value } : undefined
  }
]

/** The typed field that owns a raw key, as a JSON Pointer. */
export function ownerOf (key: string): string | undefined {
  return ownedSettings.find(setting => setting.key === key)?.field
}

function replicas (key: string, field: Replicas): OwnedSetting {
  return {
    key,
    field: `/highAvailability/${field}`,
    write: ({ highAvailability }) => highAvailability?.[field]?.toString(),
    read: value => /^([1-9]|10)$/.test(value) ? { highAvailability: { [field]: Number(value) } } : undefined
  }
}
