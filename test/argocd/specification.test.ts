import fc from 'fast-check'
import { expect, test } from 'vitest'
import { changeBetween, holdsExactly } from '../../src/argocd/change.ts'
import { checkSpecification } from '../../src/argocd/check.ts'
import { compile, type Compiled } from '../../src/argocd/compile.ts'
import { decompile } from '../../src/argocd/decompile.ts'
import { applyPatch } from '../../src/argocd/merge-patch.ts'
import { normalise } from '../../src/argocd/normalise.ts'
import { Specification, SpecificationPatch } from '../../src/schemas/specification.ts'
import { arbitraryOf } from '../helpers/schema-arbitrary.ts'

const options = { seed: 20261124, numRuns: 500 }
const valid = (arbitraryOf(Specification) as fc.Arbitrary<Specification>).filter(specification => checkSpecification(specification).length === 0)
const patches = arbitraryOf(SpecificationPatch) as fc.Arbitrary<SpecificationPatch>

test('decompiling what was compiled gives the specification with its defaults written out, for every valid one', () => {
  const seen: Record<string, number> = {}
  fc.assert(fc.property(valid, specification => {
    for (const field of fieldsOf(specification)) seen[field] = (seen[field] ?? 0) + 1
    expect(decompile(compile(specification))).toEqual(normalise(specification))
  }), options)
  // A field that no sample sets would not have been tested.
  const fields = [...Object.keys(Specification.properties), ...['autoMinor', 'version', 'releaseTrain'].map(name => `upgrade.${name}`), ...['enabled', 'serverReplicas', 'repoServerReplicas', 'applicationSetReplicas'].map(name => `highAvailability.${name}`)]
  expect(fields.filter(field => (seen[field] ?? 0) < options.numRuns / 100)).toEqual([])
})

test('every compiled setting is text, and high availability is always said', () => {
  fc.assert(fc.property(valid, specification => {
    const { settings } = compile(specification)
    expect(Object.values(settings).every(value => typeof value === 'string')).toBe(true)
    expect(settings['redis-ha.enabled']).toMatch(/^(true|false)$/)
  }), options)
})

test('a setting of Azure\'s that no field can express stays a raw setting, also under a key that a field owns', () => {
  const { settings, highAvailability } = decompile(compiled({ 'redis-ha.enabled': 'yes', 'server.replicas': '0', 'configs.cm.url': 'nowhere', 'configs.params.application\\.namespaces': 'a, b', 'x.y': '1' }))
  expect(settings).toEqual({ 'redis-ha.enabled': 'yes', 'server.replicas': '0', 'configs.cm.url': 'nowhere', 'configs.params.application\\.namespaces': 'a, b', 'x.y': '1' })
  expect(highAvailability).toEqual({ enabled: true })
})

test('applying the change between two states to the first gives the second, by the smallest verb that can', () => {
  fc.assert(fc.property(valid, valid, (one, other) => {
    const [actual, wanted] = [compile(one), compile(other)]
    const { verb, set, removed } = changeBetween(actual, wanted)
    const after = { ...actual.settings, ...set }
    for (const key of removed) Reflect.deleteProperty(after, key)
    expect(after).toEqual(wanted.settings)
    if (removed.length > 0) expect(verb).toBe('put')
    if (verb === 'none') expect(holdsExactly(actual, wanted)).toBe(true)
  }), options)
})

test('a version or a train that goes away needs a PUT; a train that is left out is Stable', () => {
  expect(changeBetween(compiled({}, { version: '1.0.0', autoUpgradeMinorVersion: false }), compiled({}, { autoUpgradeMinorVersion: true })).verb).toBe('put')
  expect(changeBetween(compiled({}, { releaseTrain: 'Preview' }), compiled({})).verb).toBe('put')
  expect(changeBetween(compiled({}, { releaseTrain: 'stable' }), compiled({})).verb).toBe('none')
  expect(changeBetween(compiled({}), compiled({}, { releaseTrain: 'Preview' })).verb).toBe('patch')
})

