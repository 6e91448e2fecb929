import { mkdir, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { AddressInfo } from 'node:net'
import { createCertificates } from './certificates.ts'
import { clusterRoutes } from './cluster-routes.ts'
import { connectedClusterRoutes } from './connected-cluster-routes.ts'
import { controlRoutes } from './control-routes.ts'
import { entraRoutes } from './entra.ts'
import { extensionRoutes } from './extension-routes.ts'
import { extensionTypeRoutes } from './extension-type-routes.ts'
import { createExtensions } from './extensions.ts'
import { defaultClient } from './identities.ts'
import { metadataRoutes } from './metadata-routes.ts'
import type { Script } from './script.ts'
import { createServer } from './server.ts'
import { subscriptionRoutes } from './subscription-routes.ts'
import { createTokens, type Client } from './tokens.ts'
import { createWorld } from './world.ts'

export { defaultClient, defaultSubscriptionId, defaultTenantId } from './identities.ts'

export interface EmulatorOptions {
  /** 0, the default, takes a free one. */
  port?: number
  host?: string
  /** Further names that clients reach it by, for its certificate: the name of a container, for one. */
  names?: string[]
  /** Where to write the certificate authority's PEM, for clients that take it from a file. */
  caFile?: string
  /** Applications that may get tokens; the first one's tenant owns the subscriptions. */
  clients?: Client[]
  /** How clusters behave unless they are scripted otherwise. */
  defaults?: Script
}

/** A running emulator of Azure Resource Manager and Microsoft Entra. */
export interface Emulator extends AsyncDisposable {
  /** Base URL of both, without a trailing slash. */
  url: string
  /** The authority that clients have to trust. */
  caPem: string
  client: Client
  /** Ends open connections too. */
  close: () => Promise<void>
}

/** Starts an emulator that knows no cluster yet. */
export async function createEmulator (options: EmulatorOptions = {}): Promise<Emulator> {
  const { port = 0, host = '127.0.0.1', names = [], caFile, clients = [defaultClient], defaults } = options
  const [client = defaultClient] = clients
  const { tenantId } = client
  const certificates = await createCertificates([host, ...names])
  const world = createWorld(defaults)
  const extensions = createExtensions(world)
  const tokens = createTokens(tenantId)
  const app = createServer({
    world, tokens, certificates,
    routes: {
      open: [...metadataRoutes(tenantId), ...entraRoutes({ tokens, clients })],
      arm: [
        ...subscriptionRoutes(world, tenantId), ...clusterRoutes(world, tenantId), ...connectedClusterRoutes(world, tenantId),
        ...extensionRoutes(world, extensions), ...extensionTypeRoutes(world)
      ],
      control: controlRoutes(world, extensions)
    }
  })

  // First the file, then the port: whoever can connect can trust.
  if (caFile !== undefined) {
    await mkdir(dirname(caFile), { recursive: true })
    await writeFile(caFile, certificates.ca)
  }
  await app.listen({ port, host })
  const close = async () => {
    world.faults.reset() // what is held would keep the server open
    await app.close()
  }
  const { port: actualPort } = app.server.address() as AddressInfo // it listens on a port, not on a pipe
  return {
    url: `https://${isAny(host) ? 'localhost' : host.includes(':') ? `[${host}]` : host}:${actualPort}`,
    caPem: certificates.ca, client, close,
    [Symbol.asyncDispose]: close
  }
}

function isAny (host: string): boolean {
  return host === '0.0.0.0' || host === '::'
}
