import type { Pool } from 'pg'
import { withDeadlockRetry } from './postgres-retry.ts'
import type { IndexEntry, JobIndex } from './store.ts'

/** Makes Slipway's own tables beside BullMQ's; many processes may do so at once. */
export async function createTables (pool: Pool, namespace: string): Promise<void> {
  const client = await pool.connect()
  try {
    await client.query('BEGIN')
    await client.query('SELECT pg_advisory_xact_lock(hashtext($1))', [`slipway:${namespace}`])
    await client.query(`CREATE SCHEMA IF NOT EXISTS "${namespace}"`)
    await client.query(`
      CREATE TABLE IF NOT EXISTS slipway_secret (name text PRIMARY KEY, value text NOT NULL);
      CREATE TABLE IF NOT EXISTS slipway_job_index (
        job_id text COLLATE "C" PRIMARY KEY,
        cluster text NOT NULL,
        requested_by text NOT NULL,
        action text NOT NULL,
        status text NOT NULL,
        created_at bigint NOT NULL
      );
      CREATE INDEX IF NOT EXISTS slipway_job_index_all ON slipway_job_index (created_at DESC, job_id DESC);
      CREATE INDEX IF NOT EXISTS slipway_job_index_cluster ON slipway_job_index (cluster, created_at DESC, job_id DESC);
      CREATE INDEX IF NOT EXISTS slipway_job_index_requester ON slipway_job_index (requested_by, created_at DESC, job_id DESC);
      CREATE INDEX IF NOT EXISTS slipway_job_index_status ON slipway_job_index (status, created_at DESC, job_id DESC);
      CREATE INDEX IF NOT EXISTS slipway_job_index_action ON slipway_job_index (action, created_at DESC, job_id DESC);
    `)
    await client.query('COMMIT')
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined)
    throw error
  } finally {
    client.release()
  }
}

const pruneEvery = 1_000 // writes between two removals of entries that are too old

/** The index as one table, with an index for each filter in the order of the list. */
export function createPostgresIndex ({ pool, ready, retentionMs }: { pool: Pool, ready: () => Promise<void>, retentionMs: number }): JobIndex {
  let writes = 0

  return {
    async put ({ jobId, cluster, requestedBy, action, status, createdAt }) {
      await ready()
      await withDeadlockRetry(async () => await pool.query(
        `INSERT INTO slipway_job_index (job_id, cluster, requested_by, action, status, created_at) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (job_id) DO UPDATE SET cluster = $2, requested_by = $3, action = $4, status = $5, created_at = $6
         WHERE $5 <> 'NotStarted'`,
        [jobId, cluster, requestedBy, action, status, createdAt]))
      if (writes++ % pruneEvery === 0) await pool.query('DELETE FROM slipway_job_index WHERE created_at < $1', [Date.now() - retentionMs])
    },

    async list ({ cluster, requestedBy, action, status, scopes }, { after, limit }) {
      await ready()
      const values: unknown[] = []
      const value = (given: unknown) => `$${values.push(given)}`
      const conditions = [
        `created_at >= ${value(Date.now() - retentionMs)}`,
        ...Object.entries({ cluster, requested_by: requestedBy, action, status }).flatMap(([column, wanted]) => wanted === undefined ? [] : [`${column} = ${value(wanted)}`]),
        ...(scopes.includes('') ? [] : [`EXISTS (SELECT FROM unnest(${value(scopes)}::text[]) AS scope WHERE cluster = scope OR starts_with(cluster, scope || '/'))`]),
        ...(after ? [`(created_at, job_id) < (${value(after.createdAt)}, ${value(after.jobId)})`] : [])
      ]
      const { rows } = await pool.query<{ job_id: string, cluster: string, requested_by: string, action: string, status: string, created_at: string }>(
        `SELECT * FROM slipway_job_index WHERE ${conditions.join(' AND ')} ORDER BY created_at DESC, job_id DESC LIMIT ${value(limit + 1)}`, values)
      const entries = rows.slice(0, limit).map((row): IndexEntry => ({
        jobId: row.job_id, cluster: row.cluster, requestedBy: row.requested_by, action: row.action, status: row.status, createdAt: Number(row.created_at)
      }))
      const last = entries.at(-1)
      return { entries, ...(rows.length > limit && last && { next: { createdAt: last.createdAt, jobId: last.jobId } }) }
    },

    async remove (jobId) {
      await ready()
      await withDeadlockRetry(async () => await pool.query('DELETE FROM slipway_job_index WHERE job_id = $1', [jobId]))
    }
  }
}
