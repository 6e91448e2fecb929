import { Type, type Static } from 'typebox'
import { ClusterRef } from './cluster.ts'
import { actions, jobStatuses } from './job.ts'
import { Specification } from './specification.ts'

const closed = { additionalProperties: false } as const
const text = (maxLength: number, description: string, examples?: string[]) => Type.String({ maxLength, description, ...(examples && { examples }) })

/** A specification read from Azure: its settings may have been made by other tools, so their keys may be anything. */
const ReportedSpecification = Type.Object({
  ...Specification.properties,
  settings: Type.Optional(Type.Record(Type.String({ maxLength: 1024 }), Type.String({ maxLength: 65_536, description: 'The value.' }), { maxProperties: 2000, description: 'What no field of the specification expresses.' }))
}, { ...closed, description: 'The specification that gives what is installed.' })

/** The Argo CD extension of a cluster, as Azure reports it now. */
export const ExtensionView = Type.Object({
  id: text(2048, 'ARM id of the extension.'),
  name: text(256, 'Name of the extension.', ['argocd']),
  cluster: ClusterRef,
  provisioningState: text(64, 'Azure\'s word for its state.', ['Succeeded']),
  version: Type.Optional(text(256, 'Installed version.', ['1.0.0-preview'])),
  specification: ReportedSpecification,
  rawSettings: Type.Record(Type.String({ maxLength: 1024 }), Type.String({ maxLength: 65_536, description: 'The value.' }), { maxProperties: 2000, description: 'Every setting as Azure holds it.' }),
  protectedSettings: Type.Array(text(1024, 'A key.'), { maxItems: 2000, description: 'Keys of protected settings; Azure never shows their values.' }),
  statuses: Type.Array(Type.Object({
    code: Type.Optional(text(256, 'Azure\'s code.')),
    level: Type.Optional(text(64, 'Error, Warning or Information.')),
    message: Type.Optional(text(65_536, 'Azure\'s message.'))
  }, { ...closed, description: 'One status.' }), { maxItems: 100, description: 'What Azure reports besides its state.' }),
  createdAt: Type.Optional(text(64, 'When the extension was created, in Azure\'s spelling.')),
  lastModifiedAt: Type.Optional(text(64, 'When it was last changed, in Azure\'s spelling.')),
  activeJob: Type.Optional(Type.Object({
    id: text(128, 'Id of the job.'),
    url: Type.String({ format: 'uri', maxLength: 2048, description: 'Where to follow it.' }),
    action: Type.Enum([...actions], { type: 'string', description: 'What it does.' }),
    status: Type.Enum([...jobStatuses], { type: 'string', description: 'How it is.' })
  }, { ...closed, description: 'The job that is changing this extension now.' }))
}, {
  ...closed,
  description: 'The Argo CD extension of a cluster, as Azure reports it.',
  examples: [{
    id: '/subscriptions/5f0c1a52-8a53-4a2e-9c0b-3f6f8f0f1a11/resourceGroups/rg-platform/providers/Microsoft.ContainerService/managedClusters/aks-team-a/providers/Microsoft.KubernetesConfiguration/extensions/argocd',
    name: 'argocd',
    cluster: { subscriptionId: '5f0c1a52-8a53-4a2e-9c0b-3f6f8f0f1a11', resourceGroup: 'rg-platform', clusterType: 'managedClusters', clusterName: 'aks-team-a' },
    provisioningState: 'Succeeded',
    version: '1.0.0-preview',
    specification: { extensionName: 'argocd', namespace: 'argocd', upgrade: { autoMinor: true, releaseTrain: 'Stable' }, highAvailability: { enabled: false } },
    rawSettings: { 'redis-ha.enabled': 'false' },
    protectedSettings: [],
    statuses: []
  }]
})

export type ExtensionView = Static<typeof ExtensionView>
