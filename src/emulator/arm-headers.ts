import { randomUUID } from 'node:crypto'
import type { Answer } from './answers.ts'
import type { Call } from './call.ts'

/** What ARM adds to every answer: ids to ask support about, and what is left of the caller's budget. */
export interface ArmHeaders {
  add: (call: Call, answer: Answer) => Answer
}

// ARM's token buckets, per subscription: a burst, and what comes back each second.
const buckets = {
  reads: { burst: 250, perSecond: 25 },
  writes: { burst: 200, perSecond: 10 },
  deletes: { burst: 200, perSecond: 10 }
} as const

type Kind = keyof typeof buckets

export function createArmHeaders (): ArmHeaders {
  const levels = new Map<string, { left: number, at: number }>()

  /** Shown, never enforced: a fault scripts a 429. */
  function remaining (subscriptionId: string, kind: Kind): number {
    const { burst, perSecond } = buckets[kind]
    const key = `${subscriptionId}/${kind}`
    const level = levels.get(key) ?? { left: burst, at: Date.now() }
    const left = Math.max(0, Math.min(burst, level.left + (Date.now() - level.at) / 1000 * perSecond) - 1)
    levels.set(key, { left, at: Date.now() })
    return Math.floor(left)
  }

  return {
    add (call, answer) {
      const id = randomUUID()
      const subscriptionId = /^\/subscriptions\/([^/?]+)/i.exec(call.path)?.[1]?.toLowerCase()
      const kind = call.method === 'DELETE' ? 'deletes' : call.method === 'GET' || call.method === 'HEAD' ? 'reads' : 'writes'
      const clientRequestId = call.headers['x-ms-client-request-id']
      return {
        ...answer,
        headers: {
          'cache-control': 'no-cache',
          'x-ms-request-id': id,
          'x-ms-correlation-request-id': randomUUID(),
          'x-ms-routing-request-id': `WESTEUROPE:${new Date().toISOString().replaceAll(/[-:]|\.\d+/g, '')}:${id}`,
          ...(subscriptionId !== undefined && { [`x-ms-ratelimit-remaining-subscription-${kind}`]: String(remaining(subscriptionId, kind)) }),
          ...(call.headers['x-ms-return-client-request-id'] === 'true' && typeof clientRequestId === 'string' && { 'x-ms-client-request-id': clientRequestId }),
          ...answer.headers
        }
      }
    }
  }
}
