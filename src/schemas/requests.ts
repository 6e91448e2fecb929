import { Type, type Static } from 'typebox'
import { Correlation } from './job.ts'
import { Specification, SpecificationPatch } from './specification.ts'

/** Body of an install: the specification, and the caller's own references. */
export const InstallRequest = Type.Object({
  ...Specification.properties,
  correlation: Type.Optional(Correlation)
}, {
  additionalProperties: false,
  description: 'The Argo CD installation wanted. {} asks for every default.',
  examples: [{ highAvailability: { enabled: false }, applicationNamespaces: ['team-a'], url: 'https://argocd.contoso.com' }]
})

export type InstallRequest = Static<typeof InstallRequest>

/** Body of an update: the patch, and the caller's own references. */
export const UpdateRequest = Type.Object({
  ...SpecificationPatch.properties,
  correlation: Type.Optional(Correlation)
}, {
  additionalProperties: false,
  minProperties: 1,
  description: 'Changes to the installation, as a JSON Merge Patch of the specification.',
  examples: [{ highAvailability: { enabled: true, serverReplicas: 2 }, url: null }]
})

export type UpdateRequest = Static<typeof UpdateRequest>
