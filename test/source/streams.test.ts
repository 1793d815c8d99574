/** Sources without a file: URLs by name, ranges, iterables, pipes. */
import assert from 'node:assert/strict'
import { PassThrough, Readable } from 'node:stream'
import { test } from 'node:test'
import fc from 'fast-check'
import { rangeSource } from '../../src/source/range.ts'
import { streamSource } from '../../src/source/stdin.ts'
import { iterableSource, urlsSource } from '../../src/source/urls.ts'
import { batchesOf, endOf, itemsOf, urlsOf } from './reading.ts'

test('URLs by name are a source that knows how many there are', async () => {
  const source = urlsSource('urls', ['https://a.example/', 'https://b.example/'])
  assert.equal(source.total, 2)
  assert.deepEqual(await itemsOf(source), [
    { url: 'https://a.example/', ordinal: 0 },
    { url: 'https://b.example/', ordinal: 1 },
  ])
  assert.deepEqual(await batchesOf(source, await endOf(source)), [])
})

test('a range is made as it is taken and resumed at any batch', async () => {
  const source = rangeSource('https://a.example/[1-1000000000].pdf')
  assert.equal(source.total, 1e9)
  const batches = source.batches(undefined, new AbortController().signal)[Symbol.asyncIterator]()
  const { value } = (await batches.next()) as { value: { cursor: Uint8Array } }
  await batches.return!()
  const next = (await source.batches(value.cursor, new AbortController().signal)[Symbol.asyncIterator]().next()).value!
  assert.deepEqual(next.items[0], { url: 'https://a.example/1001.pdf', ordinal: 1000 })
  assert.throws(() => rangeSource('https://a.example/[3-1]'), { code: 'OPTION_INVALID' })
})

test('an iterable resumed behind any batch goes on as if it had never stopped', async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(350), fc.boolean(), async (total, isAsync) => {
      const urls = Array.from({ length: total }, (_, i) => `https://a.example/${i}`)
      const source = iterableSource('iterable:0', isAsync ? Readable.from(urls) : urls)
      assert.equal(source.lazy, true)
      const batches = await batchesOf(source)
      assert.deepEqual(
        batches.flatMap((batch) => batch.items.map((item) => item.url)),
        urls,
      )
      for (const batch of batches.slice(-3)) {
        const known = batch.items.at(-1)!.ordinal + 1
        const again = iterableSource('iterable:0', isAsync ? Readable.from(urls) : urls)
        assert.deepEqual(await urlsOf(again, batch.cursor), urls.slice(known))
      }
    }),
    { numRuns: 30 },
  )
})

test('what an asynchronous iterable gives without waiting is one batch, and what has to be waited for holds up nothing', async () => {
  const later = Promise.withResolvers<void>()
  async function* urls(): AsyncGenerator<string> {
    for (let n = 0; n < 40; n++) yield `https://a.example/${n}`
    await later.promise
    yield 'https://a.example/late'
  }
  const batches = iterableSource('iterable:0', urls()).batches(undefined, new AbortController().signal)
  const sizes: number[] = []
  for await (const { items } of batches) {
    sizes.push(items.length)
    if (sizes.length === 2) later.resolve()
  }
  assert.deepEqual(sizes, [32, 8, 1])
})

test('R30: URLs that came before an iterable threw are a batch, and then its error is thrown', async () => {
  async function* urls(): AsyncGenerator<string> {
    yield 'https://a.example/1'
    yield 'https://a.example/2'
    throw new Error('no more')
  }
  const seen: string[] = []
  await assert.rejects(
    async () => {
      const { signal } = new AbortController()
      for await (const { items } of iterableSource('iterable:0', urls()).batches(undefined, signal))
        seen.push(...items.map(({ url }) => url))
    },
    { message: 'no more' },
  )
  assert.deepEqual(seen, ['https://a.example/1', 'https://a.example/2'])
})

test('URL objects of an iterable are taken', async () => {
  assert.deepEqual(await urlsOf(iterableSource('iterable:0', [new URL('https://a.example/x')])), [
    'https://a.example/x',
  ])
})

test('the finally block of a generator runs when its source is given up', async () => {
  const closed: string[] = []
  function* sync(): Generator<string> {
    try {
      for (;;) yield 'https://a.example/'
    } finally {
      closed.push('sync')
    }
  }
  async function* async(): AsyncGenerator<string> {
    try {
      for (;;) yield 'https://a.example/'
    } finally {
      closed.push('async')
    }
  }
  for (const iterable of [sync(), async()]) {
    for await (const batch of iterableSource('iterable:0', iterable).batches(undefined, new AbortController().signal)) {
      assert.ok(batch.items.length > 0)
      break
    }
  }
  assert.deepEqual(closed, ['sync', 'async'])
})

test('an iterable that never gives anything does not hold up the end of a run', async () => {
  const control = new AbortController()
  const never: AsyncIterable<string> = { [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => {}) }) }
  const next = iterableSource('iterable:0', never).batches(undefined, control.signal)[Symbol.asyncIterator]().next()
  control.abort()
  assert.equal((await next).done, true)
})

test('what an iterable throws comes through', async () => {
  async function* broken(): AsyncGenerator<string> {
    yield 'https://a.example/'
    throw new Error('mine')
  }
  await assert.rejects(itemsOf(iterableSource('iterable:0', broken())), /^Error: mine$/)
})

test('lines of a pipe are handed on as they come', async () => {
  const pipe = new PassThrough()
  const batches = streamSource('stdin:', pipe).batches(undefined, new AbortController().signal)[Symbol.asyncIterator]()
  pipe.write('https://a.example/\nhttps://b')
  assert.deepEqual((await batches.next()).value?.items, [{ url: 'https://a.example/', ordinal: 0, line: 1 }])
  pipe.end('.example/')
  assert.deepEqual((await batches.next()).value?.items, [{ url: 'https://b.example/', ordinal: 1, line: 2 }])
  assert.equal((await batches.next()).done, true)
})

test('a pipe is read again when a job continues', async () => {
  const cursor = await endOf(streamSource('stdin:', Readable.from([Buffer.from('https://a.example/\n')])))
  const again = await batchesOf(streamSource('stdin:', Readable.from([Buffer.from('https://b.example/\n')])), cursor)
  assert.deepEqual(
    again.map((batch) => [batch.reread, batch.items.map((item) => item.url)]),
    [[true, ['https://b.example/']]],
  )
})

test('a pipe may carry a table, and text instead of bytes', async () => {
  const pipe = Readable.from(['url,n\nhttps://a.example/,1\n'])
  const [item] = await itemsOf(streamSource('stdin:', pipe))
  assert.deepEqual([item!.url, { ...item!.columns }], ['https://a.example/', { n: '1' }])
})

test('a silent pipe does not hold up the end of a run', async () => {
  const control = new AbortController()
  const pipe = new PassThrough()
  const next = streamSource('stdin:', pipe).batches(undefined, control.signal)[Symbol.asyncIterator]().next()
  control.abort()
  assert.equal((await next).done, true)
  assert.equal(pipe.destroyed, true)
})
