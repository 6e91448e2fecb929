import type { Specification } from '../schemas/specification.ts'
import type { Compiled } from './compile.ts'
import { normalise, type NormalisedSpecification } from './normalise.ts'
import { ownedSettings } from './owned-settings.ts'

/**
 * What Azure holds → the specification that would give it: `decompile(compile(s))` equals `normalise(s)`.
 * A setting that no typed field can express stays in `settings`, also where a field owns its key.
 */
export function decompile ({ settings, ...extension }: Compiled): NormalisedSpecification {
  const specification: Specification = {
    extensionName: extension.extensionName.toLowerCase(), // ARM's names have no case; whoever made it may have written another
    namespace: extension.namespace,
    upgrade: {
      autoMinor: extension.autoUpgradeMinorVersion,
      ...(extension.version !== undefined && { version: extension.version }),
      ...(extension.releaseTrain !== undefined && { releaseTrain: extension.releaseTrain })
    }
  }
  const raw: [string, string][] = []
  for (const [key, value] of Object.entries(settings)) {
    const part = ownedSettings.find(setting => setting.key === key)?.read(value)
    if (part === undefined) raw.push([key, value])
    else Object.assign(specification, part, part.highAvailability && { highAvailability: { ...specification.highAvailability, ...part.highAvailability } })
  }
  return normalise({ ...specification, settings: Object.fromEntries(raw) })
}
