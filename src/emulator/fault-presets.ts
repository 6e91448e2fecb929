import type { Answer } from './answers.ts'

/** Answers that clients meet in the wild and that are tedious to spell. */
export type FaultPreset = 'html429' | 'operation404'

export function presetAnswer (preset: FaultPreset | undefined): Answer | undefined {
  return preset && presets[preset]
}

const presets: Record<FaultPreset, Answer> = {
  // The front end throttles before ARM does: no JSON, no Retry-After.
  html429: {
    status: 429,
    headers: { 'content-type': 'text/html' },
    body: '<html>\r\n<head><title>429 Too Many Requests</title></head>\r\n<body>\r\n<center><h1>429 Too Many Requests</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n'
  },
  operation404: {
    status: 404,
    body: { error: { code: 'ResourceNotFound', message: 'The operation was not found.', additionalInfo: [] } }
  }
}
