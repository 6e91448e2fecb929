import type { Answer } from './answers.ts'
import { param, type Call, type Route } from './call.ts'
import type { Client, Tokens } from './tokens.ts'

/** Microsoft Entra, as far as an application's own credentials go: discovery, keys and the token endpoint. No call needs a token. */
export function entraRoutes ({ tokens, clients }: { tokens: Tokens, clients: readonly Client[] }): Route[] {
  const known = (tenant: string) => everyTenant.has(tenant.toLowerCase()) || clients.some(({ tenantId }) => same(tenantId, tenant))

  return [
    {
      method: 'GET',
      path: '/:tenant/v2.0/.well-known/openid-configuration',
      handler (call) {
        const tenant = param(call, 'tenant')
        if (!known(tenant)) return entraError(400, 'invalid_tenant', 90002, `Tenant '${tenant}' not found.`)
        return { status: 200, body: configuration(call.origin, tenant) }
      }
    },
    { method: 'GET', path: '/:tenant/discovery/v2.0/keys', handler: () => ({ status: 200, body: { keys: tokens.keys() } }) },
    { method: 'GET', path: '/common/discovery/instance', handler: call => ({ status: 200, body: instance(call.origin) }) },
    { method: 'POST', path: '/:tenant/oauth2/v2.0/token', handler: call => token(call, clients, tokens) }
  ]
}

const everyTenant = new Set(['common', 'organizations'])

function token (call: Call, clients: readonly Client[], tokens: Tokens): Answer {
  const form = new URLSearchParams(call.body)
  const tenant = param(call, 'tenant')
  const clientId = form.get('client_id') ?? ''
  const inTenant = clients.filter(({ tenantId }) => everyTenant.has(tenant.toLowerCase()) || same(tenantId, tenant))
  if (inTenant.length === 0) return entraError(400, 'invalid_request', 90002, `Tenant '${tenant}' not found.`)
  if (form.get('grant_type') !== 'client_credentials') return entraError(400, 'unsupported_grant_type', 70003, 'The app requested an unsupported grant type.')

  const ofApp = inTenant.filter(client => same(client.clientId, clientId))
  if (ofApp.length === 0) return entraError(400, 'unauthorized_client', 700016, `Application with identifier '${clientId}' was not found in the directory '${tenant}'.`)
  const client = ofApp.find(({ clientSecret }) => clientSecret === form.get('client_secret')) ?? (hasAssertion(form) ? ofApp[0] : undefined)
  if (client === undefined) return entraError(401, 'invalid_client', 7000215, `Invalid client secret provided for app '${clientId}'.`)

  const audience = audienceOf(form.get('scope') ?? '')
  if (audience === undefined) return entraError(400, 'invalid_scope', 70011, "The provided value for the input parameter 'scope' is not valid. It needs one scope that ends in '/.default'.")
  const { token, expiresInSeconds } = tokens.issue(client, audience, `${call.origin}/${client.tenantId}/v2.0`)
  return { status: 200, body: { token_type: 'Bearer', expires_in: expiresInSeconds, ext_expires_in: expiresInSeconds, access_token: token } }
}

/** A workload identity's token instead of a secret: any will do, the emulator trusts every issuer. */
function hasAssertion (form: URLSearchParams): boolean {
  return form.get('client_assertion_type') === 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer' && form.get('client_assertion') !== ''
}

/** The resource a token is asked for. Clients add scopes of their own, and `//.default` where the audience ends in a slash. */
function audienceOf (scope: string): string | undefined {
  return scope.split(' ').find(value => value.endsWith('/.default'))?.replace(/\/\.default$/, '')
}

function same (a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase()
}

function configuration (origin: string, tenant: string): Record<string, unknown> {
  const authority = `${origin}/${tenant}`
  return {
    token_endpoint: `${authority}/oauth2/v2.0/token`,
    token_endpoint_auth_methods_supported: ['client_secret_post', 'private_key_jwt'],
    jwks_uri: `${authority}/discovery/v2.0/keys`,
    response_modes_supported: ['query', 'fragment', 'form_post'],
    subject_types_supported: ['pairwise'],
    id_token_signing_alg_values_supported: ['ES256'],
    response_types_supported: ['code', 'id_token', 'code id_token', 'id_token token'],
    scopes_supported: ['openid', 'profile', 'email', 'offline_access'],
    issuer: `${authority}/v2.0`,
    authorization_endpoint: `${authority}/oauth2/v2.0/authorize`,
    device_authorization_endpoint: `${authority}/oauth2/v2.0/devicecode`,
    end_session_endpoint: `${authority}/oauth2/v2.0/logout`,
    tenant_region_scope: 'EU',
    cloud_instance_name: new URL(origin).host
  }
}

function instance (origin: string): Record<string, unknown> {
  const { host } = new URL(origin)
  return {
    tenant_discovery_endpoint: `${origin}/common/v2.0/.well-known/openid-configuration`,
    'api-version': '1.1',
    metadata: [{ preferred_network: host, preferred_cache: host, aliases: [host] }]
  }
}

function entraError (status: number, error: string, code: number, message: string): Answer {
  return { status, body: { error, error_description: `AADSTS${code}: ${message}`, error_codes: [code], error_uri: `https://login.microsoftonline.com/error?code=${code}` } }
}
