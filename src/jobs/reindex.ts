import { indexEntryOf, recordOf } from './queue.ts'
import type { JobStore } from './stores/store.ts'

const pageSize = 500

/** Writes an index entry for every job there is; answers how many. Safe while jobs come and go. */
export async function reindex (store: JobStore): Promise<number> {
  const queue = store.createQueue({})
  let count = 0
  for (const state of ['waiting', 'delayed', 'active', 'completed', 'failed'] as const) {
    for (let start = 0; ; start += pageSize) {
      const jobs: (Parameters<typeof recordOf>[0] | undefined)[] = await queue.getJobs([state], start, start + pageSize - 1, true)
      if (jobs.length === 0) break
      // A job may go away between the listing and its reading.
      for (const job of jobs) {
        if (job === undefined) continue
        await store.index.put(indexEntryOf(recordOf(job)))
        count += 1
      }
    }
  }
  return count
}
