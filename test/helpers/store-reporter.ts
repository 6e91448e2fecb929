import type { Reporter, TestCase, TestModule, TestRunEndReason, Vitest } from 'vitest/node'
import { storeNames } from './store-names.ts'

/** Prints how many tests ran on each store, and fails a whole run that left one out, or skipped any test. */
export class StoreReporter implements Reporter {
  private vitest: Vitest | undefined

  onInit (vitest: Vitest): void {
    this.vitest = vitest
  }

  onTestRunEnd (modules: readonly TestModule[], _errors: unknown, reason: TestRunEndReason): void {
    const tests = modules.flatMap(module => [...module.children.allTests()])
    const counts = Object.values(storeNames).map(store => {
      const own = tests.filter(test => test.fullName.includes(`[${store}]`))
      return { store, passed: withState(own, 'passed'), failed: withState(own, 'failed') }
    })
    const line = counts.map(({ store, passed, failed }) => `${store}: ${passed} passed${failed > 0 ? `, ${failed} failed` : ''}`).join(' · ')
    process.stdout.write(`\nTests on each store — ${line}\n`)

    // A run of some files, or by name, is for working on one thing; only the whole run has to be whole.
    const isWhole = this.vitest?.config.testNamePattern === undefined && isWithoutFilter(this.vitest)
    const skipped = withState(tests, 'skipped')
    const problems = [
      ...counts.filter(({ passed, failed }) => passed + failed === 0).map(({ store }) => `no test ran on ${store}`),
      ...(skipped > 0 ? [`${skipped} tests were skipped`] : [])
    ]
    if (!isWhole || reason === 'interrupted' || problems.length === 0) return
    process.stdout.write(`THE RUN FAILS: ${problems.join('; ')}.\n`)
    process.once('exit', () => { process.exitCode = 1 }) // the runner sets its own code before it exits
  }
}

/** Files named on the command line; the runner keeps them in its options. */
function isWithoutFilter (vitest: Vitest | undefined): boolean {
  const { filenamePattern } = (vitest ?? {}) as { filenamePattern?: string[] }
  return (filenamePattern ?? []).length === 0
}

function withState (tests: TestCase[], state: ReturnType<TestCase['result']>['state']): number {
  return tests.filter(test => test.result().state === state).length
}