test('a patch applied to a specification gives a specification, and changes neither', () => {
  fc.assert(fc.property(valid, patches, (specification, patch) => {
    const before = JSON.stringify([specification, patch])
    const merged = applyPatch(specification, patch)
    expect(JSON.stringify([specification, patch])).toBe(before)
    expect(JSON.stringify(merged)).not.toContain(':null')
  }), options)
})

// RFC 7396, appendix A, as far as the two sides are objects.
test.each<[object, object, object]>([
  [{ a: 'b' }, { a: 'c' }, { a: 'c' }], [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }], [{ a: 'b' }, { a: null }, {}], [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
  [{ a: ['b'] }, { a: 'c' }, { a: 'c' }], [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }], [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
  [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }], [{ e: null }, { a: 1 }, { e: null, a: 1 }], [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }]
])('merging %j with %j gives %j', (target, patch, result) => {
  expect(applyPatch(target, patch)).toEqual(result)
})

test('a raw value under the key of a field stays until a patch names the field, and goes then', () => {
  const actual = compiled({ 'redis-ha.enabled': 'False', 'server.replicas': '20', 'configs.cm.url': 'nowhere' })
  const patched = (patch: SpecificationPatch) => compile(applyPatch(decompile(actual), patch)).settings
  expect(patched({ applicationNamespaces: ['a'] })).toEqual({ ...actual.settings, 'configs.params.application\\.namespaces': 'a' })
  expect(patched({ url: null, highAvailability: { serverReplicas: null } })).toEqual({ 'redis-ha.enabled': 'False' })
  expect(patched({ highAvailability: null })).toEqual({ 'redis-ha.enabled': 'true', 'configs.cm.url': 'nowhere' })
  expect(checkSpecification({ settings: { 'server.replicas': null } })).toEqual([])
  expect(patched({ settings: { 'server.replicas': null } })).not.toHaveProperty('server.replicas')
})

test('a patch that pins a version ends automatic upgrades, unless it says something else of them', () => {
  const installed = decompile(compiled({}))
  expect(applyPatch(installed, { upgrade: { version: '1.0.0' } }).upgrade).toEqual({ version: '1.0.0', autoMinor: false })
  expect(applyPatch(installed, { upgrade: { version: '1.0.0', autoMinor: true } }).upgrade).toEqual({ version: '1.0.0', autoMinor: true })
})

test('names that every object has are settings like others', () => {
  const raw = JSON.parse('{"toString":"a","constructor":"b","__proto__":"c"}') as Record<string, string>
  expect(Object.entries(decompile(compiled(raw)).settings ?? {})).toEqual(Object.entries(raw))
  expect(changeBetween(compiled(raw), compiled({})).removed).toEqual(Object.keys(raw))
  expect(Object.keys(changeBetween(compiled({}), compiled(raw)).set)).toEqual(Object.keys(raw))
})

test('a raw setting that a field owns is refused with the field\'s name', () => {
  expect(checkSpecification({ settings: { 'redis-ha.enabled': 'true', 'controller.replicas': '1', 'configs.cm.url': 'x' } })).toEqual([
    { pointer: '/settings/redis-ha.enabled', detail: expect.stringContaining('/highAvailability/enabled') },
    { pointer: '/settings/configs.cm.url', detail: expect.stringContaining('/url') }
  ])
})

function compiled (settings: Record<string, string>, fields: Partial<Compiled> = {}): Compiled {
  return { extensionName: 'argocd', namespace: 'argocd', autoUpgradeMinorVersion: true, settings, ...fields }
}

function fieldsOf (value: object, prefix = ''): string[] {
  return Object.entries(value).flatMap(([name, item]) => [
    `${prefix}${name}`, ...(['upgrade', 'highAvailability'].includes(name) ? fieldsOf(item as object, `${name}.`) : [])
  ])
}
