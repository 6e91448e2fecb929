import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { Answer } from './answers.ts'
import type { Call } from './call.ts'
import { presetAnswer } from './fault-presets.ts'
import type { FaultSpecification } from './control-schemas.ts'

/** What became of a fault so far. */
export interface FaultState {
  id: string
  /** Calls that it looked at. */
  matched: number
  /** Calls that it took hold of. */
  fired: number
  /** Calls that it keeps waiting right now. */
  holding: number
}

/** Says when a connection's client has gone away. */
export interface Connection {
  closed: AbortSignal
}

/** One call in the grip of a fault. */
export interface FiredFault {
  when: 'before' | 'after'
  /** Waits as the fault says. False when the client went away meanwhile. */
  hold: (connection: Connection) => Promise<boolean>
  /** What to do instead of answering as usual. Undefined when the fault only waits. */
  answer: (usual?: Answer) => Answer | 'reset' | undefined
  /** Whether to cut the answer's body in half. */
  truncate: boolean
}

/** The faults that are waiting for their calls. */
export interface Faults {
  add: (specification: FaultSpecification) => FaultState
  /** The fault after it fired, or after so many milliseconds. */
  wait: (id: string, milliseconds: number) => Promise<FaultState | undefined>
  list: () => FaultState[]
  release: (id: string) => boolean
  remove: (id: string) => boolean
  /** Counts a call; the first fault that is due gets it. */
  take: (call: Call) => FiredFault | undefined
  reset: () => void
}

interface Fault {
  id: string
  specification: FaultSpecification
  pattern: RegExp
  matched: number
  fired: number
  held: Set<() => void>
  watchers: Set<() => void>
}

export function createFaults (): Faults {
  const faults = new Map<string, Fault>()

  const stateOf = ({ id, matched, fired, held }: Fault): FaultState => ({ id, matched, fired, holding: held.size })

  function letGo (fault: Fault): void {
    for (const release of fault.held) release()
    fault.held.clear()
  }

  function remove (id: string): boolean {
    const fault = faults.get(id)
    if (fault === undefined) return false
    faults.delete(id)
    letGo(fault)
    for (const tell of fault.watchers) tell()
    return true
  }

  return {
    add (specification) {
      const fault: Fault = {
        id: randomUUID(), specification, matched: 0, fired: 0, held: new Set(), watchers: new Set(),
        pattern: new RegExp(specification.path ?? presetPath, 'i')
      }
      faults.set(fault.id, fault)
      return stateOf(fault)
    },

    async wait (id, milliseconds) {
      const fault = faults.get(id)
      if (fault === undefined) return undefined
      if (fault.fired === 0) await somethingHappens(fault, milliseconds)
      return stateOf(fault)
    },

    list: () => [...faults.values()].map(stateOf),

    release (id) {
      const fault = faults.get(id)
      if (fault === undefined) return false
      letGo(fault)
      return true
    },

    remove,

    take (call) {
      let due: Fault | undefined
      for (const fault of faults.values()) {
        if (!matches(fault, call)) continue
        fault.matched += 1
        const { nth = 1, times = 1 } = fault.specification
        if (fault.matched >= nth && fault.matched < nth + times) due ??= fault
      }
      return due && fire(due)
    },

    reset () {
      for (const id of faults.keys()) remove(id)
    }
  }
}

const presetPath = '/operation(Status(es)?|s)/[^/]+$' // where `operation404` strikes when it is not told

function matches ({ specification, pattern }: Fault, call: Call): boolean {
  if (specification.method !== undefined && specification.method !== call.method) return false
  const search = call.search === '' ? '' : `?${call.search}`
  return pattern.test(specification.path === undefined ? call.path : call.path + search)
}

function somethingHappens (fault: Fault, milliseconds: number): Promise<void> {
  return new Promise(resolve => {
    const done = () => {
      clearTimeout(timer)
      fault.watchers.delete(done)
      resolve()
    }
    const timer = setTimeout(done, milliseconds)
    fault.watchers.add(done)
  })
}

function fire (fault: Fault): FiredFault {
  const { specification } = fault
  return {
    when: specification.when ?? (specification.truncate === true && specification.body === undefined ? 'after' : 'before'),
    truncate: specification.truncate === true,

    async hold ({ closed }) {
      const released = specification.hold === true ? Promise.withResolvers<unknown>() : undefined
      if (released !== undefined) {
        fault.held.add(released.resolve as () => void) // it is resolved without a value
        closed.addEventListener('abort', released.resolve)
      }
      fault.fired += 1
      for (const tell of fault.watchers) tell()

      await delay(specification.delayMs ?? 0, undefined, { signal: closed }).catch(() => undefined) // a client that left ends it
      await released?.promise
      if (released !== undefined) fault.held.delete(released.resolve as () => void)
      return !closed.aborted
    },

    answer (usual) {
      if (specification.reset === true) return 'reset'
      const { status, body, headers } = { ...presetAnswer(specification.preset), ...specification }
      if (status === undefined && body === undefined) {
        return usual && headers ? { ...usual, headers: { ...usual.headers, ...headers } } : undefined
      }
      return {
        status: status ?? usual?.status ?? 200,
        headers: { ...presetAnswer(specification.preset)?.headers, ...headers },
        body: body ?? errorBody(status)
      }
    }
  }
}

const codes: Record<number, string> = {
  400: 'BadRequest', 401: 'InvalidAuthenticationToken', 403: 'AuthorizationFailed', 404: 'ResourceNotFound', 409: 'Conflict', 412: 'PreconditionFailed',
  429: 'TooManyRequests', 500: 'InternalServerError', 502: 'BadGateway', 503: 'ServiceUnavailable', 504: 'GatewayTimeout'
}

/** A body for an error status that was scripted without one. */
function errorBody (status = 200): unknown {
  if (status < 400) return undefined
  const code = codes[status] ?? 'Error'
  return { error: { code, message: `The emulator was told to answer ${status}.` } }
}
