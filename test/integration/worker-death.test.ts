import { afterAll, beforeAll, expect, test, describe } from 'vitest'
import { isOver } from '../../src/jobs/job.ts'
import type { Job } from '../../src/schemas/job.ts'
import { startEmulator, type StartedEmulator } from '../helpers/emulator.ts'
import type { HaltAt } from '../helpers/halting-worker.ts'
import { anyCluster, openQueue, type Wanted } from '../helpers/jobs.ts'
import { slipwayEnv, startHaltingWorker, startWorkerProcess, type SlipwayProcess } from '../helpers/slipway.ts'
import { describeEachStore, uniqueNamespace, type TestStore } from '../helpers/stores.ts'

/** What a job is to do, and the one write that Azure may see of it. */
const changes: Record<string, { wanted: Wanted, isInstalled: boolean, write: string }> = {
  install: { wanted: { action: 'install', specification: { highAvailability: { enabled: false } } }, isInstalled: false, write: 'PUT created' },
  'update by PATCH': { wanted: { action: 'update', patch: { highAvailability: { serverReplicas: 2 } } }, isInstalled: true, write: 'PATCH patched' },
  'update by PUT': { wanted: { action: 'update', patch: { url: null } }, isInstalled: true, write: 'PUT replaced' },
  delete: { wanted: { action: 'delete', force: false }, isInstalled: true, write: 'DELETE deleted' }
}

let emulator: StartedEmulator
beforeAll(async () => { emulator = await startEmulator() })
afterAll(async () => { await emulator.close() })

describeEachStore('A worker that dies', store => {
  describe.concurrent.each(Object.keys(changes))('during %s', name => {
    // The answer that was not saved is adopted while Azure is still at work; the others find the operation ended.
    test.each<[HaltAt, number]>([['intent saved', 0.4], ['answer not saved', 5], ['outcome not saved', 0.4]])('killed with its %s, is followed by one that ends the job with one write', async (at, seconds) => {
      await using scene = await openScene(store, name, seconds)
      const first = scene.track(startHaltingWorker(scene.env, at))
      await scene.submit()
      await first.halted
      await first.kill()
      scene.track(startWorkerProcess(scene.env))
      await scene.expectOneWrite()
    })

    test.each([['over', 0.4], ['still running', 5]])('killed while Azure holds its answer, is followed by one that finds the operation %s and ends the job with one write', async (_state, seconds) => {
      await using scene = await openScene(store, name, seconds)
      const fault = await emulator.control.fault({ path: scene.cluster.clusterName, method: scene.method, when: 'after', hold: true })
      const first = scene.track(startWorkerProcess(scene.env))
      await scene.submit()
      await fault.fired(20)
      await first.kill()
      scene.track(startWorkerProcess(scene.env))
      await scene.expectOneWrite()
    })

    test('killed while the job waits, and away for longer than the operation lasts, is followed by one that ends it with one write', async () => {
      await using scene = await openScene(store, name, 600)
      const first = scene.track(startWorkerProcess(scene.env))
      await scene.submit()
      await scene.untilWaiting()
      await first.kill()
      await emulator.control.cluster(scene.cluster, { createSeconds: 0, updateSeconds: 0, deleteSeconds: 0 })
      await emulator.control.advance(700)
      scene.track(startWorkerProcess(scene.env))
      await scene.expectOneWrite()
    })

    test.each<[HaltAt]>([['intent saved'], ['answer not saved'], ['outcome not saved']])('stopped with its %s, and resumed after another took over, writes nothing more', async at => {
      await using scene = await openScene(store, name)
      const first = scene.track(startHaltingWorker(scene.env, at))
      await scene.submit()
      await first.halted
      first.child.kill('SIGSTOP')
      scene.track(startWorkerProcess(scene.env))
      await scene.until(job => isOver(job.status))
      first.child.kill('SIGCONT')
      await first.left
      expect(await first.stop()).toBe(0)
      await scene.expectOneWrite()
    })

    test('stopped while Azure holds its answer, and resumed with it after another took over, writes nothing more', async () => {
      await using scene = await openScene(store, name)
      const fault = await emulator.control.fault({ path: scene.cluster.clusterName, method: scene.method, when: 'after', hold: true })
      const first = scene.track(startWorkerProcess(scene.env))
      await scene.submit()
      await fault.fired(20)
      first.child.kill('SIGSTOP')
      scene.track(startWorkerProcess(scene.env))
      await scene.until(job => isOver(job.status))
      await fault.release()
      first.child.kill('SIGCONT')
      expect(await first.stop()).toBe(0)
      await scene.expectOneWrite()
    })

    test('stopped while the job waits, and resumed after another ended it, writes nothing more', async () => {
      await using scene = await openScene(store, name, 600)
      const first = scene.track(startWorkerProcess(scene.env))
      await scene.submit()
      await scene.untilWaiting()
      first.child.kill('SIGSTOP')
      scene.track(startWorkerProcess(scene.env))
      await emulator.control.advance(700)
      await scene.until(job => isOver(job.status))
      first.child.kill('SIGCONT')
      expect(await first.stop()).toBe(0)
      await scene.expectOneWrite()
    })

    test('stopped while its write is still on its way, is followed by one that waits for it, and writes nothing', async () => {
      await using scene = await openScene(store, name)
      const fault = await emulator.control.fault({ path: scene.cluster.clusterName, method: scene.method, when: 'before', hold: true })
      const first = scene.track(startWorkerProcess(scene.env))
      await scene.submit()
      await fault.fired(20)
      first.child.kill('SIGSTOP')
      scene.track(startWorkerProcess({ ...scene.env, SLIPWAY_SETTLE_SECONDS: '20' }))
      await scene.looks(2) // the second one has seen what is there, and could have sent
      await fault.release()
      await scene.until(job => isOver(job.status))
      first.child.kill('SIGCONT')
      expect(await first.stop()).toBe(0)
      await scene.expectOneWrite()
    })

    test('whose connection is reset after Azure took the write ends the job with one write', async () => {
      await using scene = await openScene(store, name)
      await emulator.control.fault({ path: scene.cluster.clusterName, method: scene.method, when: 'after', reset: true })
      scene.track(startWorkerProcess(scene.env))
      await scene.submit()
      await scene.expectOneWrite()
    })
  })
})

