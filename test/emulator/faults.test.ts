import { expect, test } from 'vitest'
import { aks, argocd, extensionsOf, sdkClient, startArm } from './arm.ts'

const path = extensionsOf(aks, 'argocd')
const effects = async (arm: { control: { ledger: () => Promise<{ effect: string }[]> } }) => (await arm.control.ledger()).map(({ effect }) => effect)

test('a status fault answers the n-th matching call and no other, and the write has no effect', async () => {
  await using arm = await startArm()
  await arm.control.cluster(aks)
  const fault = await arm.control.fault({ method: 'GET', path: '/EXTENSIONS\\?', nth: 2, times: 2, status: 503, headers: { 'retry-after': '3' } })

  const answers = []
  for (let n = 0; n < 4; n++) answers.push(await arm.send('GET', extensionsOf(aks)))

  expect(answers.map(({ status }) => status)).toEqual([200, 503, 503, 200])
  expect(answers[1]).toMatchObject({ headers: { 'retry-after': '3' }, body: { error: { code: 'ServiceUnavailable' } } })
  expect(await fault.state()).toMatchObject({ matched: 4, fired: 2, holding: 0 })
})

test.each([['before', []], ['after', ['created']]] as const)('a reset %s the effect cuts the connection; the ledger tells %j', async (when, expected) => {
  await using arm = await startArm()
  await arm.control.cluster(aks)
  const fault = await arm.control.fault({ method: 'PUT', path: 'extensions', when, reset: true })

  await expect(arm.send('PUT', path, argocd)).rejects.toMatchObject({ code: 'ECONNRESET' })
  await fault.fired()

  expect(await effects(arm)).toEqual(expected)
  expect((await arm.send('GET', path)).status).toBe(when === 'before' ? 404 : 200)
  expect((await arm.control.requests()).map(({ method, status }) => [method, status])).toContainEqual(['PUT', null])
})

test('the Azure SDK sees a reset as a network error', async () => {
  await using arm = await startArm()
  await arm.control.cluster(aks)
  await arm.control.fault({ method: 'PUT', path: 'extensions', when: 'after', reset: true })
  const { extensions } = sdkClient(arm.emulator, aks)

  await expect(extensions.beginCreate('rg-team', 'Microsoft.ContainerService', 'managedClusters', 'aks-one', 'argocd', argocd.properties)).rejects.toMatchObject({ code: 'ECONNRESET' })
  expect(await effects(arm)).toEqual(['created'])
})

test('a status after the effect hides a write that took place', async () => {
  await using arm = await startArm()
  await arm.control.cluster(aks)
  await arm.control.fault({ method: 'PUT', path: 'extensions', when: 'after', status: 504 })

  expect(await arm.send('PUT', path, argocd)).toMatchObject({ status: 504, body: { error: { code: 'GatewayTimeout' } } })
  expect(await effects(arm)).toEqual(['created'])
})

test('a truncated answer ends in the middle of its JSON, after the effect', async () => {
  await using arm = await startArm()
  await arm.control.cluster(aks)
  await arm.control.fault({ method: 'PUT', path: 'extensions', truncate: true })

  await expect(arm.send('PUT', path, argocd)).rejects.toMatchObject({ code: 'ECONNRESET', message: 'aborted' }) // headers came, the rest of the body did not
  expect(await effects(arm)).toEqual(['created'])
})

test('a call held after its effect is in the ledger when the fault says that it fired, and goes on when released', async () => {
  await using arm = await startArm()
  await arm.control.cluster(aks)
  const fault = await arm.control.fault({ method: 'PUT', path: 'extensions', when: 'after', hold: true })

  const put = arm.send('PUT', path, argocd)
  expect(await fault.fired()).toMatchObject({ fired: 1, holding: 1 })
  expect(await effects(arm)).toEqual(['created'])
  await fault.release()

  expect((await put).status).toBe(201)
  expect(await fault.state()).toMatchObject({ holding: 0 })
})

test('a call held before its effect has none when its client goes away', async () => {
  await using arm = await startArm()
  await arm.control.cluster(aks)
  const fault = await arm.control.fault({ method: 'PUT', path: 'extensions', hold: true })
  const client = new AbortController()

  const put = arm.send('PUT', path, argocd, { signal: client.signal })
  await fault.fired()
  client.abort()
  await expect(put).rejects.toThrow()

  await expect.poll(async () => (await fault.state()).holding).toBe(0)
  expect(await effects(arm)).toEqual([])
})

test('a call held before its effect has it once it is released', async () => {
  await using arm = await startArm()
  await arm.control.cluster(aks)
  const fault = await arm.control.fault({ method: 'PUT', path: 'extensions', hold: true })

  const put = arm.send('PUT', path, argocd)
  await fault.fired()
  expect(await effects(arm)).toEqual([])
  await fault.remove()

  expect((await put).status).toBe(201)
  expect(await effects(arm)).toEqual(['created'])
})

test('a delay keeps an answer back and changes nothing else', async () => {
  await using arm = await startArm()
  await arm.control.cluster(aks)
  await arm.control.fault({ path: 'extensions', delayMs: 150 })
  const started = performance.now()

  expect((await arm.send('GET', extensionsOf(aks))).status).toBe(200)
  expect(performance.now() - started).toBeGreaterThan(140)
})

test('the preset html429 is what a front end throttles with: no JSON, no Retry-After', async () => {
  await using arm = await startArm()
  await arm.control.cluster(aks)
  await arm.control.fault({ preset: 'html429', path: 'extensions' })

  const answer = await arm.send('GET', extensionsOf(aks))

  expect(answer).toMatchObject({ status: 429, headers: { 'content-type': 'text/html' }, text: expect.stringContaining('429 Too Many Requests') })
  expect(answer.headers).not.toHaveProperty('retry-after')
})

test('the preset operation404 loses the operation, not the extension', async () => {
  await using arm = await startArm()
  await arm.control.cluster(aks)
  await arm.control.fault({ preset: 'operation404' })
  const put = await arm.send('PUT', path, argocd)

  const operation = String(put.headers['azure-asyncoperation'])
  expect((await arm.send('GET', path)).status).toBe(200)
  expect((await arm.send('GET', operation)).status).toBe(404)
  expect((await arm.send('GET', operation)).status).toBe(200)
})

test('a text body goes out as it is, an object as JSON', async () => {
  await using arm = await startArm()
  await arm.control.cluster(aks)
  await arm.control.fault({ path: 'extensions', nth: 1, status: 200, body: '{"value":[' })
  await arm.control.fault({ path: 'extensions', nth: 2, status: 403, body: { error: { code: 'RequestDisallowedByPolicy', message: 'no' } } })

  expect(await arm.send('GET', extensionsOf(aks))).toMatchObject({ status: 200, text: '{"value":[' })
  expect(await arm.send('GET', extensionsOf(aks))).toMatchObject({ status: 403, body: { error: { code: 'RequestDisallowedByPolicy' } } })
})

test('the token endpoint can fail too', async () => {
  await using arm = await startArm()
  await arm.control.fault({ method: 'POST', path: '/oauth2/v2.0/token', status: 503 })

  expect((await arm.sendBare('POST', `/${arm.emulator.client.tenantId}/oauth2/v2.0/token`, 'grant_type=client_credentials')).status).toBe(503)
})

test('waiting for a fault that does not fire ends with a clear error', async () => {
  await using arm = await startArm()
  const fault = await arm.control.fault({ path: 'never', status: 500 })

  await expect(fault.fired(0.05)).rejects.toThrow(/did not fire/)
})
