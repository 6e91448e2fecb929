import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import { checkedFetch } from '../helpers/openapi.ts'
import { findCommand, freePort } from '../helpers/stores-setup.ts'

test('the quickstart shows a failure as a user sees it, and ends with 1', async () => {
  const { output, exited } = start(['--scenario', 'failing', '--exit'])
  expect(await exited).toBe(1)
  expect(output()).toContain('Running · step provision · Azure gets PUT · Azure says Creating')
  expect(output()).toContain('"code": "AzureOperationFailed"')
  expect(output()).toContain('context deadline exceeded')
})

test('the quickstart stays up, and the README\'s lines work on it as printed', async () => {
  const port = await freePort()
  const base = `http://localhost:${port}`
  const { child, output, exited } = start(['--port', String(port)])
  while (!output().includes('The API stays up')) await Promise.race([once(child.stdout, 'data'), exited.then(code => { throw new Error(`ended with ${code}: ${output()}`) })])
  expect(output()).toContain('Succeeded')

  const { stdout } = await promisify(execFile)('bash', ['-euo', 'pipefail', '-c', readmeLines().replaceAll('http://localhost:8080', base)], { maxBuffer: 10_000_000 })

  // The last line of the block lists the cluster's jobs; what each of them came to is the whole story.
  const list = JSON.parse(stdout.slice(stdout.lastIndexOf('{"value":'))) as { value: { action: string, status: string, effect: string }[] }
  expect(list.value.map(({ action, status, effect }) => [action, status, effect])).toEqual([['delete', 'Succeeded', 'deleted'], ['update', 'Succeeded', 'patched'], ['install', 'Succeeded', 'created']])
  expect(stdout).toContain('"provisioningState":"Succeeded"')
  expect((await fetch(`${base}/docs`)).status).toBe(200)
  expect((await checkedFetch(`${base}/readyz`)).status).toBe(200)

  child.kill('SIGTERM')
  expect(await exited).toBe(0)
})

/** The block of the README that installs, follows, shows, updates, deletes and lists. */
function readmeLines (): string {
  findCommand(['curl'], 'curl')
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')
  const block = [...readme.matchAll(/```sh\n(.*?)```/gs)].map(([, lines = '']) => lines).find(lines => lines.includes('curl -s -X PUT'))
  if (block === undefined) throw new Error('the README shows no install')
  return block
}

function start (parameters: string[]) {
  const child = spawn(process.execPath, ['src/quickstart.ts', ...parameters], { stdio: ['ignore', 'pipe', 'inherit'] })
  let text = ''
  child.stdout.on('data', chunk => { text += String(chunk) })
  onTestFinished(() => { child.kill('SIGKILL') })
  return { child, output: () => text, exited: once(child, 'exit').then(([code]) => code as number | null) }
}
