import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

/** A TCP proxy in front of a store: what stands behind it can fall silent and come back. */
export interface Proxy {
  /** The store's URL, through the proxy. */
  url: string
  /** Nothing gets through any more, and no connection ends: as when a machine hangs. */
  stall: () => void
  /** Everything held back gets through. */
  resume: () => void
  close: () => Promise<void>
}

/** Starts a proxy on a free port of loopback. */
export async function startProxy (target: string): Promise<Proxy> {
  const { hostname, port } = new URL(target)
  const sockets = new Set<Socket>()
  let stalled = false
  const server = createServer({ pauseOnConnect: true }, outer => {
    const inner = connect(Number(port), hostname)
    for (const [from, to] of [[outer, inner], [inner, outer]] as const) {
      sockets.add(from)
      from.on('data', chunk => { to.write(chunk) })
      from.on('error', () => to.destroy())
      from.on('close', () => { sockets.delete(from); to.destroy() })
      if (stalled) from.pause()
      else from.resume()
    }
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const through = new URL(target)
  through.host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    url: through.href,
    stall () {
      stalled = true
      for (const socket of sockets) socket.pause()
    },
    resume () {
      stalled = false
      for (const socket of sockets) socket.resume()
    },
    async close () {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    }
  }
}
