import { expect, test } from 'vitest'
import { clusterId } from '../helpers/emulator.ts'
import { aks, arc, argocd, extensionsOf, startArm } from './arm.ts'

const subscription = `/subscriptions/${aks.subscriptionId}`

test('metadata/endpoints is one object with what az and azurerm read, without a token', async () => {
  await using arm = await startArm()

  const { status, body } = await arm.sendBare('GET', '/metadata/endpoints?api-version=2022-09-01')

  expect(status).toBe(200)
  expect(body).toMatchObject({
    name: expect.any(String), resourceManager: arm.emulator.url, microsoftGraphResourceId: expect.any(String),
    authentication: { loginEndpoint: arm.emulator.url, audiences: [arm.emulator.url] }, suffixes: { storage: expect.any(String) }
  })
})

test('subscriptions and resource groups are there for the clusters that were made', async () => {
  await using arm = await startArm()
  await arm.control.cluster(aks, { location: 'northeurope' })

  const subscriptions = await arm.send('GET', '/subscriptions?api-version=2022-12-01')
  const group = await arm.send('GET', `${subscription}/resourcegroups/RG-TEAM?api-version=2021-04-01`)
  const head = await arm.send('HEAD', `${subscription}/resourcegroups/rg-team?api-version=2021-04-01`)
  const absent = await arm.send('HEAD', `${subscription}/resourcegroups/rg-none?api-version=2021-04-01`)

  expect(subscriptions.body.value).toContainEqual(expect.objectContaining({
    id: subscription, subscriptionId: aks.subscriptionId, tenantId: arm.emulator.client.tenantId, displayName: expect.any(String), state: 'Enabled'
  }))
  expect(group.body).toMatchObject({ name: 'rg-team', location: 'northeurope' })
  expect([head.status, absent.status]).toEqual([204, 404])
  expect(await arm.send('GET', `${subscription}/resourcegroups/rg-none?api-version=2021-04-01`)).toMatchObject({ status: 404, body: { error: { code: 'ResourceGroupNotFound' } } })
})

test('a provider that is not registered refuses writes with 409 until its registration is through', async () => {
  await using arm = await startArm()
  await arm.control.cluster(aks)
  await arm.control.provider('microsoft.kubernetesconfiguration', 'NotRegistered', 30)
  const provider = `${subscription}/providers/Microsoft.KubernetesConfiguration`
  const state = async () => (await arm.send('GET', `${provider}?api-version=2021-04-01`)).body.registrationState

  const refused = await arm.send('PUT', extensionsOf(aks, 'argocd'), argocd)
  expect(refused).toMatchObject({ status: 409, body: { error: { code: 'MissingSubscriptionRegistration', details: [{ target: 'Microsoft.KubernetesConfiguration' }] } } })
  expect(await arm.control.ledger()).toEqual([])

  await arm.send('POST', `${provider}/register?api-version=2021-04-01`)
  expect(await state()).toBe('Registering')
  await arm.send('POST', `${provider}/register?api-version=2021-04-01`)
  await arm.control.advance(30)
  expect(await state()).toBe('Registered')
  expect((await arm.send('PUT', extensionsOf(aks, 'argocd'), argocd)).status).toBe(201)
  expect((await arm.control.ledger()).map(({ effect }) => effect)).toEqual(['registered', 'created'])
})

test('providers list the newest stable version that az resource then calls with', async () => {
  await using arm = await startArm()

  const { body } = await arm.send('GET', `${subscription}/providers?api-version=2021-04-01`)
  const kubernetes = body.value.find(({ namespace }: { namespace: string }) => namespace === 'Microsoft.KubernetesConfiguration')
  const extensions = kubernetes.resourceTypes.find(({ resourceType }: { resourceType: string }) => resourceType === 'extensions')

  expect(extensions).toMatchObject({ apiVersions: expect.arrayContaining(['2025-03-01', '2024-11-01', '2023-05-01']), defaultApiVersion: '2023-05-01', locations: expect.arrayContaining(['East US 2']) })
  expect(await arm.send('GET', `${subscription}/providers/Contoso.None?api-version=2021-04-01`)).toMatchObject({ status: 404, body: { error: { code: 'InvalidResourceNamespace' } } })
})

test.each([
  ['none', '', 'MissingApiVersionParameter'],
  ['a malformed one', '?api-version=latest', 'InvalidApiVersionParameter'],
  ['two, as a client sends that adds its own', '?api-Version=2023-05-01&api-version=2023-05-01', 'InvalidApiVersionParameter'],
  ['one that the type does not have', '?api-version=2019-01-01', 'NoRegisteredProviderFound']
])('an extension read with %s for an api-version is a 400 %s %s', async (_what, query, code) => {
  await using arm = await startArm()
  await arm.control.cluster(aks)

  const answer = await arm.send('GET', `${extensionsOf(aks)}${query === '' ? '?x=y' : query}`)

  expect(answer).toMatchObject({ status: 400, body: { error: { code } } })
})

