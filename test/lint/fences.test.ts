import { ESLint, type Linter } from 'eslint'
import { describe, expect, test } from 'vitest'
import tseslint from 'typescript-eslint'

// The fences are about text alone. Without types, snippets need not be files that exist.
const eslint = new ESLint({
  cwd: `${import.meta.dirname}/../..`,
  overrideConfig: tseslint.configs.disableTypeChecked as Linter.Config
})

const fenceRules = ['no-restricted-imports', 'no-restricted-syntax', 'no-restricted-properties', 'no-restricted-globals']

async function complaints (filePath: string, code: string): Promise<string[]> {
  const [result] = await eslint.lintText(`${code}\n`, { filePath })
  const fatal = result?.messages.find(message => message.fatal)
  if (result === undefined || fatal !== undefined) throw new Error(`${filePath} was not linted: ${fatal?.message ?? 'ignored'}`)
  return result.messages.filter(({ ruleId }) => fenceRules.includes(ruleId ?? '')).map(({ message }) => message)
}

interface Fence {
  name: string
  says: RegExp
  /** Where → code that must be refused there. */
  refused: [filePath: string, code: string][]
  /** Where → code that must pass there. */
  allowed: [filePath: string, code: string][]
}

const fences: Fence[] = [
  {
    name: '@azure/* stays in src/azure/',
    says: /Only src\/azure\//,
    refused: [
      ['src/jobs/steps/submit.ts', "import { DefaultAzureCredential } from '@azure/identity'"],
      ['src/routes/argocd.ts', "import type { Extension } from '@azure/arm-kubernetesconfiguration'"],
      ['src/worker.ts', "const identity = await import('@azure/identity')"],
      ['src/app.ts', "export type Credential = import('@azure/core-auth').TokenCredential"],
      ['src/schemas/cluster.ts', "export * from '@azure/core-auth'"],
      ['src/emulator/server.ts', "import { createHttpHeaders } from '@azure/core-rest-pipeline'"],
      ['src/some-new-file.ts', "import '@azure/identity'"]
    ],
    allowed: [
      ['src/azure/arm-client.ts', "import { DefaultAzureCredential } from '@azure/identity'"],
      ['test/azure/polling.test.ts', "import { createHttpPoller } from '@azure/core-lro'"]
    ]
  },
  {
    name: 'bullmq, ioredis and pg stay with the queue and its stores',
    says: /know the queue and its stores/,
    refused: [
      ['src/jobs/workflows.ts', "import { Queue } from 'bullmq'"],
      ['src/jobs/steps/submit.ts', "import type { Job } from 'bullmq'"],
      ['src/routes/jobs.ts', "import { Redis } from 'ioredis'"],
      ['src/plugins/health.ts', "import pg from 'pg'"],
      ['src/azure/budget.ts', "const { Pool } = await import('pg')"],
      ['src/quickstart.ts', "import { Worker } from 'bullmq'"]
    ],
    allowed: [
      ['src/jobs/queue.ts', "import { Queue } from 'bullmq'"],
      ['src/jobs/processor.ts', "import { DelayedError } from 'bullmq'"],
      ['src/jobs/stores/redis.ts', "import { Redis } from 'ioredis'"],
      ['src/jobs/stores/postgres.ts', "import pg from 'pg'"],
      ['src/worker.ts', "import { Worker } from 'bullmq'"],
      ['test/integration/accept.test.ts', "import { Queue } from 'bullmq'\nimport pg from 'pg'"],
      ['src/argocd/compile.ts', "import { pgBouncer } from './pg.ts'"]
    ]
  },
  {
    name: 'fastify stays in app, routes, plugins, server and emulator',
    says: /know Fastify/,
    refused: [
      ['src/jobs/processor.ts', "import type { FastifyBaseLogger } from 'fastify'"],
      ['src/azure/arm-client.ts', "import fastify from 'fastify'"],
      ['src/worker.ts', "import fastify from 'fastify'"],
      ['src/config.ts', "import helmet from '@fastify/helmet'"],
      ['src/schemas/job.ts', "import type { Static } from '@fastify/type-provider-typebox'"],
      ['src/jobs/queue.ts', "const plugin = await import('fastify-plugin')"]
    ],
    allowed: [
      ['src/app.ts', "import fastify from 'fastify'"],
      ['src/routes/argocd.ts', "import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'"],
      ['src/plugins/openapi.ts', "import swagger from '@fastify/swagger'"],
      ['src/server.ts', "import fastify from 'fastify'"],
      ['src/emulator/arm/extensions.ts', "import type { FastifyInstance } from 'fastify'"],
      ['test/routes/argocd.test.ts', "import fastify from 'fastify'"]
    ]
  },
  {
    name: 'process.env stays in src/config.ts',
    says: /reads the environment/,
    refused: [
      ['src/server.ts', 'export const port = process.env.SLIPWAY_PORT'],
      ['src/azure/clouds.ts', "export const cloud = process['env']['SLIPWAY_AZURE_CLOUD']"],
      ['src/jobs/stores/redis.ts', 'export const { env } = process'],
      ['src/emulator/server.ts', 'export const everything = { ...process.env }'],
      ['src/routes/jobs.ts', "import { env } from 'node:process'"]
    ],
    allowed: [
      ['src/config.ts', 'export const environment = process.env'],
      ['src/server.ts', "process.once('SIGTERM', () => { process.exitCode = 0 })"],
      ['test/helpers/stores.ts', 'export const url = process.env.SLIPWAY_TEST_REDIS_URL']
    ]
  },
  {
    name: 'src/argocd/ does no I/O',
    says: /imports nothing that does I\/O|Unexpected use of/,
    refused: [
      ['src/argocd/lint.ts', "import { readFile } from 'node:fs/promises'"],
      ['src/argocd/lint.ts', "import { readFileSync } from 'fs'"],
      ['src/argocd/charts/index.ts', "import https from 'node:https'"],
      ['src/argocd/compile.ts', "import net from 'node:net'"],
      ['src/argocd/compile.ts', "import { pino } from 'pino'"],
      ['src/argocd/compile.ts', "import { Queue } from 'bullmq'"],
      ['src/argocd/compile.ts', "const fs = await import('node:fs')"],
      ['src/argocd/compile.ts', "export const answer = fetch('https://example.com')"]
    ],
    allowed: [
      ['src/argocd/lint.ts', "import { distance } from 'fastest-levenshtein'"],
      ['src/argocd/check.ts', "import Value from 'typebox/value'\nimport { isDeepStrictEqual } from 'node:util'"],
      ['src/argocd/charts/index.ts', "import keys from './keys.json' with { type: 'json' }"],
      ['src/azure/arm-client.ts', "import { readFile } from 'node:fs/promises'"]
    ]
  },
  {
    name: 'imports run one way',
    says: /Imports run one way/,
    refused: [
      ['src/argocd/compile.ts', "import { submit } from '../jobs/steps/submit.ts'"],
      ['src/argocd/compile.ts', "import { armClient } from '../azure/arm-client.ts'"],
      ['src/azure/extensions.ts', "import type { Checkpoint } from '../jobs/job.ts'"],
      ['src/schemas/job.ts', "import { compile } from '../argocd/compile.ts'"],
      ['src/jobs/steps/submit.ts', "import { argocdRoutes } from '../../routes/argocd.ts'"],
      ['src/jobs/queue.ts', "import { buildApp } from '../app.ts'"],
      ['src/jobs/stores/redis.ts', "import { problems } from '../../plugins/problems.ts'"],
      ['src/routes/jobs.ts', "import { buildApp } from '../app.ts'"],
      ['src/plugins/health.ts', "import { jobRoutes } from '../routes/jobs.ts'"],
      ['src/errors.ts', "import { jobs } from './jobs/job.ts'"],
      ['src/config.ts', "const { buildApp } = await import('./app.ts')"]
    ],
    allowed: [
      ['src/server.ts', "import { buildApp } from './app.ts'\nimport { createQueue } from './jobs/queue.ts'\nimport { armClient } from './azure/arm-client.ts'"],
      ['src/app.ts', "import { jobRoutes } from './routes/jobs.ts'\nimport { health } from './plugins/health.ts'"],
      ['src/routes/jobs.ts', "import type { JobQueue } from '../jobs/queue.ts'\nimport { Problem } from '../errors.ts'"],
      ['src/jobs/steps/submit.ts', "import { compile } from '../../argocd/compile.ts'\nimport { extensions } from '../../azure/extensions.ts'\nimport { done } from '../step.ts'"],
      ['src/azure/extensions.ts', "import type { ClusterRef } from '../schemas/cluster.ts'\nimport { TerminalError } from '../errors.ts'"],
      ['src/argocd/compile.ts', "import type { Specification } from '../schemas/specification.ts'"],
      // Only the folder above `src/argocd/jobs/` is another part: this is a file of argocd's own.
      ['src/argocd/charts/index.ts', "import { app } from '../app.ts'"]
    ]
  },
  {
    name: 'only quickstart imports entry files',
    says: /Only quickstart imports an entry file/,
    refused: [
      ['src/jobs/queue.ts', "import { start } from '../worker.ts'"],
      ['src/server.ts', "import { startWorker } from './worker.ts'"],
      ['src/jobs/steps/submit.ts', "import '../../cli.ts'"]
    ],
    allowed: [
      ['src/emulator/start.ts', "import { createServer } from './server.ts'"],
      ['src/quickstart.ts', "import { createServer } from './emulator/server.ts'\nimport { startServer } from './server.ts'"],
      ['test/worker.test.ts', "import '../src/worker.ts'"]
    ]
  },
  {
    name: 'the emulator stands alone',
    says: /imports nothing from the rest|import src\/emulator\//,
    refused: [
      ['src/emulator/server.ts', "import { Problem } from '../errors.ts'"],
      ['src/emulator/arm/extensions.ts', "import { ClusterRef } from '../../schemas/cluster.ts'"],
      ['src/emulator/server.ts', "import { Queue } from '../jobs/queue.ts'"],
      ['src/app.ts', "import { createServer } from './emulator/server.ts'"],
      ['src/azure/arm-client.ts', "import { createServer } from '../emulator/server.ts'"],
      ['src/jobs/steps/submit.ts', "import type { Ledger } from '../../emulator/ledger.ts'"]
    ],
    allowed: [
      ['src/emulator/arm/extensions.ts', "import { problem } from '../errors.ts'\nimport { ids } from './ids.ts'"],
      ['src/emulator.ts', "import { createServer } from './emulator/server.ts'"],
      ['test/emulator/ledger.test.ts', "import { createServer } from '../../src/emulator/server.ts'"]
    ]
  },
  ...Object.entries({
    updateData: ['await job.updateData({})', /does not check the lock/],
    retryJobs: ['await queue.retryJobs()', /A retry is a new job/],
    obliterate: ['await queue.obliterate({ force: true })', /Jobs are the only record/],
    getState: ['await job?.getState()', /searches the wait list/],
    getJobState: ["await queue.getJobState('1')", /searches the wait list/],
    retry: ["await job.retry('failed')", /A retry is a new job/]
  } as const).map(([method, [call, says]]): Fence => ({
    name: `BullMQ's ${method} is not called`,
    says,
    refused: [
      ['src/jobs/queue.ts', call],
      ['src/jobs/processor.ts', call],
      ['src/jobs/stores/redis.ts', call],
      ['src/worker.ts', call],
      ['src/jobs/queue.ts', `await job['${method}']()`],
      ['src/jobs/queue.ts', `export const { ${method} } = job`],
      ...(method === 'retry' ? [] : [['src/jobs/steps/submit.ts', call]] as [string, string][])
    ],
    allowed: [
      ['src/jobs/queue.ts', `await store.saveCheckpoint(id, token, data) // not ${method}`],
      ['test/integration/fence.test.ts', call],
      ...(method === 'retry' ? [['src/routes/jobs.ts', 'await jobs.retry(id)']] as [string, string][] : [])
    ]
  }))
]

describe.each(fences)('$name', ({ says, refused, allowed }) => {
  test.each(refused)('%s refuses: %s', async (filePath, code) => {
    const messages = await complaints(filePath, code)

    expect(messages).toHaveLength(1)
    expect(messages[0]).toMatch(says)
  })

  test.each(allowed)('%s allows: %s', async (filePath, code) => {
    expect(await complaints(filePath, code)).toEqual([])
  })
})
