import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { spawn } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { describe, expect, inject, test } from 'vitest'
import { createCertificates } from '../../src/emulator/certificates.ts'
import { openStore } from '../../src/jobs/stores/open-store.ts'
import { freePort, startRedis } from '../helpers/stores-setup.ts'

describe('A job goes its way through every kind of Redis [Redis]', () => {
  test('one with a password', async () => {
    const redis = await startRedis(inject('redisServer'), { requirepass: 'p@ss word' })
    await expectJob(redis.url.replace('redis://', 'redis://:p%40ss%20word@'))
    await redis.stop()
  })

  test('one that speaks TLS, with a certificate authority of its own', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'slipway-tls-'))
    const { ca, certificate, key } = await createCertificates()
    const file = (name: string, text: string) => {
      writeFileSync(join(folder, name), text)
      return join(folder, name)
    }
    const port = await freePort()
    const redis = await startRedis(inject('redisServer'), {
      port: '0', 'tls-port': String(port), 'tls-auth-clients': 'no', 'tls-cert-file': file('cert.pem', certificate), 'tls-key-file': file('key.pem', key), 'tls-ca-cert-file': file('ca.pem', ca)
    })
    await expectJob(`rediss://127.0.0.1:${port}`, ca)
    await redis.stop()
    rmSync(folder, { recursive: true })
  })

  test('a master that a Sentinel names', async () => {
    const redis = await startRedis(inject('redisServer'))
    const folder = mkdtempSync(join(tmpdir(), 'slipway-sentinel-'))
    const port = await freePort()
    writeFileSync(join(folder, 'sentinel.conf'), `port ${port}\nbind 127.0.0.1\ndir ${folder}\nsentinel monitor main 127.0.0.1 ${redis.port} 1\n`)
    const sentinel = spawn(inject('redisServer'), [join(folder, 'sentinel.conf'), '--sentinel'], { stdio: 'ignore' })
    await expectJob(`redis+sentinel://127.0.0.1:${port}/main`)
    sentinel.kill('SIGKILL')
    await once(sentinel, 'exit')
    await redis.stop()
    rmSync(folder, { recursive: true })
  })

  test('a Cluster', async () => {
    const redis = await startRedis(inject('redisServer'), { 'cluster-enabled': 'yes', 'cluster-announce-ip': '127.0.0.1', 'cluster-port': String(await freePort()) }) // by default its port plus 10,000, which may be none
    const client = new Redis(redis.url)
    await client.call('CLUSTER', 'ADDSLOTSRANGE', '0', '16383')
    while (!String(await client.call('CLUSTER', 'INFO')).includes('cluster_state:ok')) await new Promise(resolve => setTimeout(resolve, 50)) // a cluster tells nobody when it is up
    client.disconnect()
    await expectJob(`redis+cluster://127.0.0.1:${redis.port}`)
    await redis.stop()
  })
})

async function expectJob (url: string, ca?: string): Promise<void> {
  const store = openStore({ url, namespace: 'kinds', indexRetentionMs: 60_000, onError: () => undefined, ...(ca !== undefined && { ca }) })
  const saved: boolean[] = []
  const worker = store.createWorker(async (job, token = '') => {
    saved.push(await store.saveCheckpoint(String(job.id), token, job.data))
    return { status: 'Succeeded', notes: [] }
  }, {})
  const completed = new Promise(resolve => worker.once('completed', resolve))
  const data = { version: 1, request: { action: 'delete' as const, cluster: { subscriptionId: 's', resourceGroup: 'rg', clusterType: 'managedClusters' as const, clusterName: 'c' }, requestedBy: 't', requestId: 'r', correlationId: 'c', fingerprint: 'f' }, checkpoint: { steps: [], notes: [] } }
  await store.createQueue({}).add('argocd', data, { jobId: 'job', deduplication: { id: 'cluster' } })
  await completed
  await store.index.put({ jobId: 'job', cluster: '/c', requestedBy: 't', action: 'delete', status: 'Succeeded', createdAt: Date.now() })
  expect([saved, (await store.index.list({ cluster: '/c', scopes: [''] }, { limit: 5 })).entries.length, (await store.durability()).state]).toEqual([[true], 1, 'durable'])
  await store.close()
}
