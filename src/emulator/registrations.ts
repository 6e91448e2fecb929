import type { Clock } from './clock.ts'
import { findProvider } from './catalogue.ts'

export const registrationStates = ['NotRegistered', 'Registering', 'Registered', 'Unregistering'] as const

export type RegistrationState = typeof registrationStates[number]

/** Which subscription may use which provider. All may use all, until `set` says otherwise. */
export interface Registrations {
  state: (subscriptionId: string, namespace: string) => RegistrationState
  /** Starts a registration, which takes a while. False when it is registered, or on its way, already. */
  register: (subscriptionId: string, namespace: string) => boolean
  /** Sets a provider's state in every subscription, and how long a registration takes from now on. */
  set: (namespace: string, state: RegistrationState, registerSeconds?: number) => void
  reset: () => void
}

const defaultRegisterSeconds = 5

export function createRegistrations (clock: Clock): Registrations {
  const everywhere = new Map<string, { state: RegistrationState, registerSeconds: number }>()
  const registeredAt = new Map<string, number>() // when a subscription's own registration is done

  const keyOf = (subscriptionId: string, namespace: string) => `${subscriptionId}/${namespace}`.toLowerCase()

  function state (subscriptionId: string, namespace: string): RegistrationState {
    const doneAt = registeredAt.get(keyOf(subscriptionId, namespace))
    if (doneAt !== undefined) return clock.now() >= doneAt ? 'Registered' : 'Registering'
    return everywhere.get(namespace.toLowerCase())?.state ?? 'Registered'
  }

  return {
    state,

    register (subscriptionId, namespace) {
      if (['Registered', 'Registering'].includes(state(subscriptionId, namespace))) return false
      const seconds = everywhere.get(namespace.toLowerCase())?.registerSeconds ?? defaultRegisterSeconds
      registeredAt.set(keyOf(subscriptionId, namespace), clock.now() + seconds * 1000)
      return true
    },

    set (namespace, state, registerSeconds = defaultRegisterSeconds) {
      const name = findProvider(namespace)?.namespace ?? namespace
      everywhere.set(name.toLowerCase(), { state, registerSeconds })
      for (const key of registeredAt.keys()) if (key.endsWith(`/${name.toLowerCase()}`)) registeredAt.delete(key)
    },

    reset () {
      everywhere.clear()
      registeredAt.clear()
    }
  }
}