test('an api-version newer than all that are listed can read, and cannot write', async () => {
  await using arm = await startArm()
  await arm.control.cluster(arc)

  expect((await arm.send('GET', `${clusterId(arc)}?api-version=2031-01-01`)).status).toBe(200)
  expect((await arm.send('PUT', `${extensionsOf(arc, 'argocd')}?api-version=2031-01-01`, argocd)).status).toBe(400)
  expect(await arm.send('GET', `${clusterId(arc)}/providers/Microsoft.KubernetesConfiguration/extensionTypes?api-version=2020-01-01`)).toMatchObject({ status: 404, body: { error: { code: 'InvalidResourceType' } } })
})

test('an absent cluster is the gateway\'s 404, whatever is asked of it', async () => {
  await using arm = await startArm()

  for (const path of [`${clusterId(arc)}?api-version=2021-10-01`, extensionsOf(arc), extensionsOf(arc, 'argocd')]) {
    const answer = await arm.send('GET', path)
    expect(answer).toMatchObject({ status: 404, headers: { 'x-ms-failure-cause': 'gateway' }, body: { error: { code: 'ResourceNotFound', message: expect.stringMatching(/^The Resource 'Microsoft.Kubernetes\/connectedClusters\/arc-one' under resource group 'rg-team' was not found\./) } } })
  }
})

test('names compare without case, and come back as they were given', async () => {
  await using arm = await startArm()
  await arm.control.cluster(aks, { extensions: [{ name: 'ArgoCD' }] })

  const cluster = await arm.send('GET', `${clusterId(aks).toUpperCase()}?api-version=2026-06-01`)
  const extension = await arm.send('GET', extensionsOf(aks, 'argocd').toLowerCase())

  expect(cluster.body).toMatchObject({ name: 'aks-one', id: expect.stringContaining('/resourcegroups/rg-team/') })
  expect(extension.body).toMatchObject({ name: 'ArgoCD', id: extensionsOf(aks, 'ArgoCD') })
})

test('cluster facts given to the control endpoint are merged over what is computed; null removes', async () => {
  await using arm = await startArm()
  await arm.control.cluster(aks, { identity: null, properties: { powerState: { code: 'Stopped' }, oidcIssuerProfile: null, servicePrincipalProfile: { clientId: '1' } } })
  await arm.control.cluster(arc, { properties: { connectivityStatus: 'Offline', oidcIssuerProfile: { enabled: true, issuerUrl: 'https://issuer.example/' } } })

  const managed = (await arm.send('GET', `${clusterId(aks)}?api-version=2024-09-01`)).body
  const connected = (await arm.send('GET', `${clusterId(arc)}?api-version=2024-07-15-preview`)).body
  const older = (await arm.send('GET', `${clusterId(arc)}?api-version=2024-01-01`)).body

  expect(managed).not.toHaveProperty('identity')
  expect(managed.properties).toMatchObject({ powerState: { code: 'Stopped' }, servicePrincipalProfile: { clientId: '1' } })
  expect(managed.properties).not.toHaveProperty('oidcIssuerProfile')
  expect(connected.properties).toMatchObject({ connectivityStatus: 'Offline', oidcIssuerProfile: { issuerUrl: 'https://issuer.example/' } })
  expect(older.properties).not.toHaveProperty('oidcIssuerProfile')
})

test('clusters are listed by subscription and by resource group, each kind on its own', async () => {
  await using arm = await startArm()
  await arm.control.cluster(aks)
  await arm.control.cluster({ ...aks, resourceGroup: 'rg-other', clusterName: 'aks-two' })
  await arm.control.cluster(arc)
  const names = async (path: string) => (await arm.send('GET', `${path}?api-version=2024-09-01`)).body.value.map(({ name }: { name: string }) => name)

  expect(await names(`${subscription}/providers/Microsoft.ContainerService/managedClusters`)).toEqual(['aks-one', 'aks-two'])
  expect(await names(`${subscription}/resourceGroups/RG-other/providers/microsoft.containerservice/managedclusters`)).toEqual(['aks-two'])
})

test('every answer of ARM carries ids to ask support about and what is left of the budget', async () => {
  await using arm = await startArm()
  await arm.control.cluster(aks)

  const { headers } = await arm.send('GET', extensionsOf(aks), undefined, { headers: { 'x-ms-client-request-id': 'mine', 'x-ms-return-client-request-id': 'true' } })

  expect(headers).toMatchObject({
    'x-ms-request-id': expect.any(String), 'x-ms-correlation-request-id': expect.any(String), 'x-ms-routing-request-id': expect.any(String),
    'x-ms-ratelimit-remaining-subscription-reads': expect.stringMatching(/^\d+$/), 'x-ms-client-request-id': 'mine'
  })
})

test('a path that ARM does not know is its 404', async () => {
  await using arm = await startArm()

  expect(await arm.send('GET', `${subscription}/resourceGroups/rg/providers/Contoso.None/things/x`)).toMatchObject({ status: 404, body: { error: { code: 'InvalidResourceNamespace' } } })
  expect(await arm.send('GET', '/nothing/here')).toMatchObject({ status: 404, body: { error: { code: 'MissingSubscription' } } })
})
