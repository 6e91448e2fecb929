import { Type, type Static, type TSchema } from 'typebox'
import { storableText } from './text.ts'

/** A Helm path: anything but white space and the equals sign that ends it. */
const settingKey = '^[^\\s=\\u0000\\ud800-\\udfff]{1,512}$'

const text = (maxLength: number, options: object) => Type.String({ maxLength, ...options })

// Defaults stand in the descriptions: as keywords, the serialiser would write them into every answer that leaves them out.
const fields = {
  extensionName: text(53, {
    minLength: 1, pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$', examples: ['argocd'],
    description: 'Name of the extension resource, and of its Helm release. Fixed at creation. Default: argocd.'
  }),
  namespace: text(63, {
    minLength: 1, pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$', examples: ['argocd'],
    description: 'Kubernetes namespace that Argo CD is installed into. Fixed at creation. Default: argocd.'
  }),
  url: text(2048, {
    format: 'uri', pattern: '^https?://[^\\s]+$', examples: ['https://argocd.contoso.com'],
    description: 'Public base URL of the Argo CD UI, without the callback path. Sets `configs.cm.url`.'
  }),
  applicationNamespaces: Type.Array(text(253, {
    minLength: 1, pattern: '^[^,\\s"\'\\\\{}\\u0000\\ud800-\\udfff]+$', description: 'A namespace, or a glob such as `team-*`.'
  }), {
    maxItems: 100, uniqueItems: true, examples: [['team-a', 'team-b']],
    description: 'Namespaces besides its own in which Argo CD accepts Applications. Sets `configs.params.application\\.namespaces`.'
  }),
  settings: Type.Record(Type.String({ pattern: settingKey }), text(32_768, { pattern: storableText, description: 'The value, always as text.' }), {
    maxProperties: 500, additionalProperties: false, examples: [{ 'controller.replicas': '1' }],
    description: 'Further Helm paths of the chart with their values as text. A path that a typed field owns is refused.'
  })
}

const upgrade = {
  autoMinor: Type.Boolean({ description: 'Let Azure install new minor versions. Default: true when no version is given, else false.' }),
  version: text(64, { minLength: 1, pattern: '^[0-9A-Za-z][-+.0-9A-Za-z]*$', examples: ['1.0.0-preview'], description: 'Exact extension version to stay on; needs `autoMinor` false or left out, which then means false.' }),
  releaseTrain: text(64, { minLength: 1, pattern: '^[A-Za-z0-9][-A-Za-z0-9]*$', examples: ['Stable'], description: 'Release train. Default: none is sent and Azure takes `Stable`.' })
}

const replicas = (what: string) => Type.Integer({ format: 'int32', minimum: 1, maximum: 10, description: `Pods of the ${what}. Default: the chart's own (one).` })

const highAvailability = {
  enabled: Type.Boolean({ description: 'Run Redis as three replicas behind HAProxy: needs four schedulable nodes to survive upgrades. Sets `redis-ha.enabled`. Default: true.' }),
  serverReplicas: replicas('API server and UI'),
  repoServerReplicas: replicas('repo server'),
  applicationSetReplicas: replicas('ApplicationSet controller')
}

const closed = { additionalProperties: false } as const
const upgradeText = { description: 'Which version of the extension, and whether Azure moves it on.' }
const highAvailabilityText = { description: 'How many of each component run.' }
const optional = <T extends Record<string, TSchema>>(properties: T, text: { description: string }) =>
  Type.Partial(Type.Object(properties, closed), { ...closed, ...text })

/** What a caller wants installed. Every field may be left out; defaults are the ones documented on the fields. */
export const Specification = Type.Object({
  extensionName: Type.Optional(fields.extensionName),
  namespace: Type.Optional(fields.namespace),
  upgrade: Type.Optional(optional(upgrade, upgradeText)),
  highAvailability: Type.Optional(optional(highAvailability, highAvailabilityText)),
  applicationNamespaces: Type.Optional(fields.applicationNamespaces),
  url: Type.Optional(fields.url),
  settings: Type.Optional(fields.settings)
}, {
  ...closed,
  description: 'The Argo CD installation wanted.',
  examples: [{ highAvailability: { enabled: false }, applicationNamespaces: ['team-a'], url: 'https://argocd.contoso.com' }]
})

export type Specification = Static<typeof Specification>

/** `type: [x, null]` rather than a union: a validator then names the one thing that is wrong. */
const nullable = <T extends TSchema & { type: string }>(schema: T) =>
  Type.Unsafe<Static<T> | null>({ ...schema, type: [schema.type, 'null'] })

/** A JSON Merge Patch (RFC 7396) of a specification: `null` takes a field back to its default, what is left out stays. */
export const SpecificationPatch = Type.Object({
  extensionName: Type.Optional(fields.extensionName),
  namespace: Type.Optional(fields.namespace),
  upgrade: Type.Optional(nullable(Type.Object({
    autoMinor: Type.Optional(nullable(upgrade.autoMinor)),
    version: Type.Optional(nullable(upgrade.version)),
    releaseTrain: Type.Optional(nullable(upgrade.releaseTrain))
  }, { ...closed, ...upgradeText }))),
  highAvailability: Type.Optional(nullable(Type.Object({
    enabled: Type.Optional(nullable(highAvailability.enabled)),
    serverReplicas: Type.Optional(nullable(highAvailability.serverReplicas)),
    repoServerReplicas: Type.Optional(nullable(highAvailability.repoServerReplicas)),
    applicationSetReplicas: Type.Optional(nullable(highAvailability.applicationSetReplicas))
  }, { ...closed, ...highAvailabilityText }))),
  applicationNamespaces: Type.Optional(nullable(fields.applicationNamespaces)),
  url: Type.Optional(nullable(fields.url)),
  settings: Type.Optional(nullable(Type.Record(Type.String({ pattern: settingKey }),
    nullable(text(32_768, { pattern: storableText, description: 'The value, always as text; null removes the setting.' })), { maxProperties: 500, additionalProperties: false, description: 'Settings to change.' })))
}, { ...closed, minProperties: 1, description: 'Changes to the installation, as a JSON Merge Patch of the specification.', examples: [{ highAvailability: { enabled: true, serverReplicas: 2 }, url: null }] })

export type SpecificationPatch = Static<typeof SpecificationPatch>
