import { spawn } from 'node:child_process'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { Agent } from 'node:https'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { checkLoopback } from '../../src/emulator/control-routes.ts'
import { clusterId, createEmulatorControl, emulatorEnv, sendHttps, startEmulator } from '../helpers/emulator.ts'
import { aks, arc, argocd, extensionsOf, startArm } from './arm.ts'

const path = extensionsOf(aks, 'argocd')

test('PUT clusters makes a cluster with 201 and scripts it anew with 200, keeping what it has', async () => {
  await using arm = await startArm()
  const put = (body: unknown) => arm.sendBare('PUT', `/_emulator/clusters${clusterId(aks)}`, body)

  const made = await put({ createSeconds: 3, tags: { team: 'a' }, extensions: [{ name: 'argocd' }] })
  const scripted = await put({ outcome: 'Failed' })

  expect([made.status, scripted.status]).toEqual([201, 200])
  expect(scripted.body).toMatchObject({ id: clusterId(aks), script: { outcome: 'Failed' }, extensions: [{ name: 'argocd', provisioningState: 'Succeeded' }] })
  expect(scripted.body.script).not.toHaveProperty('createSeconds')
  expect((await arm.send('GET', `${clusterId(aks)}?api-version=2024-09-01`)).body.tags).toEqual({ team: 'a' })
})

test('a seeded extension is there as if made by another hand: no write in the ledger, in the state it was given', async () => {
  await using arm = await startArm()
  await arm.control.cluster(aks, { updateSeconds: 10, extensions: [
    { name: 'argocd', properties: { ...argocd.properties, provisioningState: 'Updating' } },
    { name: 'flux', properties: { extensionType: 'microsoft.flux', provisioningState: 'Failed', statuses: [{ code: 'InstallationFailed', level: 'Error', message: 'no' }] } },
    { name: 'pinned', properties: { version: '1.0.0', currentVersion: '0.0.9' } }
  ] })
  const read = async (name: string) => (await arm.send('GET', extensionsOf(aks, name))).body.properties

  expect(await read('argocd')).toMatchObject({ provisioningState: 'Updating', configurationSettings: argocd.properties.configurationSettings })
  expect(await read('flux')).toMatchObject({ provisioningState: 'Failed', statuses: [{ message: 'no', time: null }] })
  expect(await read('pinned')).toMatchObject({ extensionType: 'microsoft.argocd', version: '1.0.0', currentVersion: '0.0.9', autoUpgradeMinorVersion: false })
  await arm.control.advance(10)
  expect(await read('argocd')).toMatchObject({ provisioningState: 'Succeeded' })
  expect(await arm.control.ledger()).toEqual([])
})

test.each([
  ['PUT', `clusters${clusterId(aks)}`, { createSecond: 1 }, '/createSecond is not a known property'],
  ['PUT', `clusters${clusterId(aks)}`, { outcome: 'Exploded' }, '/outcome must be equal to one of the allowed values'],
  ['PUT', `clusters${clusterId(aks)}`, { extensions: [{ name: 'x', properties: { configurationSettings: { a: 1 } } }] }, '/extensions/0/properties/configurationSettings/a must be string'],
  ['PUT', 'clusters/subscriptions/s', {}, 'The path must end in the ARM id of a managedCluster or a connectedCluster'],
  ['PUT', `clusters${clusterId(aks)}`, '{', 'The body is not JSON'],
  ['POST', 'faults', { status: 500 }, '/path must be given'],
  ['POST', 'faults', { path: '(', status: 500 }, '/path must be a regular expression'],
  ['POST', 'faults', { path: 'x', when: 'before', truncate: true }, "/when must be 'after' with truncate: half an answer needs the whole one first"],
  ['POST', 'advance', { seconds: -1 }, '/seconds must be >= 0'],
  ['PUT', 'providers/Microsoft.Kubernetes', { registrationState: 'Maybe' }, '/registrationState must be equal to one of the allowed values'],
  ['GET', 'ledger?since=soon', undefined, 'since must be a number, zero or more']
])('%s %s with %j is a 400 that says what is wrong', async (method, where, body, message) => {
  await using arm = await startArm()

  expect(await arm.sendBare(method, `/_emulator/${where}`, body)).toMatchObject({ status: 400, body: { error: { code: 'InvalidControlRequest', message } } })
})

test('the ledger numbers every effective write from 1 and continues after a given one', async () => {
  await using arm = await startArm({ defaults: { createSeconds: 0, updateSeconds: 0 } })
  await arm.control.cluster(aks)
  await arm.send('PUT', path, argocd, { headers: { 'x-ms-client-request-id': 'first' } })
  await arm.send('PATCH', path, { properties: { configurationSettings: { b: 'c' } } })
  await arm.send('PATCH', path, { properties: { configurationSettings: { b: 'c' } } })
  await arm.send('DELETE', path)

  expect(await arm.control.ledger()).toMatchObject([
    { seq: 1, method: 'PUT', id: path, effect: 'created', clientRequestId: 'first', at: expect.stringMatching(/Z$/), body: { properties: { extensionType: 'microsoft.argocd' } } },
    { seq: 2, method: 'PATCH', effect: 'patched', clientRequestId: null, body: { properties: { configurationSettings: { b: 'c' } } } },
    { seq: 3, method: 'DELETE', effect: 'deleted', body: null }
  ])
  expect((await arm.control.ledger(2)).map(({ seq }) => seq)).toEqual([3])
})

