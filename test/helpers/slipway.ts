import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { emulatorEnv, type StartedEmulator } from './emulator.ts'
import type { HaltAt } from './halting-worker.ts'

/** A Slipway process of its own. */
export interface SlipwayProcess {
  child: ChildProcess
  /** Everything it has printed so far. */
  output: () => string
  /** Ends it at once and waits for that. */
  kill: () => Promise<void>
  /** Asks it to end and answers its exit code. */
  stop: () => Promise<number | null>
}

/** The environment of a process against an emulator and a store; short times, so that tests need not wait. */
export function slipwayEnv (emulator: StartedEmulator, store: { url: string, namespace: string }, more: Record<string, string> = {}): NodeJS.ProcessEnv {
  return {
    ...process.env,
    ...emulatorEnv(emulator),
    SLIPWAY_STORE_URL: store.url,
    SLIPWAY_STORE_NAMESPACE: store.namespace,
    SLIPWAY_LOCK_MS: '1000',
    SLIPWAY_STALLED_INTERVAL_MS: '500',
    SLIPWAY_POLL_SECONDS: '0.2',
    SLIPWAY_SETTLE_SECONDS: '1.5',
    SLIPWAY_WORKER_HOST: '127.0.0.1',
    SLIPWAY_WORKER_PORT: '0',
    ...more
  }
}

/** Starts the worker as users do. */
export function startWorkerProcess (env: NodeJS.ProcessEnv): SlipwayProcess {
  return run('../../src/worker.ts', [], env)
}

/** Starts the API as users do. */
export function startServerProcess (env: NodeJS.ProcessEnv): SlipwayProcess {
  return run('../../src/server.ts', [], env)
}

/** Starts a worker that halts at one point of its first job; `halted` resolves when it is there, `left` when it has let go of the job. */
export function startHaltingWorker (env: NodeJS.ProcessEnv, at: HaltAt): SlipwayProcess & { halted: Promise<void>, left: Promise<void> } {
  const worker = run('./halting-worker.ts', [at], env)
  const told = async (word: string) => { await new Promise<void>(resolve => { worker.child.on('message', message => { if (message === word) resolve() }) }) }
  return { ...worker, halted: told('halted'), left: told('left') }
}

/** Waits until a service says that it is ready. */
export async function ready (base: string): Promise<void> {
  for (;;) {
    const response = await fetch(`${base}/readyz`).catch(() => undefined)
    if (response?.ok) return
    await new Promise(resolve => setTimeout(resolve, 50)) // nothing tells that a port is about to open
  }
}

function run (file: string, args: string[], env: NodeJS.ProcessEnv): SlipwayProcess {
  const child = spawn(process.execPath, [fileURLToPath(new URL(file, import.meta.url)), ...args], { env, stdio: ['ignore', 'pipe', 'pipe', 'ipc'] })
  let output = ''
  child.stdout?.on('data', chunk => { output += String(chunk) })
  child.stderr?.on('data', chunk => { output += String(chunk) })
  const killWithUs = () => child.kill('SIGKILL')
  process.once('exit', killWithUs)
  const ended = once(child, 'exit')
  ended.then(() => process.off('exit', killWithUs), () => undefined)
  return {
    child,
    output: () => output,
    async kill () {
      child.kill('SIGKILL')
      await ended
    },
    async stop () {
      child.kill('SIGTERM')
      const [code] = await ended as [number | null]
      return code
    }
  }
}
