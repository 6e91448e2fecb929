import type { IncomingHttpHeaders } from 'node:http'
import { invalidContent, type Answer } from './answers.ts'

/** One request as the emulator's handlers see it. */
export interface Call {
  method: string
  /** Scheme and host as the client addressed them: every absolute URL in an answer starts with it. */
  origin: string
  /** Path as sent, still encoded. */
  path: string
  /** Query as sent, byte for byte, without its question mark. */
  search: string
  /** Path parameters, decoded, in the client's own spelling. */
  params: Record<string, string>
  headers: IncomingHttpHeaders
  body: string
}

/** Values of a query parameter. ARM does not look at the case of its name. */
export function queryValues (call: Call, name: string): string[] {
  return [...new URLSearchParams(call.search)].filter(([key]) => key.toLowerCase() === name).map(([, value]) => value)
}

/** The request's JSON body, which must be an object. */
export function jsonBody (call: Call): Record<string, unknown> {
  let body: unknown
  try {
    body = JSON.parse(call.body)
  } catch (error) {
    throw invalidContent(error instanceof Error ? error.message : 'not JSON')
  }
  if (!isObject(body)) throw invalidContent('An object was expected')
  return body
}

export function isObject (value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A path parameter that the route's pattern has. */
export function param (call: Call, name: string): string {
  const value = call.params[name]
  if (value === undefined) throw new Error(`The route has no parameter ${name}`)
  return value
}

/** What computes the answer to a call. It has its whole effect at once, or throws and has none. */
export type Handler = (call: Call) => Answer | Promise<Answer>

/** A method, a path pattern (compared without case) and what answers there. */
export interface Route {
  method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  path: string
  handler: Handler
}
