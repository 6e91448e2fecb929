import { expect, test } from 'vitest'
import { clusterId } from '../helpers/emulator.ts'
import { aks, arc, argocd, extensionsOf, sdkClient, startArm, type ArmAnswer, type ArmHarness } from './arm.ts'

const path = extensionsOf(aks, 'argocd')
const operationUrl = (answer: ArmAnswer) => String(answer.headers['azure-asyncoperation'])
const patchOf = (properties: Record<string, unknown>) => ({ properties })

/** An extension that is there and at rest. */
async function installed (arm: ArmHarness): Promise<void> {
  await arm.control.cluster(aks, { extensions: [{ name: 'argocd', properties: argocd.properties }] })
}

test('the Azure SDK creates, updates, reads, lists and deletes an extension', async () => {
  await using arm = await startArm({ defaults: { createSeconds: 0.05, updateSeconds: 0.05, deleteSeconds: 0.05, retryAfterSeconds: null } })
  await arm.control.cluster(aks)
  const { extensions } = sdkClient(arm.emulator, aks)
  const where = ['rg-team', 'Microsoft.ContainerService', 'managedClusters', 'aks-one'] as const
  const fast = { updateIntervalInMs: 10 }

  const created = await extensions.beginCreateAndWait(...where, 'argocd', argocd.properties, fast)
  const updated = await extensions.beginUpdateAndWait(...where, 'argocd', { configurationSettings: { more: 'yes' } }, fast)
  const listed = await Array.fromAsync(extensions.list(...where))
  await extensions.beginDeleteAndWait(...where, 'argocd', fast)

  expect(created).toMatchObject({ provisioningState: 'Succeeded', currentVersion: expect.any(String), configurationProtectedSettings: { 'configs.secret.token': '' } })
  expect(updated.configurationSettings).toEqual({ ...argocd.properties.configurationSettings, more: 'yes' })
  expect(listed.map(({ name }) => name)).toEqual(['argocd'])
  await expect(extensions.get(...where, 'argocd')).rejects.toMatchObject({ statusCode: 404, code: 'ResourceNotFound' })
  expect((await arm.control.ledger()).map(({ method, effect }) => [method, effect])).toEqual([['PUT', 'created'], ['PATCH', 'patched'], ['DELETE', 'deleted']])
})

test('a PUT answers 201 with a signed operation URL on the host that was asked, and the provider\'s own location', async () => {
  await using arm = await startArm()
  await arm.control.cluster(aks, { location: 'westus3' })

  const put = await arm.send('PUT', `${arm.emulator.url.replace('127.0.0.1', 'localhost')}${path}?api-version=2023-05-01`, argocd)

  expect(put.status).toBe(201)
  expect(operationUrl(put)).toMatch(/^https:\/\/localhost:\d+\/subscriptions\/.*\/Microsoft.ContainerService\/ManagedClusters\/aks-one\/.*\/extensions\/argocd\/operations\/[\da-f-]{36}\?api-version=2023-05-01&t=\d{18}&c=/)
  expect(operationUrl(put).length).toBeGreaterThan(3_000)
  expect(operationUrl(put).length).toBeLessThan(4_000)
  expect(put.headers.location).toBe(`https://westus3.rp.kubernetesconfiguration.azure.com${path.replace('managedClusters', 'ManagedClusters')}`)
  expect(put.headers['retry-after']).toBe('5')
})

test('the operation URL must come back byte for byte; only the case of its path is free', async () => {
  await using arm = await startArm()
  await arm.control.cluster(aks)
  const url = operationUrl(await arm.send('PUT', path, argocd))
  const [before, query] = url.split('?') as [string, string]
  const status = async (changed: string) => (await arm.send('GET', changed)).status

  expect(await status(url)).toBe(200)
  expect(await status(`${before.replace('ManagedClusters', 'managedclusters')}?${query}`)).toBe(200)
  for (const changed of [
    url.slice(0, -1), `${url}&forceDelete=true`, url.replace('api-version=2023-05-01', 'api-version=2022-11-01'), url.replace('&t=', '&T='), `${before}?api-version=2023-05-01`,
    `${before}?${query.split('&').reverse().join('&')}`
  ]) expect([changed, await status(changed)]).toEqual([changed, 403])
  expect(await status(url.replace('/extensions/argocd/', '/extensions/other/'))).toBe(404)
  expect(await status(url.replace(/operations\/[\da-f]{8}/, 'operations/00000000'))).toBe(404)
})

