/**
 * What may import what in `src/`, and the BullMQ calls that nobody may make. `parts` is the whole story.
 *
 * ESLint's own rules do it. Flat config replaces a rule's options instead of merging them, so each part names its
 * whole list, and a later part wins over an earlier one.
 */

// Packages, each with the only place that knows it.
const azureSdk = packages('@azure/.*', 'Only src/azure/ knows the Azure SDK.')
const queue = packages('(bullmq|ioredis|pg)(/.*)?', 'Only src/jobs/queue.ts, src/jobs/processor.ts, src/jobs/stores/ and src/worker.ts know the queue and its stores.')
const fastify = packages('@fastify/.*|fastify(-plugin)?(/.*)?', 'Only src/app.ts, src/routes/, src/plugins/, src/server.ts and src/emulator/ know Fastify.')
const environment = packages('(node:)?process', 'Only src/config.ts reads the environment; the global `process` has the rest.')
const impure = packages(
  '(?!typebox(/.*)?$|(yaml|fastest-levenshtein|node:(assert(/strict)?|path(/posix)?|url|util))$)[^.].*',
  'src/argocd/ imports nothing that does I/O. A pure package may join the list in eslint.fences.js.'
)

// Parts of src/ that others must not import.
const rest = inSrc('(?!emulator/).*', 'src/emulator/ imports nothing from the rest.')
const emulator = inSrc('emulator/.*', 'Only entry files and tests import src/emulator/.')
const entries = inSrc(String.raw`(server|worker|quickstart|emulator|cli|openapi)\.ts`, 'Only quickstart imports an entry file.')
const app = inSrc(String.raw`(app|openapi-document)\.ts`)
const settings = inSrc(String.raw`(config|log)\.ts`)
const [routes, plugins, jobs, azure, argocd] = ['routes', 'plugins', 'jobs', 'azure', 'argocd'].map(part => inSrc(`${part}/.*`))

/** Part of `src/` (a file or a folder) → what it must not import. */
const parts = [
  ['src/*.ts', [azureSdk, queue, fastify, environment, entries]],
  ['src/server.ts', [azureSdk, queue, environment, entries]],
  ['src/worker.ts', [azureSdk, fastify, environment, entries]],
  ['src/quickstart.ts', [azureSdk, queue, fastify, environment]], // it runs the other entry files in one process
  ['src/app.ts', [azureSdk, queue, environment, entries, emulator]],
  ['src/openapi-document.ts', [azureSdk, queue, fastify, environment, entries, emulator]],
  ['src/config.ts', [azureSdk, queue, fastify, entries, app, routes, plugins, jobs, emulator]],
  ['src/{log,errors}.ts', [azureSdk, queue, fastify, environment, entries, app, routes, plugins, jobs, azure, argocd, emulator]],

  ['src/routes/', [azureSdk, queue, environment, entries, app, emulator]],
  ['src/plugins/', [azureSdk, queue, environment, entries, app, routes, emulator]],
  ['src/jobs/', [azureSdk, queue, fastify, environment, entries, app, routes, plugins, emulator]],
  ['src/jobs/{queue,processor}.ts', [azureSdk, fastify, environment, entries, app, routes, plugins, emulator]],
  ['src/jobs/stores/', [azureSdk, fastify, environment, entries, app, routes, plugins, emulator]],
  ['src/azure/', [queue, fastify, environment, entries, app, routes, plugins, jobs, emulator]],
  ['src/argocd/', [impure, entries, app, settings, routes, plugins, jobs, azure, emulator]],
  ['src/schemas/', [azureSdk, queue, fastify, environment, entries, app, settings, routes, plugins, jobs, azure, argocd, emulator]],
  ['src/emulator/', [azureSdk, queue, environment, rest]]
]

const forbiddenCalls = {
  updateData: 'It does not check the lock: a worker that lost the job overwrites it. Use saveCheckpoint.',
  retryJobs: 'A retry is a new job; nothing moves finished jobs back.',
  obliterate: 'Jobs are the only record; they leave by retention.',
  getState: 'It searches the wait list, so it slows down with the backlog. The status is derived from the job itself.',
  getJobState: 'It searches the wait list, so it slows down with the backlog. The status is derived from the job itself.'
}

/** Only where a BullMQ job can be at hand: elsewhere `retry` is a verb of our own. */
const retryOfJobs = { retry: 'A retry is a new job with an id of its own: a finished one stays as it ended.' }
const bullmqPlaces = ['src/worker.ts', 'src/jobs/{queue,processor}.ts', 'src/jobs/stores/']

export const fences = [
  ...parts.flatMap(([place, forbidden]) => byDepth(place).map(({ files, depth }) => ({
    files: [files],
    rules: restrict(forbidden.map(at => at(depth)), {
      ...(place !== 'src/emulator/' && forbiddenCalls), // it knows no queue
      ...(bullmqPlaces.includes(place) && retryOfJobs)
    })
  }))),
  {
    files: ['src/**/*.ts'],
    ignores: ['src/config.ts'],
    rules: { 'no-restricted-properties': ['error', { object: 'process', property: 'env', message: 'Only src/config.ts reads the environment.' }] }
  },
  {
    files: ['src/argocd/**/*.ts'],
    rules: { 'no-restricted-globals': ['error', 'fetch', 'process', 'console', 'setTimeout', 'setInterval', 'setImmediate'] }
  }
]

/** The files of a place, told apart by how many folders below `src/` they are: that is how many `../` lead back to it. */
function byDepth (place) {
  if (!place.endsWith('/')) return [{ files: place, depth: place.split('/').length - 2 }]
  const own = place.split('/').length - 2
  return [0, 1, 2].map(deeper => ({ files: `${place}${'*/'.repeat(deeper)}*.ts`, depth: own + deeper }))
}

function packages (names, message) {
  return () => ({ regex: `^(${names})$`, message })
}

function inSrc (path, message = 'Imports run one way: entry files → app, routes, jobs → argocd, azure → schemas.') {
  return depth => ({ regex: `^${depth === 0 ? String.raw`\./` : String.raw`(\.\./){${depth}}`}(${path})$`, message })
}

/** The rules that keep these specifiers and calls out, however they are spelled. */
function restrict (specifiers, calls) {
  return {
    'no-restricted-imports': ['error', { patterns: specifiers }],
    'no-restricted-syntax': [
      'error',
      ...specifiers.flatMap(({ regex, message }) => {
        const pattern = regex.replaceAll('/', String.raw`\u002f`) // a selector's regular expression ends at its first slash
        return [`ImportExpression[source.value=/${pattern}/]`, `TSImportType[source.value=/${pattern}/]`].map(selector => ({ selector, message }))
      }),
      ...Object.entries(calls).flatMap(([name, message]) =>
        [`MemberExpression[property.name="${name}"]`, `MemberExpression[property.value="${name}"]`, `ObjectPattern > Property[key.name="${name}"]`]
          .map(selector => ({ selector, message })))
    ]
  }
}