test('requests lists what ARM was asked, without the secrets of operation URLs', async () => {
  await using arm = await startArm()
  await arm.control.cluster(aks)
  const put = await arm.send('PUT', path, argocd)
  await arm.send('GET', String(put.headers['azure-asyncoperation']))

  const requests = await arm.control.requests()

  expect(requests).toMatchObject([
    { seq: 1, method: 'PUT', path: `${path}?api-version=2023-05-01`, status: 201 },
    { seq: 2, method: 'GET', path: expect.stringMatching(/\/operations\/[\da-f-]{36}\?api-version=2023-05-01&t=\d{18}&c=&s=&h=$/), status: 200 }
  ])
  expect(await arm.control.requests(1)).toEqual(requests.slice(1))
})

test('reset forgets clusters, faults, clock and ledger, and lets go of held calls', async () => {
  await using arm = await startArm()
  await arm.control.cluster(aks)
  await arm.control.provider('Microsoft.Kubernetes', 'NotRegistered')
  await arm.control.advance(1_000_000)
  await arm.send('PUT', path, argocd)
  const group = `/subscriptions/${aks.subscriptionId}/resourceGroups/rg-made?api-version=2021-04-01`
  expect((await arm.send('PUT', group, { location: 'westeurope' })).status).toBe(201)
  const fault = await arm.control.fault({ path: 'extensions', hold: true })
  const held = arm.send('GET', path)
  await fault.fired()

  await arm.control.reset()

  expect((await held).status).toBe(404)
  const { now, ...rest } = await arm.control.state()
  expect(rest).toEqual({ clusters: [], operations: { inFlight: 0, total: 0 }, faults: [] })
  expect(Math.abs(Date.parse(now) - Date.now())).toBeLessThan(60_000)
  expect(await arm.control.ledger()).toEqual([])
  expect((await arm.send('GET', group)).status).toBe(404)
  expect((await arm.send('GET', `/subscriptions/${aks.subscriptionId}/providers/Microsoft.Kubernetes?api-version=2021-04-01`)).body.registrationState).toBe('Registered')
})

test('the control endpoint is for loopback peers', () => {
  for (const address of ['127.0.0.1', '::1', '::ffff:127.0.0.1']) expect(() => { checkLoopback(address) }).not.toThrow()
  for (const address of ['10.0.0.7', '::ffff:10.0.0.7', 'fe80::1', undefined]) expect(() => { checkLoopback(address) }).toThrow(/loopback/)
})

test('a peer that is not on loopback gets ARM, and a 403 from the control endpoint', async () => {
  await using emulator = await startEmulator()
  const agent = new Agent({ ca: emulator.caPem })
  // Not every machine has an address besides loopback: the socket is made to say that its peer has one.
  const pretend = (message: unknown) => { Object.defineProperty((message as { socket: Socket }).socket, 'remoteAddress', { value: '10.0.0.7' }) }
  subscribe('http.server.request.start', pretend)

  const control = await sendHttps(`${emulator.url}/_emulator/state`, { agent })
  const metadata = await sendHttps(`${emulator.url}/metadata/endpoints?api-version=2022-09-01`, { agent })

  expect([control.status, metadata.status]).toEqual([403, 200])
  unsubscribe('http.server.request.start', pretend)
  agent.destroy()
})

test('emulatorEnv names all that a Slipway process needs', async () => {
  await using emulator = await startEmulator()

  expect(emulatorEnv(emulator)).toEqual({
    SLIPWAY_ARM_ENDPOINT: emulator.url, AZURE_AUTHORITY_HOST: emulator.url, SLIPWAY_AZURE_CA_FILE: emulator.caFile, SLIPWAY_DISABLE_INSTANCE_DISCOVERY: 'true',
    AZURE_TENANT_ID: emulator.client.tenantId, AZURE_CLIENT_ID: emulator.client.clientId, AZURE_CLIENT_SECRET: emulator.client.clientSecret
  })
  expect(await readFile(emulator.caFile, 'utf8')).toBe(emulator.caPem)
})

test('npm run emulator starts it alone, says how to use it, and ends on SIGTERM', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-emulator-test-'))
  const caFile = join(folder, 'deep', 'ca.pem')
  const child = spawn(process.execPath, ['src/emulator.ts', '--port', '0', '--ca-file', caFile], { stdio: ['ignore', 'pipe', 'inherit'] })
  try {
    let printed = ''
    for await (const chunk of child.stdout) {
      printed += String(chunk)
      if (printed.includes('/_emulator/ledger')) break
    }
    const url = /https:\/\/127\.0\.0\.1:\d+/.exec(printed)![0]
    for (const name of ['SLIPWAY_ARM_ENDPOINT', 'AZURE_CLIENT_SECRET', 'NODE_EXTRA_CA_CERTS', 'REQUESTS_CA_BUNDLE', 'SSL_CERT_FILE', 'curl --cacert']) expect(printed).toContain(name)
    const control = createEmulatorControl(url, await readFile(caFile, 'utf8'))
    expect(await control.cluster(arc)).toMatchObject({ id: clusterId(arc) })

    child.kill('SIGTERM')
    expect(await once(child, 'exit')).toEqual([0, null])
    control.close()
  } finally {
    child.kill('SIGKILL')
    await rm(folder, { recursive: true, force: true })
  }
})
