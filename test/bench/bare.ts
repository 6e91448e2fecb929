import Fastify from 'fastify'
import { openStore } from '../../src/jobs/stores/open-store.ts'

/** The floor: a bare Fastify route doing the same BullMQ call, and nothing else. */
const [url = '', port = ''] = process.argv.slice(2)
const store = openStore({ url, namespace: 'slipway', indexRetentionMs: 1, onError: () => undefined })
const queue = store.createQueue({ attempts: 2 ** 31 - 1, backoff: { type: 'fixed', delay: 1_000 }, removeOnComplete: { age: 604_800 }, removeOnFail: { age: 604_800 } })
const app = Fastify()

app.put<{ Params: { name: string } }>('/add/:name', async (request, reply) => {
  const { name } = request.params
  const job = await queue.add('argocd', {
    version: 1,
    request: {
      action: 'install', specification: request.body as object, cluster: { subscriptionId: '5f0c1a52-8a53-4a2e-9c0b-3f6f8f0f1a11', resourceGroup: 'rg', clusterType: 'managedClusters', clusterName: name },
      requestedBy: 'anonymous', requestId: request.id, correlationId: request.id, fingerprint: 'x'.repeat(43)
    },
    checkpoint: { steps: [], notes: [] }
  }, { jobId: `bare-${name}`, deduplication: { id: `bare/${name}` } })
  return await reply.code(202).send({ id: job.id, data: job.data })
})

app.get<{ Params: { id: string } }>('/jobs/:id', async request => {
  const job = await queue.getJob(request.params.id)
  return { id: job?.id, data: job?.data }
})

await app.listen({ host: '127.0.0.1', port: Number(port) })
