import { Agent } from 'node:https'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { emulatorToken } from '../helpers/emulator-token.ts'
import { clusterId, startEmulator, type ClusterRef, type StartedEmulator } from '../helpers/emulator.ts'
import { differences, type Leniency } from './compare.ts'
import { read, recorded, replay, type Exchange, type Outcome, type Run } from './replay.ts'

let emulator: StartedEmulator
let agent: Agent
let token: string

beforeAll(async () => {
  emulator = await startEmulator()
  agent = new Agent({ ca: emulator.caPem, keepAlive: true })
  token = await emulatorToken(emulator)
})
afterAll(async () => {
  agent.destroy()
  await emulator.close()
})
beforeEach(() => emulator.control.reset())

const drive = (exchanges: Exchange[], runs: Run[], secondsBefore?: (exchanges: Exchange[], index: number) => number) =>
  replay({ url: emulator.url, agent, token, control: emulator.control }, exchanges, runs, secondsBefore)

/** Two clusters that share no name with a recording, nor with each other. */
const clusters: (ClusterRef & { location: string, extension: string })[] = [
  { subscriptionId: '7c1f5a52-0a53-4a2e-9c0b-3f6f8f0f1a21', resourceGroup: 'rg-blue', clusterType: 'connectedClusters', clusterName: 'arc-blue', location: 'westeurope', extension: 'blue-ext' },
  { subscriptionId: '9d2f5a52-1a53-4a2e-9c0b-3f6f8f0f1a22', resourceGroup: 'Team.Green_2', clusterType: 'connectedClusters', clusterName: 'Green-1', location: 'swedencentral', extension: 'green' }
]

/** What the recorded Arc-enabled clusters had of their own; the rest of their bodies is for the emulator to compute. */
const arcFacts = { distribution: 'aks', infrastructure: 'azure' }

const noDifferences = (runs: Outcome[][]) => runs.map(run => run.map(() => []))
const found = (runs: Outcome[][]) => runs.map(run => run.map(outcome => outcome.differences))
const statuses = (run: Outcome[]) => run.filter(({ exchange }) => exchange.request.uri.includes('/operations/')).map(({ body }) => (body as { status: string }).status)

/** From the write to just before the poll that saw its end. */
function operationSeconds (exchanges: Exchange[]): number {
  const at = (exchange: Exchange | undefined) => Date.parse(exchange!.response.headers['date']!) / 1000
  const write = exchanges.find(({ request }) => request.method === 'PUT')
  const end = exchanges.find(({ response }) => (response.body as { status?: string } | null)?.status === 'Succeeded')
  return at(end) - at(write) - 10
}

describe.each([
  { file: 'rec_create_arc_lro_success_439s', recordedLocation: 'eastus2euap', recordedCertificate: '<scrubbed>', legacyOperationUrl: false as const, polls: 15 },
  { file: 'rec_create_arc_lro_success_284s_protected_settings_404', recordedLocation: 'eastus', recordedCertificate: 'abc123', legacyOperationUrl: 'signed' as const, polls: 10 }
])('$file', ({ file, recordedLocation, recordedCertificate, legacyOperationUrl, polls }) => {
  test('the emulator answers each exchange as recorded, on two clusters at once', async () => {
    const exchanges = recorded(file)
    for (const cluster of clusters) {
      await emulator.control.cluster(cluster, {
        createSeconds: operationSeconds(exchanges), legacyOperationUrl, location: cluster.location,
        properties: { ...arcFacts, agentPublicKeyCertificate: recordedCertificate }
      })
    }

    const outcomes = await drive(exchanges, clusters.map(cluster => ({ names: {
      '00000000-0000-0000-0000-000000000000': cluster.subscriptionId,
      'clitest.rg000001': cluster.resourceGroup,
      'my-connected-cluster': cluster.clusterName,
      'containerapp-ext': cluster.extension,
      [recordedLocation]: cluster.location
    } })))

    expect(found(outcomes)).toEqual(noDifferences(outcomes))
    for (const run of outcomes) expect(statuses(run)).toEqual([...Array<string>(polls - 1).fill('Creating'), 'Succeeded'])
  })
})

test('the emulator answers rec_k8s_extension_crud_forcedelete_2023-05-01 as recorded, on two clusters at once', async () => {
  const exchanges = recorded('rec_k8s_extension_crud_forcedelete_2023-05-01')
  for (const cluster of clusters) await emulator.control.cluster(cluster, { legacyOperationUrl: true, location: cluster.location })

  // The recorded dates are whole seconds; what happened within one of them: a list without the version, then a read that has it.
  const secondsBefore = (all: Exchange[], index: number) => all[index - 2]?.request.method === 'PUT' ? 1.1 : 0
  const outcomes = await drive(exchanges, clusters.map(cluster => ({
    names: {
      '00000000-0000-0000-0000-000000000000': cluster.subscriptionId,
      'azurecli-tests': cluster.resourceGroup,
      'arc-cluster': cluster.clusterName,
      'extensions/dapr': `extensions/${cluster.extension}`,
      '"name":"dapr"': `"name":"${cluster.extension}"`,
      'https://eastus.rp': `https://${cluster.location}.rp`
    },
    lenient: ofProvider
  })), secondsBefore)

  expect(found(outcomes)).toEqual(noDifferences(outcomes))
})

