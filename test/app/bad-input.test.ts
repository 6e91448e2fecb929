import { METHODS } from 'node:http'
import { connect } from 'node:net'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { argocdPath, testApp } from '../helpers/app.ts'
import { badRequests } from '../helpers/bad-requests.ts'
import { checkAnswer, inject } from '../helpers/openapi.ts'

const path = argocdPath()

test.each(Object.entries(badRequests))('%s is refused with a problem that says what, where and how', async (_name, { status, code, pointer, ...request }) => {
  await using tested = await testApp()
  const response = await inject(tested.app, request)
  const body = response.json()
  expect([response.statusCode, body.code, response.headers['x-ms-error-code']]).toEqual([status, code, code])
  expect(body).toMatchObject({ status, instance: expect.any(String), requestId: response.headers['x-ms-request-id'], detail: expect.stringMatching(/.{10}/) })
  if (pointer !== undefined) expect(body.errors.map((error: { pointer: string }) => error.pointer)).toContain(pointer)
  expect(response.body).not.toMatch(/\bat .*\.(ts|js):\d|node_modules/)
  expect(tested.fake.accepted).toEqual([])
})

test('every path answers the methods that it lacks with 405 and the ones that it has', async () => {
  await using tested = await testApp()
  const paths: Record<string, string> = { [path]: 'DELETE, GET, PATCH, PUT', '/v1/jobs': 'GET', '/v1/jobs/1': 'GET', '/livez': 'GET', '/readyz': 'GET', '/openapi.json': 'GET' }
  for (const [url, allow] of Object.entries(paths)) {
    for (const method of METHODS.filter(name => name !== 'CONNECT')) {
      if (allow.split(', ').includes(method)) continue
      const response = await tested.app.inject({ method: method as 'POST', url })
      expect([method, url, response.statusCode, response.headers.allow, response.headers['x-ms-error-code']]).toEqual([method, url, 405, allow, 'MethodNotAllowed'])
    }
  }
})

test.each([
  ['headers that are too large', `GET /livez HTTP/1.1\r\nhost: x\r\nx: ${'a'.repeat(20_000)}\r\n\r\n`, 431, 'HeadersTooLarge'],
  ['what is no HTTP', 'hello\r\n\r\n', 400, 'InvalidRequest'],
  ['a request without Host', 'GET /livez HTTP/1.1\r\nconnection: close\r\n\r\n', 400, 'InvalidRequest'],
  ['an expectation other than 100-continue', 'GET /livez HTTP/1.1\r\nhost: x\r\nexpect: miracles\r\nconnection: close\r\n\r\n', 417, 'ExpectationFailed'],
  ['a URL that cannot be decoded', 'GET /v1/jobs/%zz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n', 400, 'MalformedUrl']
])('%s are answered with a problem, too', async (_name, request, status, code) => {
  await using tested = await testApp()
  await tested.app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = tested.app.server.address() as AddressInfo
  const socket = connect(port, '127.0.0.1')
  socket.end(request)
  let answer = ''
  for await (const chunk of socket) answer += String(chunk)
  const [head = '', body = ''] = answer.split('\r\n\r\n')
  expect(head).toContain(`HTTP/1.1 ${status} `)
  expect(JSON.parse(body)).toMatchObject({ status, code, requestId: /^x-ms-request-id: (.*)$/im.exec(head)?.[1] })
  expect(head).toContain('cache-control: no-store')
  checkAnswer({ method: 'GET', url: '/nowhere', status, headers: { 'content-type': 'application/problem+json' }, body })
})

test('a failure of ours shows nothing of itself, and stands in the log', async () => {
  await using tested = await testApp()
  tested.fake.jobs.get = async () => { throw new TypeError('secret bug') }
  const response = await inject(tested.app, { method: 'GET', url: '/v1/jobs/1' })
  expect([response.statusCode, response.json().code]).toEqual([500, 'InternalError'])
  expect(response.body).not.toContain('secret')
  expect(JSON.stringify(tested.lines())).toContain('secret bug')
})

test.each([
  ['Azure cannot be read', { extensions: { find: async () => { throw new Error('secret detail') } } }, 'AzureUnavailable'],
  ['the store is away', { readiness: async () => ['The job store cannot be reached.'] }, 'NotReady']
])('when %s the answer is 503 and says when to ask again', async (_name, options, code) => {
  await using tested = await testApp(options)
  const response = await inject(tested.app, { method: 'GET', url: code === 'NotReady' ? '/readyz' : path })
  expect([response.statusCode, response.json().code]).toEqual([503, code])
  expect(Number(response.headers['retry-after'])).toBeGreaterThan(0)
  expect(response.body).not.toContain('secret')
})