test('legacyOperationUrl makes it short, with api-Version and no signature', async () => {
  await using arm = await startArm()
  await arm.control.cluster(aks, { legacyOperationUrl: true })

  const url = operationUrl(await arm.send('PUT', path, argocd))

  expect(url).toMatch(/\/operations\/[\da-f-]{36}\?api-Version=2023-05-01$/)
  expect((await arm.send('GET', url)).body.status).toBe('Creating')
  expect((await arm.send('GET', `${url}&api-version=2023-05-01`)).status).toBe(403)
})

test('retryAfterSeconds sets the header on the write and on each poll until the end; null leaves it out', async () => {
  await using arm = await startArm()
  await arm.control.cluster(aks, { createSeconds: 10, retryAfterSeconds: 7 })
  await arm.control.cluster(arc, { retryAfterSeconds: null })

  const put = await arm.send('PUT', path, argocd)
  const running = await arm.send('GET', operationUrl(put))
  await arm.control.advance(10)
  const over = await arm.send('GET', operationUrl(put))
  const silent = await arm.send('PUT', extensionsOf(arc, 'argocd'), argocd)

  expect([put, running, over].map(({ headers }) => headers['retry-after'])).toEqual(['7', '7', undefined])
  expect([silent, await arm.send('GET', operationUrl(silent))].map(({ headers }) => headers['retry-after'])).toEqual([undefined, undefined])
})

test('protected values never come back: keys only, and hashes in the ledger', async () => {
  await using arm = await startArm()
  await arm.control.cluster(aks)

  const answers = [await arm.send('PUT', path, argocd), await arm.send('GET', path), await arm.send('GET', extensionsOf(aks))]
  const ledger = await arm.control.ledger()

  expect(answers[1]!.body.properties.configurationProtectedSettings).toEqual({ 'configs.secret.token': '' })
  expect(ledger[0]!.body).toMatchObject({ properties: { configurationProtectedSettings: { 'configs.secret.token': expect.stringMatching(/^sha256:[\da-f]{64}$/) } } })
  expect(JSON.stringify([answers.map(({ text }) => text), ledger, await arm.control.state(), await arm.control.requests()])).not.toContain('hush')
})

test('a failed operation is HTTP 200 with status Failed; the extension stays, Failed, with the reason', async () => {
  await using arm = await startArm()
  await arm.control.cluster(aks, { createSeconds: 5, outcome: 'Failed', error: { code: 'ExtensionOperationFailed', message: 'Helm installation failed: context deadline exceeded' } })
  const put = await arm.send('PUT', path, argocd)
  await arm.control.advance(5)

  const operation = await arm.send('GET', operationUrl(put))
  const extension = await arm.send('GET', path)

  expect(operation).toMatchObject({ status: 200, body: { status: 'Failed', error: { code: 'ExtensionOperationFailed', message: 'Helm installation failed: context deadline exceeded' } } })
  expect(extension.body.properties).toMatchObject({
    provisioningState: 'Failed', currentVersion: null,
    statuses: [{ code: 'InstallationFailed', displayStatus: null, level: 'Error', message: 'Helm installation failed: context deadline exceeded', time: null }]
  })
})

test('outcomes differ by operation; Canceled ends, Stuck does not', async () => {
  await using arm = await startArm()
  await arm.control.cluster(aks, { createSeconds: 1, updateSeconds: 1, outcomes: { create: 'Canceled', update: 'Stuck' } })

  await arm.send('PUT', path, argocd)
  await arm.control.advance(1)
  expect((await arm.send('GET', path)).body.properties.provisioningState).toBe('Canceled')

  const again = await arm.send('PUT', path, argocd)
  expect(again).toMatchObject({ status: 200, body: { properties: { provisioningState: 'Updating' } } })
  await arm.control.advance(1_000_000)
  expect((await arm.send('GET', operationUrl(again))).body.status).toBe('Updating')
})

test('a write while one is under way is a 409, each verb with its own words; nothing is changed', async () => {
  await using arm = await startArm()
  await arm.control.cluster(aks)
  await arm.send('PUT', path, argocd)

  expect(await arm.send('PATCH', path, patchOf({ releaseTrain: 'preview' }))).toMatchObject({
    status: 409, body: { error: { code: 'ExtensionPatchFailed', message: expect.stringContaining('(ProvisioningState of extension: Creating)') } }
  })
  expect(await arm.send('PUT', path, argocd)).toMatchObject({ status: 409, body: { error: { code: 'UpdateFailed' } } })
  expect(await arm.send('DELETE', path)).toMatchObject({ status: 409, body: { error: { code: 'UpdateFailed' } } })
  expect(await arm.control.ledger()).toHaveLength(1)
})

