import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { createEmulator, defaultSubscriptionId } from './emulator/emulator.ts'
import { usage } from './emulator/usage.ts'

/** The Azure emulator alone, for people who develop against it: `npm run emulator -- --port 8443`. */
const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '8443' },
    host: { type: 'string', default: '127.0.0.1' },
    name: { type: 'string', multiple: true, default: [] },
    'ca-file': { type: 'string', default: '.slipway/emulator-ca.pem' }
  }
})
const port = Number(values.port)
if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new RangeError(`--port must be a port number, not ${values.port}`)

const caFile = resolve(values['ca-file'])
const emulator = await createEmulator({ port, host: values.host, names: values.name, caFile })
console.log(usage({ url: emulator.url, client: emulator.client, caFile, subscriptionId: defaultSubscriptionId }))

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => { void emulator.close() })
