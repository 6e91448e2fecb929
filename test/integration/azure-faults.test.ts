import { Agent } from 'node:https'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Job } from '../../src/schemas/job.ts'
import { extensionId, sendHttps, startEmulator, type StartedEmulator } from '../helpers/emulator.ts'
import { emulatorToken } from '../helpers/emulator-token.ts'
import { anyCluster, openQueue, type TestQueue, type Wanted } from '../helpers/jobs.ts'
import { slipwayEnv, startWorkerProcess, type SlipwayProcess } from '../helpers/slipway.ts'
import { describeEachStore } from '../helpers/stores.ts'

type Fault = Omit<Parameters<StartedEmulator['control']['fault']>[0], 'path'>
type Script = NonNullable<Parameters<StartedEmulator['control']['cluster']>[1]>

const install: Wanted = { action: 'install', specification: { url: 'https://argocd.test' } }
const update: Wanted = { action: 'update', patch: { highAvailability: { serverReplicas: 2 } } }
const remove: Wanted = { action: 'delete', force: false }
const settings = { 'redis-ha.enabled': 'true', 'configs.cm.url': 'https://argocd.test' }
const there: Script = { extensions: [{ name: 'argocd', properties: { configurationSettings: settings } }] }
const html = { headers: { 'content-type': 'text/html' }, body: '<html><head><title>400 Bad Request</title></head></html>' }

