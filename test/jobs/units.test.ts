import fc from 'fast-check'
import { expect, test, vi } from 'vitest'
import { Problem } from '../../src/errors.ts'
import { createStoreClock } from '../../src/jobs/clock.ts'
import { createCursors } from '../../src/jobs/cursor.ts'
import { withinDeadline } from '../../src/jobs/deadline.ts'
import { jobIdFor, parseIdempotencyKey } from '../../src/jobs/idempotency.ts'
import { hashOf } from '../../src/jobs/job.ts'
import { createPollDelay } from '../../src/jobs/poll-delay.ts'

test('polling waits for Retry-After, for the default without one, and for its share of the budget', () => {
  const pace = createPollDelay({ defaultMs: 30_000, perSecond: 15 })
  const near = (delay: number, wanted: number) => { expect(delay / wanted).toBeGreaterThanOrEqual(1); expect(delay / wanted).toBeLessThanOrEqual(1.1) }
  near(pace.delay('a', 7_000), 7_000)
  near(pace.delay('a'), 30_000)
  for (let index = 0; index < 1_500; index++) pace.delay(`job-${index}`, 1_000)
  near(pace.delay('last', 1_000), 1_502 / 15 * 1000)
  for (let index = 0; index < 1_500; index++) pace.forget(`job-${index}`)
  near(pace.delay('last', 1_000), 1_000)
})

test('an operation that another worker has ended is forgotten after twice its delay', () => {
  let now = 0
  const pace = createPollDelay({ defaultMs: 1_000, perSecond: 1 }, () => now)
  for (let index = 0; index < 100; index++) pace.delay(`job-${index}`)
  now = 1_000_000
  expect(pace.delay('new')).toBeLessThan(1_200)
})

test('the store\'s clock is reckoned from the machine\'s and its offset', async () => {
  const clock = createStoreClock(async () => Date.now() - 5_000)
  await clock.measure()
  expect(Math.abs(clock.offsetMs() - 5_000)).toBeLessThan(100)
  expect(Math.abs(clock.now() - (Date.now() - 5_000))).toBeLessThan(100)
})

test('a store that is slow to tell its time, or does not, leaves the clock as it was', async () => {
  let answer = async () => Date.now() - 5_000
  const clock = createStoreClock(async () => await answer())
  await clock.measure()
  const before = clock.offsetMs()
  vi.useFakeTimers()
  answer = async () => { vi.setSystemTime(Date.now() + 30_000); return Date.now() }
  await expect(clock.measure()).rejects.toThrow('ms to tell its time')
  vi.useRealTimers()
  answer = async () => { throw new Error('away') }
  await expect(clock.measure()).rejects.toThrow('away')
  expect(clock.offsetMs()).toBe(before)
})

test('a store call that is late, or fails, becomes a 503 that says what may have happened', async () => {
  vi.useFakeTimers()
  const late = withinDeadline(new Promise(() => undefined)).catch((error: unknown) => error)
  await vi.advanceTimersByTimeAsync(2_000)
  vi.useRealTimers()
  for (const error of [await late, await withinDeadline(Promise.reject(new Error('away'))).catch((error: unknown) => error)]) {
    expect(error).toBeInstanceOf(Problem)
    expect(error).toMatchObject({ code: 'StoreUnavailable', status: 503, headers: { 'retry-after': '5' } })
  }
  expect(await withinDeadline(Promise.resolve(1))).toBe(1)
})

test('a key stands for one job id of its caller, a valid UUID of version 8', () => {
  const visible = fc.stringMatching(/^[\x21-\x7e]{1,255}$/)
  fc.assert(fc.property(visible, fc.constantFrom('portal', 'other'), (key, caller) => {
    const id = jobIdFor(caller, key)
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    expect(jobIdFor(caller, key)).toBe(id)
    expect(jobIdFor(`${caller}2`, key)).not.toBe(id)
  }))
  expect([parseIdempotencyKey(undefined), parseIdempotencyKey('a'), parseIdempotencyKey('"a"')]).toEqual([undefined, 'a', 'a'])
})

test('a cursor gives back its place to the same filters, and to nothing else', () => {
  const cursors = createCursors('secret')
  fc.assert(fc.property(fc.nat(), fc.uuid(), fc.record({ status: fc.constantFrom('Failed', 'Running') }), (createdAt, jobId, filters) => {
    const cursor = cursors.write({ createdAt, jobId }, filters)
    expect(cursors.read(cursor, filters)).toEqual({ createdAt, jobId })
    expect(() => cursors.read(cursor, { status: 'Succeeded' })).toThrow(Problem)
    expect(() => createCursors('another').read(cursor, filters)).toThrow(Problem)
    expect(() => cursors.read(`${cursor.slice(0, -2)}AA`, filters)).not.toThrow(TypeError)
  }), { numRuns: 50 })
  fc.assert(fc.property(fc.string(), text => { expect(() => cursors.read(text, {})).toThrow(Problem) }))
})

test('equal values have equal hashes, in whatever order their keys came', () => {
  expect(hashOf({ a: 1, b: [{ c: 2, d: undefined }] })).toBe(hashOf({ b: [{ c: 2 }], a: 1 }))
  expect(hashOf({ a: 1 })).not.toBe(hashOf({ a: '1' }))
  expect(hashOf([1, 2])).not.toBe(hashOf([2, 1]))
})
