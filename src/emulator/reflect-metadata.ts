/**
 * What tsyringe, which @peculiar/x509 stands on, looks for on `Reflect` before it loads. Import it first.
 *
 * Only its registry of decorators reads this metadata, so a map per target is all that it needs.
 */
type Target = object
type ReflectMetadata = {
  defineMetadata?: (key: unknown, value: unknown, target: Target) => void
  getMetadata?: (key: unknown, target: Target) => unknown
  getOwnMetadata?: (key: unknown, target: Target) => unknown
}

const metadata = new WeakMap<Target, Map<unknown, unknown>>()
const reflect = Reflect as ReflectMetadata // the proposal's methods are not in the language

reflect.getOwnMetadata ??= (key, target) => metadata.get(target)?.get(key)

reflect.defineMetadata ??= (key, value, target) => {
  const known = metadata.get(target) ?? new Map<unknown, unknown>()
  metadata.set(target, known.set(key, value))
}

reflect.getMetadata ??= (key, target) => {
  for (let at: unknown = target; at instanceof Object; at = Object.getPrototypeOf(at)) {
    const own = metadata.get(at)
    if (own?.has(key)) return own.get(key)
  }
  return undefined
}
