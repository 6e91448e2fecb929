import Fastify, { LogController, type FastifyBaseLogger, type FastifyInstance, type FastifyRequest } from 'fastify'
import helmet from '@fastify/helmet'
import type { Logger } from 'pino'
import type { Extensions } from './azure/extensions.ts'
import { Problem } from './errors.ts'
import { createCursors } from './jobs/cursor.ts'
import type { JobQueue } from './jobs/queue.ts'
import { audit } from './plugins/audit.ts'
import { authentication } from './plugins/authentication.ts'
import type { FindCaller } from './plugins/callers.ts'
import { methodNotAllowed } from './plugins/method-not-allowed.ts'
import { openapi } from './plugins/openapi.ts'
import { pathOf, problemAnswers, problemBody, problemOf, sendProblem } from './plugins/problems.ts'
import { contextHeaders, newRequestId, requestContext } from './plugins/request-context.ts'
import { validation } from './plugins/validation.ts'
import { argocdRoutes } from './routes/argocd.ts'
import { documentRoutes } from './routes/document.ts'
import { healthRoutes, type Readiness } from './routes/health.ts'
import { jobRoutes } from './routes/jobs.ts'
import { ExtensionView } from './schemas/extension.ts'
import { Health } from './schemas/health.ts'
import { Job, JobList } from './schemas/job.ts'
import { Problem as ProblemBody } from './schemas/problem.ts'

/** What the API is made of. */
export interface AppOptions {
  jobs: Omit<JobQueue, 'ping'>
  extensions: Pick<Extensions, 'find'>
  readiness: Readiness
  /** Undefined: no callers are configured, and everybody who reaches the API is trusted. */
  findCaller: FindCaller | undefined
  /** Absolute base of every link, without a trailing slash; never taken from a request. */
  publicUrl: string
  /** The secret that every API process on this store shares. */
  cursorSecret: () => Promise<string>
  version: string
  /** Whether /docs is served. */
  docs: boolean
  log: Logger
}

const bodyLimit = 64 * 1024
const names = { Job, JobList, Extension: ExtensionView, Problem: ProblemBody, Health }

/** The API, ready to listen or to be injected into. It needs neither store nor network to be built. */
export async function buildApp (options: AppOptions): Promise<FastifyInstance> {
  const { jobs, extensions, readiness, findCaller, publicUrl, cursorSecret, version, docs, log } = options
  const monitorUrl = (id: string) => `${publicUrl}/v1/jobs/${id}`
  const app = await baseApp(log)
  await app.register(openapi, { version, docs })
  await app.register(authentication, { findCaller })
  await app.register(audit)
  await app.register(argocdRoutes, { jobs, extensions, monitorUrl })
  await app.register(jobRoutes, { jobs, monitorUrl, publicUrl, cursors: once(async () => createCursors(await cursorSecret())) })
  await app.register(healthRoutes, { readiness })
  await app.register(documentRoutes)
  app.sealMethods()
  await app.ready()
  return app
}

/** The worker's own small server: health, and nothing else. */
export async function buildHealthApp ({ readiness, log }: { readiness: Readiness, log: Logger }): Promise<FastifyInstance> {
  const app = await baseApp(log)
  await app.register(healthRoutes, { readiness })
  app.sealMethods()
  await app.ready()
  return app
}

async function baseApp (loggerInstance: FastifyBaseLogger): Promise<FastifyInstance> {
  const app = Fastify({
    loggerInstance,
    bodyLimit,
    logController: new LogController({ disableRequestLogging: true }), // mutations have their audit line; a line for each poll would drown it
    genReqId: newRequestId,
    return503OnClosing: false, // the answer is a problem like every other; see request-context.ts
    exposeHeadRoutes: false,
    routerOptions: { maxParamLength: 512, caseSensitive: false }, // ARM's paths have no case; the values of parameters keep theirs
    requestTimeout: 30_000,
    http: { requireHostHeader: false }, // the hooks refuse it, with a problem
    // Errors before a route is known: a URL that cannot be decoded, a segment that is too long.
    frameworkErrors: (error, request, reply) => {
      reply.headers({ ...contextHeaders(request), 'x-content-type-options': 'nosniff' })
      sendProblem(request, reply, problemOf(error))
    },
    clientErrorHandler: (error, socket) => {
      // Node could not even read the request; there is no request or reply, only a socket.
      if (error.code === 'ECONNRESET' || socket.destroyed) return
      const problem = error.code === 'HPE_HEADER_OVERFLOW'
        ? new Problem('HeadersTooLarge', 'The request headers may have 16 kB at most.')
        : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
          ? new Problem('RequestTimeout', 'The request did not arrive within 30 seconds.')
          : new Problem('InvalidRequest', 'This is not an HTTP request that can be read.')
      const { body, headers } = bareAnswer(problem, '/')
      socket.end(`HTTP/1.1 ${problem.status} ${problem.title}\r\n${Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`).join('')}connection: close\r\n\r\n${body}`)
    }
  })
  app.server.on('checkExpectation', (request, response) => {
    const problem = new Problem('ExpectationFailed', 'The Expect header may only be 100-continue.')
    const { body, headers } = bareAnswer(problem, pathOf(request.url ?? '/'))
    response.writeHead(problem.status, headers).end(body)
  })
  app.removeContentTypeParser('text/plain')
  const parseJson = app.getDefaultJsonParser('error', 'error')
  app.removeContentTypeParser('application/json')
  // An empty body is no malformed one: clients name a type on every request, and the schema says where a body must be.
  app.addContentTypeParser(['application/json', 'application/merge-patch+json'], { parseAs: 'string', bodyLimit }, (request, body, done) => {
    if (isPatch(request) && request.method !== 'PATCH') done(new Problem('UnsupportedMediaType', 'A merge patch is for PATCH. Send this body as application/json.'))
    else if (body === '') done(null, undefined)
    else void parseJson(request, String(body), done)
  })
  for (const [id, schema] of Object.entries(names)) app.addSchema({ $id: id, ...schema })
  await app.register(requestContext)
  await app.register(problemAnswers)
  await app.register(validation)
  await app.register(methodNotAllowed)
  // The rest of its headers is about pages in browsers, or belongs to whoever ends TLS.
  await app.register(helmet, { contentSecurityPolicy: false, crossOriginEmbedderPolicy: false, hsts: false, originAgentCluster: false, dnsPrefetchControl: false, ieNoOpen: false, permittedCrossDomainPolicies: false, xssFilter: false })
  return app
}

/** A problem's answer where Fastify does not see the request. */
function bareAnswer (problem: Problem, instance: string): { body: string, headers: Record<string, string | number> } {
  const requestId = newRequestId()
  const body = JSON.stringify(problemBody(problem, instance, requestId))
  return {
    body,
    headers: { 'content-type': 'application/problem+json', 'content-length': Buffer.byteLength(body), 'x-ms-error-code': problem.code, 'x-ms-request-id': requestId, 'cache-control': 'no-store' }
  }
}

function isPatch ({ headers }: FastifyRequest): boolean {
  return headers['content-type']?.toLowerCase().startsWith('application/merge-patch+json') === true
}

/** Loads on first use and keeps what it got; a failure is not kept. */
function once<T> (load: () => Promise<T>): () => Promise<T> {
  let loaded: Promise<T> | undefined
  return async () => {
    loaded ??= load()
    try {
      return await loaded
    } catch (error) {
      loaded = undefined
      throw error
    }
  }
}
