import type { Cluster, Redis } from 'ioredis'
import { scriptOf } from './redis-connection.ts'
import type { IndexEntry, IndexFilter, IndexPosition, JobIndex } from './store.ts'

/**
 * Sorted sets of job ids by time of creation: one of all jobs, and one for each cluster, requester, action and status.
 * A list walks the smallest set that its filter names, and looks at each entry for the rest of the filter.
 */
export function createRedisIndex ({ client, prefix, retentionMs }: { client: Redis | Cluster, prefix: string, retentionMs: number }): JobIndex {
  let writes = 0
  const putEntry = scriptOf(client, 'slipwayPutEntry', 1, putScript)
  const removeEntry = scriptOf(client, 'slipwayRemoveEntry', 1, removeScript)
  const readPage = scriptOf(client, 'slipwayReadPage', 1, pageScript)
  const keyOf = (entry: string) => `${prefix}:${entry}`

  return {
    async put (entry) {
      await putEntry(keyOf('all'), prefix, entry.jobId, JSON.stringify(entry), entry.createdAt, Math.ceil(retentionMs / 1000), writes++ % pruneEvery === 0 ? Date.now() - retentionMs : '', entry.status, ...setsOf(entry))
    },

    async list (filter, { after, limit }) {
      const key = await smallest(filter)
      const entries: IndexEntry[] = []
      let position = after
      // Most sets hold nothing but what is asked for; where they do not, ever more is looked at at a time.
      let size = limit + 1 // one more than asked for tells whether there is a next page
      for (let looked = 0; looked < lookAtMost; looked += size) {
        const batch = await page(key, position, size)
        for (const entry of batch) {
          position = { createdAt: entry.createdAt, jobId: entry.jobId }
          if (matches(filter, entry)) entries.push(entry)
          if (entries.length > limit) return { entries: entries.slice(0, limit), ...nextAfter(entries[limit - 1]) }
        }
        if (batch.length < size) return { entries }
        size = Math.min(size * 4, largestBatch)
      }
      return { entries, ...(position && { next: position }) }
    },

    async remove (jobId) {
      await removeEntry(keyOf('all'), prefix, jobId)
    }
  }

  async function smallest (filter: IndexFilter): Promise<string> {
    const keys = ['all', ...setsOf(filter)].map(keyOf)
    const sizes = await Promise.all(keys.map(async key => await client.zcard(key)))
    return keys[sizes.indexOf(Math.min(...sizes))] ?? keyOf('all')
  }

  /** Entries after a position, newest first; what has no entry any more is passed over. */
  async function page (key: string, after: IndexPosition | undefined, size: number): Promise<IndexEntry[]> {
    const rows = await readPage(key, prefix, after?.createdAt ?? '+inf', after?.jobId ?? '', size) as string[]
    return rows.map(row => JSON.parse(row) as IndexEntry)
  }
}

const largestBatch = 400
const pruneEvery = 100 // writes between two removals of what is too old
const lookAtMost = 2_000 // a page that finds little ends here, with a position to go on from

function nextAfter (entry: IndexEntry | undefined): { next?: IndexPosition } {
  return entry === undefined ? {} : { next: { createdAt: entry.createdAt, jobId: entry.jobId } }
}

/** The sets that an entry stands in, or that a filter names. */
function setsOf ({ cluster, requestedBy, action, status }: Partial<IndexEntry>): string[] {
  return Object.entries({ cluster, requestedBy, action, status }).flatMap(([name, value]) => value === undefined ? [] : [`${name}:${value}`])
}

function matches (filter: IndexFilter, entry: IndexEntry): boolean {
  const same = (['cluster', 'requestedBy', 'action', 'status'] as const).every(name => filter[name] === undefined || filter[name] === entry[name])
  return same && filter.scopes.some(scope => scope === '' || entry.cluster === scope || entry.cluster.startsWith(`${scope}/`))
}

/** Moves a job's id to the sets of its new entry. ARGV: prefix, id, entry, score, ttl, oldest score to keep or '', status, sets… (the cluster's first: it goes by itself when its jobs do) */
const putScript = `
local prefix, id, oldest = ARGV[1], ARGV[2], ARGV[6]
local entryKey = prefix .. ':job:' .. id
local old = redis.call('GET', entryKey)
if old then
  local e = cjson.decode(old)
  if ARGV[7] == 'NotStarted' and e.status ~= 'NotStarted' then return 0 end
  for _, name in ipairs({'cluster', 'requestedBy', 'action', 'status'}) do redis.call('ZREM', prefix .. ':' .. name .. ':' .. e[name], id) end
end
redis.call('SET', entryKey, ARGV[3], 'EX', ARGV[5])
redis.call('ZADD', KEYS[1], ARGV[4], id)
if oldest ~= '' then redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', '(' .. oldest) end
for i = 8, #ARGV do
  local key = prefix .. ':' .. ARGV[i]
  redis.call('ZADD', key, ARGV[4], id)
  if i == 8 then redis.call('EXPIRE', key, ARGV[5]) end
  if oldest ~= '' then redis.call('ZREMRANGEBYSCORE', key, '-inf', '(' .. oldest) end
end
return 1`

const removeScript = `
local prefix, id = ARGV[1], ARGV[2]
local entryKey = prefix .. ':job:' .. id
local old = redis.call('GET', entryKey)
if old then
  local e = cjson.decode(old)
  for _, name in ipairs({'cluster', 'requestedBy', 'action', 'status'}) do redis.call('ZREM', prefix .. ':' .. name .. ':' .. e[name], id) end
end
redis.call('DEL', entryKey)
redis.call('ZREM', KEYS[1], id)
return 1`

/**
 * Entries below a position in (score, id) order, highest first. Sorted sets order equal scores by member, so ids at the
 * position's own score are compared. ARGV: prefix, score, id, count.
 */
const pageScript = `
local prefix, score, last, count = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local found = {}
local function take(ids)
  for _, id in ipairs(ids) do
    if #found >= count then return end
    local entry = redis.call('GET', prefix .. ':job:' .. id)
    if entry then table.insert(found, entry) else redis.call('ZREM', KEYS[1], id) end
  end
end
if last ~= '' then
  local same = {}
  for _, id in ipairs(redis.call('ZREVRANGEBYSCORE', KEYS[1], score, score)) do if id < last then table.insert(same, id) end end
  take(same)
  score = '(' .. score
end
local offset = 0
while #found < count do
  local ids = redis.call('ZREVRANGEBYSCORE', KEYS[1], score, '-inf', 'LIMIT', offset, count)
  local before = #found
  take(ids)
  offset = offset + (#found - before)
  if #ids < count then break end
end
return found`
