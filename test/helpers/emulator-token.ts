import { ClientSecretCredential } from '@azure/identity'
import type { Emulator } from '../../src/emulator/emulator.ts'

/** The real credential of the Azure SDK, signing in to an emulator. */
export function emulatorCredential ({ url, caPem, client }: Pick<Emulator, 'url' | 'caPem' | 'client'>, clientSecret = client.clientSecret): ClientSecretCredential {
  return new ClientSecretCredential(client.tenantId, client.clientId, clientSecret, {
    authorityHost: url, disableInstanceDiscovery: true, tlsOptions: { ca: caPem }, retryOptions: { maxRetries: 0 }
  })
}

/** A token for the emulator's ARM. */
export async function emulatorToken (emulator: Pick<Emulator, 'url' | 'caPem' | 'client'>): Promise<string> {
  return (await emulatorCredential(emulator).getToken(`${emulator.url}/.default`)).token
}
