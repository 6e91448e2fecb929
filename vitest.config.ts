import { defineConfig } from 'vitest/config'
import { StoreReporter } from './test/helpers/store-reporter.ts'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/helpers/stores-setup.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Ours first: the runner's own summary closes the output.
    reporters: [new StoreReporter(), 'default']
  }
})
