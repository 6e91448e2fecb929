import type { Specification } from '../schemas/specification.ts'

/** A specification with every default that Slipway decides written out. Fields that stay Azure's to choose remain absent. */
export interface NormalisedSpecification extends Specification {
  extensionName: string
  namespace: string
  upgrade: { autoMinor: boolean, version?: string, releaseTrain?: string }
  highAvailability: { enabled: boolean, serverReplicas?: number, repoServerReplicas?: number, applicationSetReplicas?: number }
}

/** Makes defaults explicit and drops what says nothing (empty lists and maps). */
export function normalise (specification: Specification): NormalisedSpecification {
  const { extensionName = 'argocd', namespace = 'argocd', upgrade = {}, highAvailability = {}, applicationNamespaces = [], url, settings = {} } = specification
  return {
    extensionName,
    namespace,
    upgrade: { ...upgrade, autoMinor: upgrade.autoMinor ?? upgrade.version === undefined },
    // The extension switches high availability on when the key is missing, so the default is the same and always sent.
    highAvailability: { ...highAvailability, enabled: highAvailability.enabled ?? true },
    ...(applicationNamespaces.length > 0 && { applicationNamespaces }),
    ...(url !== undefined && { url }),
    ...(Object.keys(settings).length > 0 && { settings })
  }
}