describeEachStore('Whatever Azure does', store => {
  let emulator: StartedEmulator
  let queue: TestQueue
  let worker: SlipwayProcess

  beforeAll(async () => {
    emulator = await startEmulator()
    queue = openQueue(store.url, store.namespace)
    worker = startWorkerProcess(slipwayEnv(emulator, store, { SLIPWAY_DEADLINE_MINUTES: '0.15', SLIPWAY_DELETE_DEADLINE_MINUTES: '0.15' }))
  })
  afterAll(async () => {
    await worker.stop()
    await queue[Symbol.asyncDispose]()
    await emulator.close()
  })

  /** Runs one job on a cluster of its own and answers how it ended and what was written. */
  async function run (wanted: Wanted, { script = {}, faults = [] }: { script?: Script, faults?: Fault[] } = {}): Promise<{ job: Job, writes: string[], writeBodies: unknown[] }> {
    const cluster = anyCluster()
    await emulator.control.cluster(cluster, { createSeconds: 0.4, updateSeconds: 0.4, deleteSeconds: 0.4, retryAfterSeconds: null, ...script })
    for (const fault of faults) await emulator.control.fault({ path: `${cluster.clusterName}.*${fault.method === undefined ? '/operations/' : ''}`, ...fault })
    const job = await queue.ended(await queue.submit(cluster, wanted))
    const ledger = (await emulator.control.ledger()).filter(({ id }) => id.includes(cluster.clusterName))
    return { job, writes: ledger.map(({ method, effect }) => `${method} ${effect}`), writeBodies: ledger.map(({ body }) => body) }
  }

  describe.concurrent('a write ends in exactly one effect', () => {
    test.each<[string, Wanted, Script, string]>([['PUT', install, {}, 'PUT created'], ['PATCH', update, there, 'PATCH patched'], ['DELETE', remove, there, 'DELETE deleted']])('%s, whatever its answer was', async (method, wanted, script, write) => {
      const answers: Fault[] = [
        { when: 'after', reset: true }, { when: 'before', reset: true }, { when: 'after', truncate: true }, { when: 'after', status: 500, body: {} }, { when: 'before', status: 503, body: {}, headers: { 'retry-after': '1' } },
        { when: 'before', status: 504, ...html }, { when: 'before', status: 408, body: {} }, { preset: 'html429' }, { when: 'before', status: 429, body: {}, headers: { 'retry-after': '1' } },
        { when: 'before', status: 409, body: { error: { code: 'UpdateFailed', message: 'Update failed for this resource, as there is a conflicting operation in progress. Please try after sometime.' } } },
        { when: 'before', status: 401, body: { error: { code: 'ExpiredAuthenticationToken', message: 'expired' } } }
      ]
      const ends = await Promise.all(answers.map(async answer => await run(wanted, { script, faults: [{ method: method as 'PUT', ...answer }] })))
      expect(ends.map(({ job, writes }) => [job.status, job.error?.code, writes])).toEqual(answers.map(() => ['Succeeded', undefined, [write]]))
    })

    test('a write that Azure refuses ends the job with its words, and nothing written', async () => {
      const { job, writes } = await run(install, { faults: [{ method: 'PUT', when: 'before', status: 403, body: { error: { code: 'AuthorizationFailed', message: 'may not' } } }] })
      expect(writes).toEqual([])
      expect(job).toMatchObject({ status: 'Failed', error: { code: 'AzureOperationFailed', azure: { code: 'AuthorizationFailed', message: 'may not', httpStatus: 403 }, remediation: [expect.stringContaining('identity')] } })
    })
  })

  describe.concurrent('a reading that fails never fails the job', () => {
    test('of the operation, in any way that it can fail', async () => {
      const failures: Fault[] = [
        { status: 500, body: {} }, { status: 429, body: {} }, { status: 401, body: {} }, { status: 403, ...html }, { status: 400, ...html }, { preset: 'html429' }, { status: 200, body: {} }, { status: 200, body: 'not json' },
        { status: 200, body: { status: 'SomethingNew' } }, { reset: true }, { truncate: true }, { preset: 'operation404', times: 100 }, { status: 404, body: {}, times: 100 }
      ]
      const ends = await Promise.all(failures.map(async failure => await run(install, { faults: [{ ...failure, nth: 2 }] })))
      expect(ends.map(({ job, writes }) => [job.status, job.error?.code, writes])).toEqual(failures.map(() => ['Succeeded', undefined, ['PUT created']]))
    })

    test('of the first reading that the SDK makes by itself', async () => {
      const { job, writes } = await run(install, { faults: [{ status: 500, body: {} }] })
      expect([job.status, writes]).toEqual(['Succeeded', ['PUT created']])
    })

    test('of the extension, where an answer that cannot be read is no absence', async () => {
      const broken: Fault[] = [{ status: 200, body: {} }, { status: 200, ...html }, { truncate: true }, { reset: true }, { status: 502, ...html }]
      const ends = await Promise.all(broken.map(async one => await run(remove, { script: there, faults: [{ method: 'GET', ...one }, { method: 'GET', nth: 3, ...one }] })))
      expect(ends.map(({ job, writes }) => [job.status, job.effect, writes])).toEqual(broken.map(() => ['Succeeded', 'deleted', ['DELETE deleted']]))
    })
  })

  test('an operation URL of any age is followed, and one on another host never gets our token', async () => {
    const scripts: Script[] = [{ legacyOperationUrl: true }, { legacyOperationUrl: 'signed' }, { retryAfterSeconds: 1 }]
    const ends = await Promise.all(scripts.map(async script => await run(install, { script })))
    expect(ends.map(({ job }) => job.status)).toEqual(['Succeeded', 'Succeeded', 'Succeeded'])
    const foreign = await run(install, { faults: [{ method: 'PUT', when: 'after', headers: { 'azure-asyncoperation': 'https://127.0.0.1:1/subscriptions/steal/operations/1' } }] })
    expect([foreign.job.status, foreign.writes]).toEqual(['Succeeded', ['PUT created']])
  })

  describe.concurrent('an operation that ends badly', () => {
    const error = { code: 'ExtensionOperationFailed', message: 'Helm installation failed' }
    test.each<[string, Wanted, Script]>([['install', install, {}], ['update', update, there], ['delete', remove, there]])('fails the %s with Azure\'s words', async (_name, wanted, script) => {
      const { job } = await run(wanted, { script: { ...script, outcome: 'Failed', error } })
      expect(job).toMatchObject({ status: 'Failed', error: { code: 'AzureOperationFailed', azure: { ...error, requestId: expect.any(String) } } })
    })

    test('as Canceled, or never, is told apart', async () => {
      const [canceled, stuck] = await Promise.all([run(install, { script: { outcome: 'Canceled' } }), run(install, { script: { outcome: 'Stuck' } })])
      expect(canceled.job).toMatchObject({ status: 'Failed', provisioningState: 'Canceled', error: { code: 'AzureOperationFailed' } })
      expect(stuck.job.error).toMatchObject({ code: 'DeadlineExceeded', retryable: true, message: expect.stringContaining('Azure may still be working') })
    })

    test('without an operation to ask, in the extension\'s own words', async () => {
      const { job } = await run(install, { script: { outcome: 'Failed', error }, faults: [{ preset: 'operation404', times: 100 }] })
      expect(job.error).toMatchObject({ code: 'AzureOperationFailed', azure: { code: 'InstallationFailed' } })
    })

    test('though Azure calls it a success', async () => {
      const [dropped, unhealthy] = await Promise.all([
        run(install, { script: { dropSettings: ['configs.cm.url'] } }),
        run(install, { script: { statuses: [{ code: 'Degraded', displayStatus: 'Degraded', level: 'Error', message: 'pods crash', time: null }] } })
      ])
      expect(dropped.job.error).toMatchObject({ code: 'SettingsNotApplied', message: expect.stringContaining('configs.cm.url') })
      expect(unhealthy.job.error).toMatchObject({ code: 'ExtensionUnhealthy', message: expect.stringContaining('pods crash') })
    })
  })

  describe.concurrent('what is there decides', () => {
    test('nothing is sent for what is so already, or absent already; a failed extension is written again', async () => {
      const [same, absent, failed] = await Promise.all([
        run(install, { script: there }), run(remove),
        run(install, { script: { extensions: [{ name: 'argocd', properties: { configurationSettings: settings, provisioningState: 'Failed' } }] } })
      ])
      expect([same.job.effect, same.writes, absent.job.effect, absent.writes, failed.job.effect, failed.writes]).toEqual(['unchanged', [], 'absent', [], 'replaced', ['PUT replaced']])
    })

    test('a patch carries only what changes; one that takes a setting away becomes a PUT', async () => {
      const [patch, put, trainOnly] = await Promise.all([
        run(update, { script: there }), run({ action: 'update', patch: { url: null, settings: { 'a.b': 'c' } } }, { script: there }), run({ action: 'update', patch: { upgrade: { releaseTrain: 'Preview' } } }, { script: there })
      ])
      expect([patch.job.azureVerb, put.job.azureVerb, trainOnly.job.azureVerb]).toEqual(['PATCH', 'PUT', 'PATCH'])
      expect(patch.writeBodies).toEqual([{ properties: { autoUpgradeMinorVersion: true, releaseTrain: 'Stable', configurationSettings: { 'server.replicas': '2' } } }])
      expect(put.writeBodies).toMatchObject([{ properties: { configurationSettings: { 'redis-ha.enabled': 'true', 'a.b': 'c' } } }])
      expect(trainOnly.writeBodies).toMatchObject([{ properties: { releaseTrain: 'Preview' } }])
    })

    test('a release train that is given up, and an extension whose name is written otherwise, are no obstacle', async () => {
      const [train, named, patched] = await Promise.all([
        run({ action: 'update', patch: { upgrade: { releaseTrain: null } } }, { script: { extensions: [{ name: 'argocd', properties: { configurationSettings: settings, releaseTrain: 'Preview' } }] } }),
        run({ action: 'install', specification: {} }, { script: { extensions: [{ name: 'ArgoCD', properties: { configurationSettings: settings } }] } }),
        run(update, { script: { extensions: [{ name: 'ArgoCD', properties: { configurationSettings: settings } }] } })
      ])
      expect([train.job.azureVerb, train.job.effect, named.job.effect, patched.job.effect]).toEqual(['PUT', 'replaced', 'replaced', 'patched'])
      expect(train.writeBodies[0]).not.toHaveProperty('properties.releaseTrain')
      expect(named.job.result?.extensionName).toBe('ArgoCD')
    })

    test.each<[string, Wanted, Script, string]>([
      ['another name', install, { extensions: [{ name: 'gitops', properties: { configurationSettings: settings } }] }, 'ExtensionNameMismatch'],
      ['another namespace', install, { extensions: [{ name: 'argocd', properties: { configurationSettings: settings, scope: { cluster: { releaseNamespace: 'gitops' } } } }] }, 'ImmutableField'],
      ['nothing to patch', update, {}, 'ExtensionNotFound'],
      ['protected settings that a patch would delete', update, { extensions: [{ name: 'argocd', properties: { configurationSettings: settings, configurationProtectedSettings: { secret: 'x' } } }] }, 'ProtectedSettingsRequired'],
      ['a version that the patch leaves pinned', { action: 'update', patch: { upgrade: { autoMinor: true } } }, { extensions: [{ name: 'argocd', properties: { configurationSettings: settings, version: '1.0.0', autoUpgradeMinorVersion: false } }] }, 'InvalidSpecification'],
      ['another state than If-Match allows', { ...install, ifMatch: ['"other"'] }, there, 'PreconditionFailed']
    ])('%s ends the job, and nothing is sent', async (_name, wanted, script, code) => {
      const { job, writes } = await run(wanted, { script })
      expect([job.status, job.error?.code, writes]).toEqual(['Failed', code, []])
      expect(job.error?.remediation).not.toEqual([])
    })

    test('a region that does not know the resource type ends the job', async () => {
      const { job, writes } = await run(install, { faults: [{ method: 'GET', status: 404, body: { error: { code: 'InvalidResourceType', message: 'The resource type could not be found.' } } }] })
      expect([job.error?.azure?.code, writes]).toEqual(['InvalidResourceType', []])
    })

    test('a cluster that Azure does not know ends the job', async () => {
      const job = await queue.ended(await queue.submit(anyCluster(), install))
      expect(job.error).toMatchObject({ code: 'ClusterNotFound', azure: { httpStatus: 404 } })
    })

    test('an operation of somebody else\'s is waited for; a forced deletion does not wait', async () => {
      const busy: Script = { extensions: [{ name: 'argocd', properties: { configurationSettings: settings, provisioningState: 'Updating' } }] }
      const cluster = anyCluster()
      await emulator.control.cluster(cluster, { ...busy, updateSeconds: 0.3 })
      const id = await queue.submit(cluster, { ...remove, force: false })
      const waiting = await queue.until(id, ({ notes }) => notes.length > 0)
      expect(waiting).toMatchObject({ status: 'Running', currentStep: 'submit-delete', notes: [expect.stringContaining('waits for it to end')] })
      const forced = await run({ action: 'delete', force: true }, { script: busy })
      expect([forced.job.effect, forced.writes, forced.job.notes.join(' ')]).toEqual(['deleted', ['DELETE deleted'], expect.stringContaining('may still be there')])
    })

    test('what somebody else wrote while our answer was lost is not taken for ours', async () => {
      const cluster = anyCluster()
      await emulator.control.cluster(cluster, { createSeconds: 0.2, retryAfterSeconds: null })
      const fault = await emulator.control.fault({ path: cluster.clusterName, method: 'PUT', when: 'before', hold: true, reset: true })
      const id = await queue.submit(cluster, install)
      await fault.fired(10)
      const written = await sendHttps(`${emulator.url}${extensionId(cluster, 'argocd')}?api-version=2023-05-01`, {
        method: 'PUT', agent: new Agent({ ca: emulator.caPem }), headers: { authorization: `Bearer ${await emulatorToken(emulator)}`, 'content-type': 'application/json' },
        body: JSON.stringify({ properties: { extensionType: 'Microsoft.ArgoCD', configurationSettings: { 'redis-ha.enabled': 'false' } } })
      })
      expect(written.status).toBe(201)
      await fault.release()
      const job = await queue.ended(id)
      expect(job.error).toMatchObject({ code: 'ExtensionChangedByOther', retryable: true })
    })
  })
})
