/** How a job grew and when what is done meets what was found; what is said of a job from its counters. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { HostRow, Status, Summary } from '../../src/job/index.ts'
import { diagnose } from '../../src/job/diagnose.ts'
import { Growth, pointsOf, projectionOf } from '../../src/job/growth.ts'

test('a long job keeps a few hundred points from its first to its last, over a restart too', () => {
  let growth = new Growth(undefined)
  for (let second = 0; second < 20_000; second++) {
    growth.add({ at: second * 1000, known: second * 3, done: second * 2 })
    if (second === 10_000) growth = new Growth(growth.encode())
  }
  const points = pointsOf(growth.encode())
  assert.ok(points.length > 60 && points.length <= 240, String(points.length))
  assert.equal(points[0]?.at, 0)
  assert.ok((points.at(-1)?.at ?? 0) > 19_000_000)
  assert.ok(points.every(({ at }, i) => i === 0 || at > (points[i - 1]?.at ?? 0)))
})

test('what is done meets what is found where the lines through the last third cross', () => {
  const points = Array.from({ length: 10 }, (_, n) => ({ at: n * 1000, known: 1000 + n * 10, done: n * 60 }))
  const projection = projectionOf(points)
  assert.equal(projection?.meets, true)
  // 1,090 known and 540 done: 550 left, of which 50 a second are caught up.
  assert.equal(projection?.inMs, 11_000)
  assert.equal(projection?.known, 1200)
})

test('a site that grows faster than it is fetched has no end in sight, and a job that is done needs none', () => {
  const growing = Array.from({ length: 10 }, (_, n) => ({ at: n * 1000, known: n * 100, done: n * 10 }))
  assert.equal(projectionOf(growing)?.meets, false)
  assert.equal(projectionOf(growing.map((point) => ({ ...point, done: point.known }))), undefined)
  assert.equal(projectionOf(growing.slice(0, 2)), undefined)
})

test('what halted a run comes first, then what fails most and the host that sets the end, each with its command', () => {
  const done = { ok: 100, unchanged: 0, gone: 0, denied: 0, failed: 60, skipped: 0 }
  const left = { total: 500, queued: 500, delayed: 0, inFlight: 0, following: 0 }
  const codes = { 'failed/DNS_NOT_FOUND': 60 }
  const status = { folder: '/j.sluice', kind: 'crawl', live: false, done, doneTotal: 160, left, codes, warnings: [] }
  const host = (name: string, waiting: number): object => ({ host: name, left: waiting, intervalMs: 1000 })
  const facts = {
    status: status as unknown as Status,
    hosts: [host('slow.test', 400), host('quick.test', 100)] as HostRow[],
    summary: { halted: { code: 'SINK_FULL', message: 'no space left' } } as unknown as Summary,
    projection: undefined,
  }
  const stopped = diagnose(facts)
  assert.deepEqual(
    stopped.map(({ kind }) => kind),
    ['halted', 'failing'],
  )
  assert.match(stopped[0]?.command ?? '', /sluice resume/)
  const live = diagnose({ ...facts, status: { ...facts.status, live: true } })
  assert.deepEqual(
    live.map(({ kind }) => kind),
    ['failing', 'slowest'],
  )
  assert.equal(live[1]?.kind === 'slowest' && live[1].host, 'slow.test')
})