test('PATCH merges plain settings and replaces protected ones as a whole: 202', async () => {
  await using arm = await startArm()
  await installed(arm)

  const patch = await arm.send('PATCH', path, patchOf({ configurationSettings: { 'redis-ha.enabled': 'true' }, configurationProtectedSettings: { other: 'x' } }))

  expect(patch).toMatchObject({
    status: 202,
    headers: { 'azure-asyncoperation': expect.stringContaining('/operations/') },
    body: { properties: {
      provisioningState: 'Updating',
      configurationSettings: { 'redis-ha.enabled': 'true', 'configs.cm.url': 'https://cd.example' }
    } }
  })
  expect(patch.body.properties.configurationProtectedSettings).toEqual({ other: '' })
})

test('a PATCH that changes nothing is 200 without an operation, and no write', async () => {
  await using arm = await startArm()
  await installed(arm)
  const before = await arm.send('GET', path)

  const patch = await arm.send('PATCH', path, argocd)

  expect(patch.status).toBe(200)
  expect(patch.headers).not.toHaveProperty('azure-asyncoperation')
  expect(patch.body).toEqual(before.body)
  expect(await arm.control.ledger()).toEqual([])
})

test('a PUT over an extension replaces it: 200, settings that it leaves out are gone', async () => {
  await using arm = await startArm()
  await installed(arm)

  const put = await arm.send('PUT', path, patchOf({ extensionType: 'Microsoft.ArgoCD', configurationSettings: { only: 'this' } }))

  expect(put.status).toBe(200)
  expect(put.body.properties).toMatchObject({ provisioningState: 'Updating', extensionType: 'Microsoft.ArgoCD', releaseTrain: 'Stable', configurationSettings: { only: 'this' }, configurationProtectedSettings: {} })
})

test('az resource update may PUT back what it read, read-only fields and location included', async () => {
  await using arm = await startArm()
  await installed(arm)
  const { body } = await arm.send('GET', path)

  const put = await arm.send('PUT', path, { ...body, location: 'westeurope' })

  expect(put.status).toBe(200)
  expect(put.body).not.toHaveProperty('location')
  expect(put.body.properties.configurationSettings).toEqual(body.properties.configurationSettings)
})

test('DELETE is 202, then Deleting, then 404; its operation still answers Succeeded', async () => {
  await using arm = await startArm()
  await installed(arm)

  const removal = await arm.send('DELETE', path)
  const during = await arm.send('GET', path)
  await arm.control.advance(20)

  expect(removal).toMatchObject({ status: 202, text: '' })
  expect(during.body.properties.provisioningState).toBe('Deleting')
  expect(await arm.send('GET', path)).toMatchObject({ status: 404, body: { error: { code: 'ResourceNotFound', message: "Extension instance with name 'argocd' not found.", additionalInfo: [] } } })
  expect((await arm.send('GET', operationUrl(removal))).body.status).toBe('Succeeded')
  expect((await arm.send('DELETE', path)).status).toBe(204)
  expect((await arm.control.ledger()).map(({ effect }) => effect)).toEqual(['deleted'])
})

test('a failed DELETE leaves the extension, Failed', async () => {
  await using arm = await startArm()
  await arm.control.cluster(aks, { outcomes: { delete: 'Failed' }, extensions: [{ name: 'argocd' }] })

  await arm.send('DELETE', path)
  await arm.control.advance(20)

  expect((await arm.send('GET', path)).body.properties.provisioningState).toBe('Failed')
})

test('forceDelete is immediate, also while another operation is under way', async () => {
  await using arm = await startArm()
  await arm.control.cluster(aks)
  await arm.send('PUT', path, argocd)

  const forced = await arm.send('DELETE', `${path}?api-version=2023-05-01&forceDelete=true`)

  expect(forced).toMatchObject({ status: 200, body: { statusCode: 200, isSuccessStatusCode: true, requestMessage: null } })
  expect(forced.headers).not.toHaveProperty('azure-asyncoperation')
  expect((await arm.send('GET', extensionsOf(aks))).body).toEqual({ value: [], nextLink: null })
})

test('every effective write has a later lastModifiedAt, however fast they come; createdAt is new only for a new extension', async () => {
  await using arm = await startArm({ defaults: { createSeconds: 0, updateSeconds: 0, deleteSeconds: 0 } })
  await arm.control.cluster(aks)
  const times: Date[] = []
  for (let n = 0; n < 20; n++) {
    const { body } = await arm.send('PUT', path, patchOf({ extensionType: 'microsoft.argocd', configurationSettings: { n: String(n) } }))
    expect(body.systemData.lastModifiedAt).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}\+00:00$/)
    times.push(new Date(body.systemData.lastModifiedAt))
  }
  const { body: first } = await arm.send('GET', path)
  await arm.send('DELETE', path)
  const { body: second } = await arm.send('PUT', path, argocd)

  for (const [index, time] of times.slice(1).entries()) expect(time.getTime()).toBeGreaterThan(times[index]!.getTime()) // in the milliseconds that clients read
  expect(second.systemData.createdAt > first.systemData.createdAt).toBe(true)
})