test('the emulator answers rec_connectedk8s_create_delete_2021-10-01 as recorded, on two clusters at once', async () => {
  const exchanges = recorded('rec_connectedk8s_create_delete_2021-10-01')

  const outcomes = await drive(exchanges, clusters.map(cluster => ({
    names: {
      '00000000-0000-0000-0000-000000000000': cluster.subscriptionId,
      conk8stest000001: cluster.resourceGroup,
      'cc-000003': cluster.clusterName,
      '/locations/EASTUS/': `/locations/${cluster.location.toUpperCase()}/`,
      '"location":"eastus"': `"location":"${cluster.location}"`
    },
    lenient: ofProvider
  })))

  expect(found(outcomes)).toEqual(noDifferences(outcomes))
  expect(outcomes.map(run => run.at(-1)!.body)).toMatchObject([{ status: 'Succeeded' }, { status: 'Succeeded' }])
  const { clusters: left } = await emulator.control.state()
  expect(left).toEqual([])
})

test('the emulator answers rec_extension_types_2023-05-01-preview in the recorded shapes', async () => {
  for (const cluster of clusters) await emulator.control.cluster(cluster, { location: cluster.location })

  const outcomes = await drive(recorded('rec_extension_types_2023-05-01-preview'), clusters.map(cluster => ({
    names: {
      '00000000-0000-0000-0000-000000000000': cluster.subscriptionId,
      'azurecli-tests': cluster.resourceGroup,
      'arc-cluster': cluster.clusterName,
      eastus2euap: cluster.location,
      'microsoft.contoso.samples': 'microsoft.apimanagement.gateway',
      '1.1.0': '2.8.0'
    },
    lenient: { variants: /^\.value$|\.supportedClusterTypes$/, free: /^\.properties\.(description|publisher|planInfo\.publisherId)$/ }
  })))

  expect(found(outcomes)).toEqual(noDifferences(outcomes))
})

test('GET of a managed cluster has no field that AKS does not have, each of the recorded kind', async () => {
  const { body } = read('rec_aks_managedcluster_get') as { body: Record<string, unknown> }
  const cluster: ClusterRef = { ...clusters[0]!, clusterType: 'managedClusters', clusterName: 'aks-blue' }
  await emulator.control.cluster(cluster, { location: 'westeurope' })
  const recording: Exchange = {
    request: { method: 'GET', uri: `https://management.azure.com${clusterId(cluster)}?api-version=2024-07-02-preview`, body: null },
    response: { status: 200, headers: {}, body }
  }

  const [[outcome] = []] = await drive([recording], [{ names: {} }])
  const actual = outcome!.body as Record<string, unknown>

  // The recorded cluster runs AKS Automatic, with add-ons that a plain one lacks.
  const plain: Leniency = { partial: /^\.properties(\.(securityProfile|agentPoolProfiles\[0\]|workloadAutoScalerProfile|controlPlanePluginProfiles))?$/, free: /./ }
  expect(differences(body, actual, plain)).toEqual([])
  const missing = Object.keys(body['properties'] as object).filter(key => !(key in (actual['properties'] as object)))
  expect(missing).toEqual(['addonProfiles', 'safeguardsProfile', 'ingressProfile', 'azureMonitorProfile'])
  expect(actual).toMatchObject({
    id: clusterId(cluster).replace('resourceGroups', 'resourcegroups'), // as AKS spells it
    type: body['type'],
    identity: { type: 'SystemAssigned' },
    properties: { provisioningState: 'Succeeded', powerState: { code: 'Running' }, servicePrincipalProfile: { clientId: 'msi' } }
  })
})

/** What a provider lists grows over the years. Its shape does not. */
const ofProvider: Leniency = { variants: /^\.(authorizations|resourceTypes(\[\d+\]\.(locations|apiVersions))?)$/ }

test.each(['rec_k8s_extension_crud_forcedelete_2023-05-01', 'rec_connectedk8s_create_delete_2021-10-01'])('the providers of %s are emulated with their kinds of resource', async file => {
  const exchanges = recorded(file).filter(({ request }) => /\/providers\/[\w.]+\?/.test(request.uri))
  const [run] = await drive(exchanges, [{ names: {}, lenient: ofProvider }])

  for (const { exchange, body } of run!) {
    const names = (provider: unknown) => (provider as { resourceTypes: { resourceType: string }[] }).resourceTypes.map(({ resourceType }) => resourceType)
    expect(names(exchange.response.body)).toEqual(expect.arrayContaining(names(body).filter(name => !/extensionTypes|^locations$/.test(name))))
  }
})
