import 'reflect-metadata' // @peculiar/x509 wants it loaded first
import { randomBytes, webcrypto } from 'node:crypto'
import {
  AuthorityKeyIdentifierExtension, BasicConstraintsExtension, ExtendedKeyUsage, ExtendedKeyUsageExtension, KeyUsageFlags, KeyUsagesExtension,
  SubjectAlternativeNameExtension, SubjectKeyIdentifierExtension, X509CertificateGenerator, type JsonGeneralName
} from '@peculiar/x509'

/** What a TLS server needs, and the authority that its clients have to trust. All PEM. */
export interface Certificates {
  ca: string
  certificate: string
  key: string
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } // made in a millisecond, known to every client
const validDays = 90

/** Makes an authority and one server certificate for this machine's own names. Nothing of it outlives the process. */
export async function createCertificates (hosts: string[] = []): Promise<Certificates> {
  const notBefore = new Date(Date.now() - 3_600_000) // a client whose clock is a little behind trusts it too
  const notAfter = new Date(Date.now() + validDays * 86_400_000)
  const caKeys = await keyPair()
  const serverKeys = await keyPair()

  const ca = await X509CertificateGenerator.createSelfSigned({
    name: `CN=Slipway Azure emulator ${randomBytes(4).toString('hex')}`, // two authorities of one name confuse OpenSSL
    serialNumber: serialNumber(), notBefore, notAfter, keys: caKeys, signingAlgorithm: algorithm,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(caKeys.publicKey)
    ]
  })
  const server = await X509CertificateGenerator.create({
    subject: 'CN=localhost', issuer: ca.subject,
    serialNumber: serialNumber(), notBefore, notAfter,
    publicKey: serverKeys.publicKey, signingKey: caKeys.privateKey, signingAlgorithm: algorithm,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
      new SubjectAlternativeNameExtension(names(hosts)),
      await AuthorityKeyIdentifierExtension.create(ca.publicKey),
      await SubjectKeyIdentifierExtension.create(serverKeys.publicKey)
    ]
  })
  return { ca: ca.toString('pem'), certificate: server.toString('pem'), key: await privateKeyPem(serverKeys.privateKey) }
}

function names (hosts: string[]): JsonGeneralName[] {
  const extra = hosts.filter(host => /^[a-z][a-z\d.-]*$/i.test(host) && host !== 'localhost')
  return [
    ...['localhost', ...extra].map(value => ({ type: 'dns' as const, value })),
    { type: 'ip', value: '127.0.0.1' },
    { type: 'ip', value: '::1' }
  ]
}

async function keyPair (): Promise<webcrypto.CryptoKeyPair> {
  return await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
}

/** Positive and never the same twice: clients refuse a serial number that they have seen from this issuer. */
function serialNumber (): string {
  return `01${randomBytes(15).toString('hex')}`
}

async function privateKeyPem (key: webcrypto.CryptoKey): Promise<string> {
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', key))
  const lines = der.toString('base64').match(/.{1,64}/g) ?? []
  return ['-----BEGIN PRIVATE KEY-----', ...lines, '-----END PRIVATE KEY-----', ''].join('\n')
}