test('a setting that the cluster is scripted to drop is accepted and not kept', async () => {
  await using arm = await startArm()
  await arm.control.cluster(aks, { dropSettings: ['configs.cm.url'] })

  const put = await arm.send('PUT', path, argocd)

  expect(put.body.properties.configurationSettings).toEqual({ 'redis-ha.enabled': 'false' })
})

test('scripted statuses show on an extension that Succeeded', async () => {
  await using arm = await startArm()
  await arm.control.cluster(aks, { statuses: [{ code: 'Unhealthy', level: 'Error', message: 'repo-server is not ready' }] })
  await arm.send('PUT', path, argocd)
  expect((await arm.send('GET', path)).body.properties.statuses).toEqual([])
  await arm.control.advance(20)

  expect((await arm.send('GET', path)).body.properties).toMatchObject({
    provisioningState: 'Succeeded', statuses: [{ code: 'Unhealthy', displayStatus: null, level: 'Error', message: 'repo-server is not ready', time: null }]
  })
})

test.each([
  ['a setting that is no string', patchOf({ extensionType: 'microsoft.argocd', configurationSettings: { a: true } }), 'InvalidRequestContent'],
  ['a protected setting that is no string', patchOf({ extensionType: 'microsoft.argocd', configurationProtectedSettings: { a: 1 } }), 'InvalidRequestContent'],
  ['no extension type', patchOf({}), 'InvalidRequestContent'],
  ['a version while minor versions upgrade themselves', patchOf({ extensionType: 'microsoft.argocd', version: '1.0.0', autoUpgradeMinorVersion: true }), 'ExtensionAutoUpgradeCannotBeEnabled'],
  ['an extension type that is not there', patchOf({ extensionType: 'contoso.none' }), 'ExtensionTypeRegistrationGetFailed'],
  ['broken JSON', '{"properties":', 'InvalidRequestContent']
])('a PUT with %s is a 400 and writes nothing', async (_what, body, code) => {
  await using arm = await startArm()
  await arm.control.cluster(aks)

  expect(await arm.send('PUT', path, body)).toMatchObject({ status: 400, body: { error: { code } } })
  expect(await arm.control.ledger()).toEqual([])
})

test('newer api-versions have more fields, older ones one version field', async () => {
  await using arm = await startArm()
  await installed(arm)
  const properties = async (version: string) => (await arm.send('GET', `${path}?api-version=${version}`)).body.properties as Record<string, unknown>

  const [oldest, middle, newest] = [await properties('2022-03-01'), await properties('2023-05-01'), await properties('2025-03-01')]

  expect(oldest).toMatchObject({ version: middle['currentVersion'] })
  expect(oldest).not.toHaveProperty('currentVersion')
  expect(oldest).not.toHaveProperty('isSystemExtension')
  expect(middle).toMatchObject({ version: null, currentVersion: expect.any(String), isSystemExtension: false })
  expect(middle).not.toHaveProperty('autoUpgradeMode')
  expect(newest).toMatchObject({ autoUpgradeMode: 'compatible', managedBy: null })
})

test('an Arc-enabled cluster that is deleted takes its extensions along', async () => {
  await using arm = await startArm()
  await arm.control.cluster(arc, { extensions: [{ name: 'argocd' }] })

  await arm.send('DELETE', `${clusterId(arc)}?api-version=2021-10-01`)
  await arm.control.advance(20)

  expect(await arm.send('GET', extensionsOf(arc, 'argocd'))).toMatchObject({ status: 404, headers: { 'x-ms-failure-cause': 'gateway' } })
})

test('2,000 operations in flight are as quick to read as one', async () => {
  await using arm = await startArm()
  await arm.control.cluster(aks, { createSeconds: 3600 })
  const urls = await Promise.all(Array.from({ length: 2_000 }, async (_none, index) => operationUrl(await arm.send('PUT', extensionsOf(aks, `e${index}`), argocd))))

  const statuses = await Promise.all(urls.map(async url => (await arm.send('GET', url)).body.status))

  expect(new Set(statuses)).toEqual(new Set(['Creating']))
  expect((await arm.control.state()).operations).toEqual({ inFlight: 2_000, total: 2_000 })
}, 60_000)
