/** The table of docs/adr/0018: what answers mean for a download that broke off. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rangeHeaders, readPartAnswer, validatorOf, type Unfinished } from '../../src/fetch/part-answer.ts'

const WALL = Date.UTC(2026, 0, 1)
const DATE = 'Thu, 02 Jan 2025 00:00:00 GMT'

function fields(...headers: [string, string][]): string[] {
  return headers.flat()
}

test('a strong ETag joins a body with its rest, a weak or broken one does not, even beside a date', () => {
  const date = [
    ['Date', DATE],
    ['Last-Modified', 'Wed, 01 Jan 2025 00:00:00 GMT'],
  ] as [string, string][]
  assert.deepEqual(validatorOf(fields(['ETag', '"a"'], ...date), WALL), { name: 'etag', value: '"a"' })
  assert.deepEqual(validatorOf(fields(['etag', '""']), WALL), { name: 'etag', value: '""' })
  for (const etag of ['W/"a"', 'w/"a"', 'a', '"a', '"a" b', '"a"b"', '']) {
    assert.equal(validatorOf(fields(['ETag', etag], ...date), WALL), undefined, etag)
  }
  assert.equal(validatorOf(fields(['ETag', '"a"'], ['ETag', '"b"']), WALL), undefined)
})

test('a date joins where it is a second or more before the answer', () => {
  const validator = (modified: string, date?: string): unknown =>
    validatorOf(
      fields(['Last-Modified', modified], ...(date === undefined ? [] : [['Date', date] as [string, string]])),
      WALL,
    )
  assert.deepEqual(validator('Wed, 01 Jan 2025 23:59:59 GMT', DATE), {
    name: 'last-modified',
    value: 'Wed, 01 Jan 2025 23:59:59 GMT',
  })
  assert.equal(validator(DATE, DATE), undefined)
  assert.equal(validator('Fri, 03 Jan 2025 00:00:00 GMT', DATE), undefined)
  assert.equal(validator('yesterday', DATE), undefined)
  assert.equal(validator('Wed, 01 Jan 2025 00:00:00 GMT'), undefined, 'no Date')
})

test('a server that refuses ranges gets no part', () => {
  assert.equal(validatorOf(fields(['ETag', '"a"'], ['Accept-Ranges', 'none']), WALL), undefined)
  assert.ok(validatorOf(fields(['ETag', '"a"'], ['Accept-Ranges', 'bytes']), WALL) !== undefined)
})

test('the rest is asked for under the condition that nothing has changed', () => {
  const part: Unfinished = { validator: { name: 'etag', value: '"a"' }, length: 100, count: 60 }
  assert.deepEqual(rangeHeaders(part), { Range: 'bytes=60-', 'If-Range': '"a"' })
})

const PART: Unfinished = { validator: { name: 'etag', value: '"a"' }, length: 100, count: 60 }
const REST: [string, string][] = [
  ['Content-Range', 'bytes 60-99/100'],
  ['ETag', '"a"'],
]

/** Answer → what is done with the part. */
const TABLE: readonly {
  readonly name: string
  readonly status: number
  readonly headers: readonly [string, string][]
  readonly part?: Unfinished
  readonly does: string
}[] = [
  { name: 'the rest', status: 206, headers: [...REST, ['Content-Length', '40']], does: 'append' },
  { name: 'the rest without its length', status: 206, headers: REST, does: 'append' },
  {
    name: 'a piece of the rest',
    status: 206,
    headers: [
      ['Content-Range', 'bytes 60-79/100'],
      ['ETag', '"a"'],
    ],
    does: 'append',
  },
  {
    name: 'another start',
    status: 206,
    headers: [
      ['Content-Range', 'bytes 59-99/100'],
      ['ETag', '"a"'],
    ],
    does: 'mismatch',
  },
  {
    name: 'another length',
    status: 206,
    headers: [
      ['Content-Range', 'bytes 60-100/101'],
      ['ETag', '"a"'],
    ],
    does: 'mismatch',
  },
  {
    name: 'a length that is not told',
    status: 206,
    headers: [
      ['Content-Range', 'bytes 60-99/*'],
      ['ETag', '"a"'],
    ],
    does: 'mismatch',
  },
  {
    name: 'an end behind the whole',
    status: 206,
    headers: [
      ['Content-Range', 'bytes 60-100/100'],
      ['ETag', '"a"'],
    ],
    does: 'mismatch',
  },
  {
    name: 'an end before the start',
    status: 206,
    headers: [
      ['Content-Range', 'bytes 60-59/100'],
      ['ETag', '"a"'],
    ],
    does: 'mismatch',
  },
  {
    name: 'another unit',
    status: 206,
    headers: [
      ['Content-Range', 'lines 60-99/100'],
      ['ETag', '"a"'],
    ],
    does: 'mismatch',
  },
  { name: 'no Content-Range', status: 206, headers: [['ETag', '"a"']], does: 'mismatch' },
  { name: 'two of them', status: 206, headers: [...REST, ['Content-Range', 'bytes 60-99/100']], does: 'mismatch' },
  {
    name: 'another validator',
    status: 206,
    headers: [
      ['Content-Range', 'bytes 60-99/100'],
      ['ETag', '"b"'],
    ],
    does: 'mismatch',
  },
  {
    name: 'the same validator, now weak',
    status: 206,
    headers: [
      ['Content-Range', 'bytes 60-99/100'],
      ['ETag', 'W/"a"'],
    ],
    does: 'mismatch',
  },
  { name: 'no validator', status: 206, headers: [['Content-Range', 'bytes 60-99/100']], does: 'mismatch' },
  {
    name: 'several parts',
    status: 206,
    headers: [...REST, ['Content-Type', 'multipart/byteranges; boundary=x']],
    does: 'mismatch',
  },
  { name: 'a coded rest', status: 206, headers: [...REST, ['Content-Encoding', 'gzip']], does: 'mismatch' },
  {
    name: 'a rest coded on its way',
    status: 206,
    headers: [...REST, ['Transfer-Encoding', 'gzip, chunked']],
    does: 'mismatch',
  },
  { name: 'a chunked rest', status: 206, headers: [...REST, ['Transfer-Encoding', 'chunked']], does: 'append' },
  {
    name: 'a length that is not that of the range',
    status: 206,
    headers: [...REST, ['Content-Length', '41']],
    does: 'mismatch',
  },
  { name: 'the whole', status: 200, headers: [['ETag', '"a"']], does: 'fresh' },
  { name: 'another version', status: 200, headers: [['ETag', '"b"']], does: 'fresh' },
  {
    name: 'nothing left',
    status: 416,
    headers: [['Content-Range', 'bytes */60']],
    part: { ...PART, length: 60 },
    does: 'finish',
  },
  {
    name: 'nothing left of an unknown length',
    status: 416,
    headers: [['Content-Range', 'bytes */60']],
    part: { ...PART, length: undefined },
    does: 'finish',
  },
  {
    name: 'nothing left, of another version',
    status: 416,
    headers: [
      ['Content-Range', 'bytes */60'],
      ['ETag', '"b"'],
    ],
    part: { ...PART, length: 60 },
    does: 'mismatch',
  },
  {
    name: 'shorter now, by just what is missing',
    status: 416,
    headers: [['Content-Range', 'bytes */60']],
    does: 'mismatch',
  },
  { name: 'shorter now', status: 416, headers: [['Content-Range', 'bytes */50']], does: 'mismatch' },
  { name: 'a refusal that says nothing', status: 416, headers: [], does: 'mismatch' },
  { name: 'an overloaded server', status: 503, headers: [['ETag', '"b"']], does: 'other' },
  { name: 'a page that is gone', status: 404, headers: [], does: 'other' },
  { name: 'a redirect', status: 302, headers: [['Location', '/x']], does: 'other' },
  { name: 'what --if-changed asked for', status: 304, headers: [['ETag', '"a"']], does: 'other' },
]

test('every answer to a range has one meaning', () => {
  for (const { name, status, headers, part = PART, does } of TABLE) {
    assert.equal(readPartAnswer(part, status, fields(...headers)).do, does, `${status}: ${name}`)
  }
})

test('the length of the whole is learned from the answer where it was not known', () => {
  const verdict = readPartAnswer({ ...PART, length: undefined }, 206, fields(...REST))
  assert.deepEqual(verdict, { do: 'append', length: 100 })
})

test('a date has to be the same letter by letter', () => {
  const date: Unfinished = { ...PART, validator: { name: 'last-modified', value: 'Wed, 01 Jan 2025 00:00:00 GMT' } }
  const range: [string, string] = ['Content-Range', 'bytes 60-99/100']
  assert.equal(
    readPartAnswer(date, 206, fields(range, ['Last-Modified', 'Wed, 01 Jan 2025 00:00:00 GMT'])).do,
    'append',
  )
  assert.equal(
    readPartAnswer(date, 206, fields(range, ['Last-Modified', 'Wednesday, 01-Jan-25 00:00:00 GMT'])).do,
    'mismatch',
  )
})
