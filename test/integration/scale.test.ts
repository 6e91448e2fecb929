import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ClusterRef } from '../../src/schemas/cluster.ts'
import { startEmulator, type StartedEmulator } from '../helpers/emulator.ts'
import { checkedFetch } from '../helpers/openapi.ts'
import { ready, slipwayEnv, startServerProcess, startWorkerProcess, type SlipwayProcess } from '../helpers/slipway.ts'
import { freePort } from '../helpers/stores-setup.ts'
import { describeEachStore } from '../helpers/stores.ts'

const operationSeconds = 20
const limitMs = 90_000

describeEachStore('A thousand installs at once', store => {
  let emulator: StartedEmulator
  const processes: SlipwayProcess[] = []
  beforeAll(async () => { emulator = await startEmulator() })
  afterAll(async () => {
    await Promise.all(processes.map(async process => await process.stop()))
    await emulator.close()
  })

  test('over ten subscriptions end in one worker with a write each, no job waiting for another\'s Azure time', { timeout: limitMs * 2 }, async () => {
    const port = await freePort()
    const base = `http://127.0.0.1:${port}`
    processes.push(
      startServerProcess(slipwayEnv(emulator, store, { SLIPWAY_PORT: String(port) })),
      startWorkerProcess(slipwayEnv(emulator, store, { SLIPWAY_LOCK_MS: '8000', SLIPWAY_STALLED_INTERVAL_MS: '3000', SLIPWAY_POLL_SECONDS: '5', SLIPWAY_POLLS_PER_SECOND: '1000', SLIPWAY_SETTLE_SECONDS: '90' }))
    )
    await ready(base)
    const subscriptions = Array.from({ length: 10 }, () => randomUUID())
    const clusters = Array.from({ length: 1_000 }, (_, index): ClusterRef => ({
      subscriptionId: subscriptions[index % 10]!, resourceGroup: 'rg', clusterType: 'managedClusters', clusterName: `c${index}`
    }))
    await inTurns(clusters, async cluster => { await emulator.control.cluster(cluster, { createSeconds: operationSeconds, retryAfterSeconds: null }) })

    const begun = Date.now()
    const urls = await inTurns(clusters, async ({ subscriptionId, clusterName }) => {
      const { status, body } = await checkedFetch(`${base}/v1/subscriptions/${subscriptionId}/resourceGroups/rg/managedClusters/${clusterName}/argocd`, { method: 'PUT', headers: { 'content-type': 'application/json' }, body: '{}' })
      expect(status).toBe(202)
      return new URL(body.url).pathname
    })
    const jobs = await inTurns(urls, async url => {
      for (;;) {
        const { body } = await checkedFetch(base + url, { headers: { prefer: 'wait=30' } })
        if (body.endedAt) return body
      }
    })
    const tookMs = Date.now() - begun

    expect(new Set(jobs.map(({ status, effect }) => `${status} ${effect}`))).toEqual(new Set(['Succeeded created']))
    expect((await emulator.control.ledger()).map(({ effect }) => effect)).toEqual(Array.from({ length: 1_000 }, () => 'created'))
    expect(tookMs).toBeLessThan(limitMs)
  })
})

/** Sixteen at a time: a client's connections, not what is tested, would be the limit otherwise. */
async function inTurns<T, R> (items: readonly T[], run: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  const queue = items.entries()
  await Promise.all(Array.from({ length: 16 }, async () => {
    for (const [index, item] of queue) results[index] = await run(item)
  }))
  return results
}
