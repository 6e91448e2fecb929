import { afterEach, expect, test, vi } from 'vitest'
import { emulatorCredential, emulatorToken } from '../helpers/emulator-token.ts'
import { defaultClient } from '../../src/emulator/emulator.ts'
import { startArm } from './arm.ts'

afterEach(() => { vi.useRealTimers() })

const tokenPath = `/${defaultClient.tenantId}/oauth2/v2.0/token`
const form = (fields: Record<string, string>) => new URLSearchParams({
  grant_type: 'client_credentials', client_id: defaultClient.clientId, client_secret: defaultClient.clientSecret, ...fields
}).toString()
const claimsOf = (token: string): Record<string, unknown> => JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString())

test('ClientSecretCredential gets a token for ARM that lasts an hour or more and says whose it is', async () => {
  await using arm = await startArm()

  const { token, expiresOnTimestamp } = await emulatorCredential(arm.emulator).getToken(`${arm.emulator.url}/.default`)

  expect(expiresOnTimestamp - Date.now()).toBeGreaterThan(3_500_000)
  expect(claimsOf(token)).toMatchObject({
    aud: arm.emulator.url, iss: expect.stringContaining(defaultClient.tenantId), tid: defaultClient.tenantId, appid: defaultClient.clientId,
    oid: expect.stringMatching(/^[\da-f-]{36}$/), exp: expect.any(Number)
  })
  const answer = await arm.sendBare('GET', '/subscriptions?api-version=2022-12-01', undefined, { headers: { authorization: `Bearer ${token}` } })
  expect(answer.status).toBe(200)
})

test('a wrong secret is a 401 invalid_client that the SDK reports as AADSTS7000215', async () => {
  await using arm = await startArm()

  const answer = await arm.sendBare('POST', tokenPath, form({ client_secret: 'wrong', scope: 'https://management.azure.com/.default' }))
  const refused = emulatorCredential(arm.emulator, 'wrong').getToken(`${arm.emulator.url}/.default`)

  expect(answer).toMatchObject({ status: 401, body: { error: 'invalid_client', error_description: expect.stringMatching(/^AADSTS7000215: /), error_codes: [7000215] } })
  await expect(refused).rejects.toThrow(/AADSTS7000215/)
})

test.each([
  ['an unknown tenant', '/11111111-2222-4333-8444-555555555555/oauth2/v2.0/token', {}, 400, 90002],
  ['an unknown application', tokenPath, { client_id: '11111111-2222-4333-8444-555555555555' }, 400, 700016],
  ['another grant', tokenPath, { grant_type: 'password' }, 400, 70003],
  ['no scope', tokenPath, { scope: 'openid' }, 400, 70011]
])('a token request with %s is refused', async (_what, path, fields, status, code) => {
  await using arm = await startArm()

  const answer = await arm.sendBare('POST', path, form({ scope: 'https://management.azure.com/.default', ...fields }))

  expect(answer).toMatchObject({ status, body: { error_codes: [code] } })
})

test('scopes as az and Go spell them get a token that ARM takes', async () => {
  await using arm = await startArm()

  for (const scope of [`${arm.emulator.url}//.default`, `${arm.emulator.url}/.default openid offline_access profile`, `${arm.emulator.url.replace('127.0.0.1', 'localhost')}/.default`]) {
    const { body } = await arm.sendBare('POST', tokenPath, form({ scope, claims: '{"access_token":{"xms_cc":{"values":["CP1"]}}}' }))
    const answer = await arm.sendBare('GET', '/subscriptions?api-version=2022-12-01', undefined, { headers: { authorization: `Bearer ${String(body.access_token)}` } })
    expect([scope, answer.status]).toEqual([scope, 200])
  }
})

test('a client assertion stands in for the secret, as workload identities send it', async () => {
  await using arm = await startArm()
  const body = new URLSearchParams({
    grant_type: 'client_credentials', client_id: defaultClient.clientId, scope: 'https://management.azure.com/.default',
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer', client_assertion: 'eyJ.of.the-cluster'
  }).toString()

  expect(await arm.sendBare('POST', tokenPath, body)).toMatchObject({ status: 200, body: { token_type: 'Bearer' } })
})

test('ARM answers 401 and where to sign in when a call has no token', async () => {
  await using arm = await startArm()

  const answer = await arm.sendBare('GET', '/subscriptions?api-version=2022-12-01')

  expect(answer).toMatchObject({ status: 401, body: { error: { code: 'AuthenticationFailed' } } })
  expect(answer.headers['www-authenticate']).toMatch(new RegExp(`^Bearer authorization_uri="${arm.emulator.url}/${defaultClient.tenantId}"`))
})

test('ARM refuses a token for another audience, a forged one and one of another emulator', async () => {
  await using arm = await startArm()
  await using other = await startArm()
  const { body } = await arm.sendBare('POST', tokenPath, form({ scope: 'https://graph.microsoft.com/.default' }))
  const [header, , signature] = (await emulatorToken(arm.emulator)).split('.')
  const forged = Buffer.from(JSON.stringify({ aud: arm.emulator.url, exp: 9_999_999_999 })).toString('base64url')

  for (const token of [String(body.access_token), `${header!}.${forged}.${signature!}`, await emulatorToken(other.emulator), 'nonsense']) {
    const answer = await arm.sendBare('GET', '/subscriptions?api-version=2022-12-01', undefined, { headers: { authorization: `Bearer ${token}` } })
    expect(answer).toMatchObject({ status: 401, body: { error: { code: 'InvalidAuthenticationToken' } } })
  }
})

test('ARM refuses a token that has expired', async () => {
  await using arm = await startArm()
  const token = await emulatorToken(arm.emulator)
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 2 * 86_400_000 })

  const answer = await arm.sendBare('GET', '/subscriptions?api-version=2022-12-01', undefined, { headers: { authorization: `Bearer ${token}` } })

  expect(answer).toMatchObject({ status: 401, body: { error: { code: 'ExpiredAuthenticationToken' } } })
})

test('discovery names the endpoints as the client sees them', async () => {
  await using arm = await startArm()
  const seen = arm.emulator.url.replace('127.0.0.1', 'localhost')

  const configuration = await arm.sendBare('GET', `${seen}/${defaultClient.tenantId}/v2.0/.well-known/openid-configuration`)
  const instance = await arm.sendBare('GET', `${seen}/common/discovery/instance?api-version=1.1`)
  const keys = await arm.sendBare('GET', String(configuration.body.jwks_uri))

  expect(configuration.body).toMatchObject({
    token_endpoint: `${seen}${tokenPath}`, issuer: `${seen}/${defaultClient.tenantId}/v2.0`, authorization_endpoint: `${seen}/${defaultClient.tenantId}/oauth2/v2.0/authorize`
  })
  expect(instance.body.tenant_discovery_endpoint).toMatch(seen)
  expect(keys.body.keys).toEqual([expect.objectContaining({ kty: 'EC', use: 'sig' })])
  expect((await arm.sendBare('GET', '/organizations/v2.0/.well-known/openid-configuration')).status).toBe(200)
  expect((await arm.sendBare('GET', '/11111111-2222-4333-8444-555555555555/v2.0/.well-known/openid-configuration')).status).toBe(400)
})
