import assert from 'node:assert/strict'
import { test } from 'node:test'
import { headerValue, headerValues } from '../../src/http/headers.ts'
import { parseLinkHeader } from '../../src/http/link-header.ts'
import { parseHttpDate, parseRetryAfter } from '../../src/http/retry-after.ts'

const NOW = Date.UTC(2025, 0, 15, 12, 0, 0)

test('a header is found whatever its case, its values joined but for cookies', () => {
  const raw = ['Vary', 'a', 'SET-COOKIE', 'x=1', 'vary', 'b', 'Set-Cookie', 'y=2', 'x^', '1', 'Empty', '']
  assert.equal(headerValue(raw, 'vary'), 'a, b')
  assert.equal(headerValue(raw, 'VARY'), 'a, b')
  assert.equal(headerValue(raw, 'set-cookie'), 'x=1')
  assert.deepEqual(headerValues(raw, 'set-cookie'), ['x=1', 'y=2'])
  assert.equal(headerValue(raw, 'empty'), '')
  assert.equal(headerValue(raw, 'x~'), undefined)
  assert.equal(headerValue(raw, 'a'), undefined)
  assert.deepEqual(headerValues(raw, 'nothing'), [])
})

test('Retry-After is read in seconds and in the three formats of dates', () => {
  const cases: [string | undefined, number | undefined][] = [
    ['120', 120_000],
    [' 0 ', 0],
    ['1.5', 1500],
    ['Wed, 15 Jan 2025 12:00:30 GMT', 30_000],
    ['Wednesday, 15-Jan-25 12:00:30 GMT', 30_000],
    ['Wed Jan 15 12:00:30 2025', 30_000],
    ['Sun Feb  2 12:00:00 2025', 18 * 86_400_000],
    ['Sun, 06 Nov 1994 08:49:37 GMT', 0],
    ['Sunday, 06-Nov-94 08:49:37 GMT', 0],
    [undefined, undefined],
  ]
  for (const [value, expected] of cases) assert.equal(parseRetryAfter(value, NOW), expected, value)
  assert.equal(parseRetryAfter('9'.repeat(400), NOW), Number.MAX_SAFE_INTEGER)
})

test('a Retry-After that is neither seconds nor a date is ignored', () => {
  const garbage = [
    '',
    'soon',
    '-1',
    '1s',
    '0x10',
    '1e3',
    'Wed, 31 Feb 2025 12:00:00 GMT',
    'Wed, 15 Foo 2025 12:00:00 GMT',
  ]
  const more = [
    'Wed, 15 Jan 2025 24:00:00 GMT',
    '2025-01-15T12:00:00Z',
    'Wed, 00 Jan 2025 12:00:00 GMT',
    ' '.repeat(9999),
  ]
  for (const value of [...garbage, ...more]) assert.equal(parseRetryAfter(value, NOW), undefined, value)
})

test('a two-digit year is at most fifty years ahead', () => {
  assert.equal(parseHttpDate('Sunday, 06-Nov-75 08:49:37 GMT', NOW), Date.UTC(2075, 10, 6, 8, 49, 37))
  assert.equal(parseHttpDate('Sunday, 06-Nov-76 08:49:37 GMT', NOW), Date.UTC(1976, 10, 6, 8, 49, 37))
  assert.equal(parseHttpDate('Sun, 06 Nov 1994 08:49:60 GMT', NOW), Date.UTC(1994, 10, 6, 8, 50, 0))
})

test('links of a Link header are read with their relations and parameters', () => {
  const links = parseLinkHeader(
    '</next?a=1,2>; rel="Next prefetch"; title="a \\"b\\", c; d" , <https://a.org/>;REL=canonical;rel=x, <>; anchor = "#z" ; flag',
  )
  assert.deepEqual(
    links.map(({ uri, rel }) => [uri, rel]),
    [
      ['/next?a=1,2', ['next', 'prefetch']],
      ['https://a.org/', ['canonical']],
      ['', []],
    ],
  )
  assert.equal(links[0]!.params.get('title'), 'a "b", c; d')
  assert.deepEqual(
    [...links[2]!.params],
    [
      ['anchor', '#z'],
      ['flag', ''],
    ],
  )
})

test('a Link header that is broken gives what can be read of it', () => {
  assert.deepEqual(parseLinkHeader(''), [])
  assert.deepEqual(parseLinkHeader('nonsense'), [])
  assert.deepEqual(parseLinkHeader('<http://a.org'), [])
  assert.equal(parseLinkHeader('junk, <a>; rel="next').length, 1)
  assert.deepEqual(parseLinkHeader('<a>; rel="next')[0]!.rel, ['next'])
  assert.deepEqual(parseLinkHeader('<a>;;; =x; rel=next, <b')[0]!.rel, ['next'])
  assert.deepEqual(parseLinkHeader('<a>; rel=next <b>; rel=prev').length, 1)
  assert.equal(parseLinkHeader('<a>,'.repeat(20_000)).length, 20_000)
})
