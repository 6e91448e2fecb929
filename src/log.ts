import { pino, type Logger } from 'pino'

/** JSON lines on standard output. Tokens, keys and signed operation URLs are taken out wherever they stand. */
export function createLog (level: string, name: string): Logger {
  return pino({
    name,
    level,
    redact: {
      paths: ['req.headers.authorization', 'headers.authorization', '*.authorization', '*.operationUrl', 'err.request', 'err.response', 'err.cause.request', 'err.cause.response', '*.err.request'],
      censor: '[redacted]'
    },
    serializers: {
      req: ({ method, url, id }: { method: string, url: string, id: string }) => ({ method, url: url.split('?', 1)[0], requestId: id }),
      err: describeError
    }
  })
}

/** An error without the requests and answers that the Azure SDK hangs on it: those carry tokens and signed URLs. */
function describeError (error: unknown): object {
  if (!(error instanceof Error)) return { message: String(error) }
  const { name, message, stack, cause } = error
  const code = 'code' in error ? String(error.code) : undefined
  return { type: name, message: withoutSecrets(message), ...(code !== undefined && { code }), stack: withoutSecrets(stack ?? ''), ...(cause !== undefined && { cause: describeError(cause) }) }
}

/** Query strings of URLs may be signatures, and store URLs may hold passwords. */
function withoutSecrets (text: string): string {
  return text.replace(/(https?:\/\/[^\s?"']+)\?[^\s"']*/g, '$1?[redacted]').replace(/(\w+:\/\/)[^\s/@:]*:[^\s/@]*@/g, '$1[redacted]@')
}
