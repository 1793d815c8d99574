import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  agedHeaders,
  ageMs,
  isStorable,
  isUsable,
  keptHeaders,
  updatedHeaders,
  varyOf,
} from '../../src/http/freshness.ts'
import type { KeptHead } from '../../src/http/freshness.ts'

const NOW = Date.UTC(2026, 0, 1)
const HOUR = 3_600_000

function kept(fields: Record<string, string>, status = 200): KeptHead {
  return { status, rawHeaders: Object.entries(fields).flat(), askedAt: NOW - 100, receivedAt: NOW }
}

test('a lifetime is what max-age says, else Expires, else nothing; s-maxage is for others', () => {
  const usable = (fields: Record<string, string>, afterMs: number): boolean =>
    isUsable(kept(fields), [], NOW + afterMs, 0)
  assert.equal(usable({ 'Cache-Control': 'max-age=60, s-maxage=1' }, 59_000), true)
  assert.equal(usable({ 'Cache-Control': 'max-age=60, s-maxage=999' }, 60_000), false)
  assert.equal(usable({ 'Cache-Control': 'max-age=60, max-age=10' }, 30_000), false, 'of several the least')
  assert.equal(usable({ 'Cache-Control': 'x="max-age=60"' }, 0), false, 'what stands in quotes names nothing')
  const date = new Date(NOW).toUTCString()
  assert.equal(usable({ Date: date, Expires: new Date(NOW + HOUR).toUTCString() }, HOUR - 1_000), true)
  assert.equal(usable({ Date: date, Expires: '0' }, 0), false)
  assert.equal(usable({ 'Last-Modified': new Date(NOW - 1000 * HOUR).toUTCString() }, 0), false, 'nothing is guessed')
})

test('a request may ask for less or more than freshness, the answer has the last word', () => {
  const stale = { 'Cache-Control': 'max-age=60' }
  const usable = (fields: Record<string, string>, asked: string, maxStaleMs = 0): boolean =>
    isUsable(kept(fields), ['cache-control', asked], NOW + 90_000, maxStaleMs)
  assert.equal(usable(stale, ''), false)
  assert.equal(usable(stale, 'max-stale=60'), true)
  assert.equal(usable(stale, '', HOUR), true)
  assert.equal(usable({ 'Cache-Control': 'max-age=60, must-revalidate' }, 'max-stale=60', HOUR), false)
  assert.equal(usable({ 'Cache-Control': 'no-cache, max-age=600' }, '', HOUR), false)
  assert.equal(usable({ 'Cache-Control': 'max-age=600' }, 'no-cache'), false)
  assert.equal(usable({ 'Cache-Control': 'max-age=600' }, 'max-age=30'), false)
  assert.equal(usable({ 'Cache-Control': 'max-age=600' }, 'min-fresh=550'), false)
})

test('an answer is as old as the caches before say, and never usable once the wall clock has gone back', () => {
  const head = kept({ Age: '30', 'Cache-Control': 'max-age=600' })
  assert.equal(ageMs(head, NOW + 1_000), 31_100)
  assert.deepEqual(agedHeaders(head, NOW + 1_000).slice(-2), ['Age', '31'])
  assert.equal(isUsable(head, [], NOW - 24 * HOUR, HOUR), false)
})

test('what is kept: final answers that may be asked about or used, without the fields of the connection', () => {
  const storable = (fields: Record<string, string>, status = 200, maxStaleMs = 0): boolean =>
    isStorable(kept(fields, status), maxStaleMs)
  assert.equal(storable({}), false)
  assert.equal(storable({}, 200, HOUR), true)
  assert.equal(storable({ ETag: '"1"' }), true)
  assert.equal(storable({ ETag: '"1"', 'Cache-Control': 'No-Store' }), false)
  assert.equal(storable({ ETag: '"1"', Vary: 'Accept, *' }), false)
  assert.equal(storable({ 'Cache-Control': 'max-age=60' }, 404), true)
  for (const status of [206, 304, 401, 403, 429, 500, 503])
    assert.equal(storable({ ETag: '"1"', 'Cache-Control': 'max-age=60' }, status), false, String(status))
  assert.deepEqual(varyOf(['Vary', 'Accept, cookie', 'vary', 'accept']), ['accept', 'cookie'])
  const wire = ['Connection', 'close, X-Own', 'x-own', '1', 'Transfer-Encoding', 'chunked', 'ETag', '"1"']
  assert.deepEqual(keptHeaders(wire), ['ETag', '"1"'])
})

test('a 304 renews the fields it brings, but for those about bytes it does not bring', () => {
  const before = ['ETag', '"1"', 'X-A', 'old', 'Content-Length', '10', 'X-B', 'stays']
  const told = ['x-a', 'new', 'Content-Length', '0', 'Content-Encoding', 'gzip', 'Date', 'now']
  assert.deepEqual(updatedHeaders(before, told), [
    'ETag',
    '"1"',
    'Content-Length',
    '10',
    'X-B',
    'stays',
    'x-a',
    'new',
    'Date',
    'now',
  ])
})
