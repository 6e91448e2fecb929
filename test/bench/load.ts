import { Agent, request } from 'node:http'

/** One request of a load. */
export interface Ask { method: string, path: string, body?: string }

/** Sends requests over kept-alive connections for some seconds; answers how many a second came back as they should. */
export async function load (port: number, seconds: number, ask: (index: number) => Ask, connections = 48): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections })
  const until = performance.now() + seconds * 1000
  let sent = 0
  let answered = 0
  const begun = performance.now()
  await Promise.all(Array.from({ length: connections }, async () => {
    while (performance.now() < until) {
      const status = await send(agent, port, ask(sent++))
      if (status >= 300) throw new Error(`answered ${status}`)
      answered += 1
    }
  }))
  agent.destroy()
  return answered / (performance.now() - begun) * 1000
}

async function send (agent: Agent, port: number, { method, path, body }: Ask): Promise<number> {
  return await new Promise((resolve, reject) => {
    request({ agent, port, host: '127.0.0.1', method, path, ...(body !== undefined && { headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) } }) }, answer => {
      answer.resume()
      answer.on('end', () => { resolve(answer.statusCode ?? 0) })
    }).on('error', reject).end(body)
  })
}

/** The middle of some figures. */
export function median (figures: number[]): number {
  return figures.toSorted((one, other) => one - other)[Math.floor(figures.length / 2)] ?? NaN
}