/** A cluster, a queue and workers of one test's own. */
async function openScene (testStore: TestStore, change: string, seconds = 0.4) {
  const { wanted, isInstalled, write } = changes[change]!
  const namespace = uniqueNamespace()
  const queue = openQueue(testStore.url, namespace)
  const cluster = anyCluster()
  await emulator.control.cluster(cluster, {
    createSeconds: seconds, updateSeconds: seconds, deleteSeconds: seconds, retryAfterSeconds: null,
    ...(isInstalled && { extensions: [{ name: 'argocd', properties: { configurationSettings: { 'redis-ha.enabled': 'false', 'configs.cm.url': 'https://argocd.test' } } }] })
  })
  const workers: SlipwayProcess[] = []
  let id = ''

  return {
    cluster,
    env: slipwayEnv(emulator, { url: testStore.url, namespace }),
    method: write.split(' ')[0] as 'PUT' | 'PATCH' | 'DELETE',

    track<T extends SlipwayProcess> (worker: T): T {
      workers.push(worker)
      return worker
    },

    async submit (): Promise<void> {
      id = await queue.submit(cluster, wanted)
    },

    /** Waits until workers have looked so many times what extensions there are. */
    async looks (times: number): Promise<void> {
      for (;;) {
        const looks = (await emulator.control.requests()).filter(({ method, path }) => method === 'GET' && path.includes(cluster.clusterName) && !path.includes('/extensions/'))
        if (looks.length >= times) return
        await new Promise(resolve => setTimeout(resolve, 50)) // the emulator's log is read, nothing rings for it
      }
    },

    async until (isThere: (job: Job) => boolean): Promise<Job> {
      return await queue.until(id, isThere)
    },

    /** Waits until the write is accepted and the job follows Azure's operation. */
    async untilWaiting (): Promise<void> {
      await queue.until(id, job => job.provisioningState !== undefined && job.currentStep !== undefined && !job.currentStep.startsWith('submit'))
    },

    async expectOneWrite (): Promise<void> {
      const job = await queue.ended(id)
      expect(job.error).toBeUndefined()
      expect([job.status, job.effect]).toEqual(['Succeeded', write.split(' ')[1]])
      const ledger = (await emulator.control.ledger()).filter(entry => entry.id.includes(cluster.clusterName))
      expect(ledger.map(({ method, effect }) => `${method} ${effect}`)).toEqual([write])
      // Azure refuses a second write while the first is at work, and takes one that changes nothing: none may even have been sent.
      const sent = (await emulator.control.requests()).filter(({ method, path }) => method === write.split(' ')[0] && path.includes(cluster.clusterName))
      expect(sent).toHaveLength(1)
    },

    async [Symbol.asyncDispose] () {
      await Promise.all(workers.map(async worker => { await worker.kill() }))
      await queue[Symbol.asyncDispose]()
    }
  }
}
