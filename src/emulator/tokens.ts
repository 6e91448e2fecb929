import { generateKeyPairSync, randomUUID, sign, verify } from 'node:crypto'
import { unauthenticated } from './answers.ts'
import { isObject, type Call } from './call.ts'
import { guidOf } from './identities.ts'

/** An application that may get tokens. */
export interface Client {
  tenantId: string
  clientId: string
  clientSecret: string
}

export interface Tokens {
  issue: (client: Client, audience: string, issuer: string) => { token: string, expiresInSeconds: number }
  /** Throws ARM's 401 unless the call carries a token of this emulator, for ARM, that has not expired. */
  authenticate: (call: Call) => void
  /** The public keys, as Entra publishes them. */
  keys: () => object[]
}

const lifetimeSeconds = 86_399 // a day, as Entra gives apps that understand revocation; no test outlives it
const publicAudiences = ['https://management.azure.com', 'https://management.core.windows.net'] // those of the public cloud, for clients that know no other
const verifiedKept = 1_000

export function createTokens (defaultTenantId: string): Tokens {
  // Elliptic: a thousand signatures cost less than one RSA key.
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const kid = randomUUID()
  const verified = new Map<string, Claims>()

  function read (token: string): Claims | undefined {
    const known = verified.get(token)
    if (known !== undefined) return known
    const [header = '', payload = '', signature = ''] = token.split('.')
    const key = { key: publicKey, dsaEncoding: 'ieee-p1363' as const }
    if (!verify('sha256', Buffer.from(`${header}.${payload}`), key, Buffer.from(signature, 'base64url'))) return undefined
    const claims: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString())
    if (!isClaims(claims)) return undefined
    if (verified.size >= verifiedKept) verified.clear()
    verified.set(token, claims)
    return claims
  }

  return {
    issue (client, audience, issuer) {
      const issuedAt = Math.floor(Date.now() / 1000)
      const objectId = guidOf(`${client.clientId}/service-principal`)
      const claims = {
        aud: audience, iss: issuer, iat: issuedAt, nbf: issuedAt, exp: issuedAt + lifetimeSeconds,
        appid: client.clientId, appidacr: '1', idtyp: 'app', oid: objectId, sub: objectId, tid: client.tenantId, uti: randomUUID(), ver: '1.0'
      }
      const unsigned = `${encode({ alg: 'ES256', typ: 'JWT', kid })}.${encode(claims)}`
      const signature = sign('sha256', Buffer.from(unsigned), { key: privateKey, dsaEncoding: 'ieee-p1363' }).toString('base64url')
      return { token: `${unsigned}.${signature}`, expiresInSeconds: lifetimeSeconds }
    },

    authenticate (call) {
      const authority = `${call.origin}/${defaultTenantId}`
      const token = /^Bearer +(\S+)$/i.exec(call.headers.authorization ?? '')?.[1]
      if (token === undefined) throw unauthenticated('AuthenticationFailed', "Authentication failed. The 'Authorization' header is missing or is no bearer token.", authority)
      const claims = read(token)
      if (claims === undefined) throw unauthenticated('InvalidAuthenticationToken', 'The access token is invalid.', authority)
      if (claims.exp * 1000 <= Date.now()) throw unauthenticated('ExpiredAuthenticationToken', 'The access token expiry UTC time is earlier than current UTC time.', authority)
      if (!isArmAudience(claims.aud, call.origin)) {
        throw unauthenticated('InvalidAuthenticationToken', `The access token has been obtained for wrong audience or resource '${claims.aud}'.`, authority)
      }
    },

    keys: () => [{ ...publicKey.export({ format: 'jwk' }), kid, use: 'sig', alg: 'ES256' }]
  }
}

type Claims = { aud: string, exp: number }

function isClaims (claims: unknown): claims is Claims {
  return isObject(claims) && typeof claims['aud'] === 'string' && typeof claims['exp'] === 'number'
}

function encode (part: unknown): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url')
}

/** The emulator under any of its names, or the public ARM. */
function isArmAudience (audience: string, origin: string): boolean {
  const wanted = audience.replace(/\/+$/, '')
  if (publicAudiences.includes(wanted) || wanted === origin) return true
  return URL.canParse(wanted) && loopback.has(new URL(wanted).hostname) && new URL(wanted).port === new URL(origin).port
}

const loopback = new Set(['localhost', '127.0.0.1', '[::1]'])
