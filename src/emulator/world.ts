import type { Call } from './call.ts'
import { armTime, createClock, stampOf, type Clock } from './clock.ts'
import { createClusters, type Clusters } from './clusters.ts'
import { createFaults, type Faults } from './faults.ts'
import { createLog, hashProtected, type Effect, type LedgerEntry, type Log, type RequestEntry } from './ledger.ts'
import { createOperations, type Operations } from './operations.ts'
import { createRegistrations, type Registrations } from './registrations.ts'
import type { Script } from './script.ts'

/** Everything that the emulator knows between two calls. */
export interface World {
  clock: Clock
  clusters: Clusters
  operations: Operations
  registrations: Registrations
  /** Resource groups made by name, besides those that clusters live in: lower-cased id → name and location. */
  resourceGroups: Map<string, { name: string, location: string }>
  faults: Faults
  ledger: Log<LedgerEntry>
  requests: Log<RequestEntry>
  /** Notes an effective write. */
  record: (call: Call, id: string, effect: Effect, body?: Record<string, unknown>) => void
  /** As just started. */
  reset: () => void
}

const requestsKept = 20_000

/** An empty Azure, whose clusters behave as `defaults` says unless scripted otherwise. */
export function createWorld (defaults: Script = {}): World {
  const clock = createClock()
  const operations = createOperations(clock)
  const clusters = createClusters({ clock, operations, defaults })
  const registrations = createRegistrations(clock)
  const resourceGroups: World['resourceGroups'] = new Map()
  const faults = createFaults()
  const ledger = createLog<LedgerEntry>()
  const requests = createLog<RequestEntry>(requestsKept)

  return {
    clock, operations, clusters, registrations, resourceGroups, faults, ledger, requests,

    record (call, id, effect, body) {
      ledger.add({
        at: armTime(stampOf(clock.now())), method: call.method, id, effect,
        body: body === undefined ? null : hashProtected(body),
        clientRequestId: clientRequestId(call)
      })
    },

    reset () {
      for (const part of [clock, operations, clusters, registrations, faults, ledger, requests]) part.reset()
      resourceGroups.clear()
    }
  }
}

/** The id that a client gave its request, by which its own logs know it. */
export function clientRequestId (call: Call): string | null {
  const id = call.headers['x-ms-client-request-id']
  return typeof id === 'string' ? id : null
}
