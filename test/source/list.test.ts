/** Files of URLs, and what happens to them between two runs. */
import assert from 'node:assert/strict'
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import fc from 'fast-check'
import { SluiceError } from '../../src/model/errors.ts'
import { openListSource } from '../../src/source/list.ts'
import { batchesOf, endOf, folderOf, itemsOf, urlsOf } from './reading.ts'

function isUnreadable(message: RegExp): (error: unknown) => boolean {
  return (error) =>
    error instanceof SluiceError &&
    error.code === 'INPUT_UNREADABLE' &&
    message.test(error.message) &&
    error.hint !== undefined
}

test('a plain list gives its lines with their numbers, without comments and blank lines', async (context) => {
  const write = folderOf(context)
  const path = write(
    'urls.txt',
    '\ufeff# first\r\nhttps://a.example/\r\n\r\n  https://b.example/ü \n#https://no.example/\nhttps://c.example/',
  )
  const source = openListSource(path)
  assert.equal(source.name, `list:${path}`)
  assert.deepEqual(await itemsOf(source), [
    { url: 'https://a.example/', ordinal: 0, line: 2 },
    { url: 'https://b.example/ü', ordinal: 1, line: 4 },
    { url: 'https://c.example/', ordinal: 2, line: 6 },
  ])
})

test('an empty file gives nothing', async (context) => {
  const write = folderOf(context)
  assert.deepEqual(await batchesOf(openListSource(write('empty.txt', ''))), [])
  assert.deepEqual(await batchesOf(openListSource(write('blank.txt', '\n# nothing\n\n'))), [])
})

test('gzip and zstd are told by their bytes, joined files included', async (context) => {
  const write = folderOf(context)
  const urls = ['https://a.example/', 'https://b.example/']
  const [gzip, zstd] = [gzipSync(`${urls[0]}\n`), zstdCompressSync(`${urls[0]}\n`)]
  assert.deepEqual(await urlsOf(openListSource(write('a', Buffer.concat([gzip, gzipSync(urls[1]!)])))), urls)
  assert.deepEqual(await urlsOf(openListSource(write('b', Buffer.concat([zstd, zstdCompressSync(urls[1]!)])))), urls)
})

test('a compressed file that is cut off is an error that names it', async (context) => {
  const write = folderOf(context)
  const lines = Array.from({ length: 5000 }, (_, i) => `https://a.example/${i * i * 7919}`).join('\n')
  for (const whole of [gzipSync(lines), zstdCompressSync(lines)]) {
    const path = write('cut', whole.subarray(0, whole.length >> 1))
    await assert.rejects(itemsOf(openListSource(path)), isUnreadable(/cut.*damaged or cut off/))
  }
})

test('lists in UTF-16, as PowerShell writes them, and in latin1 are read', async (context) => {
  const write = folderOf(context)
  const text = '\ufeffhttps://a.example/é\r\nhttps://b.example/'
  const expected = ['https://a.example/é', 'https://b.example/']
  assert.deepEqual(await urlsOf(openListSource(write('le.txt', Buffer.from(text, 'utf16le')))), expected)
  assert.deepEqual(await urlsOf(openListSource(write('be.txt', Buffer.from(text, 'utf16le').swap16()))), expected)
  assert.deepEqual(await urlsOf(openListSource(write('latin1.txt', Buffer.from(text.slice(1), 'latin1')))), expected)
})

test('options and mirrors of an aria2 input file are passed over', async (context) => {
  const path = folderOf(context)(
    'aria2.txt',
    'https://a.example/f\thttps://mirror.example/f\n  out=f.bin\n\tdir=/tmp\nhttps://b.example/?x=1\n',
  )
  assert.deepEqual(await urlsOf(openListSource(path)), ['https://a.example/f', 'https://b.example/?x=1'])
})

test('ranges in a list stand for many URLs unless glob is off', async (context) => {
  const lines = [
    'https://a.example/[1-3].pdf',
    'https://a.example/{x,y}',
    'https://a.example/{id}',
    'https://[::1]/?a[0]=1',
    'https://a.example/[9-1]',
  ]
  const path = folderOf(context)('urls.txt', lines.join('\n'))
  const items = await itemsOf(openListSource(path))
  assert.deepEqual(
    items.map((item) => `${item.ordinal} ${item.line} ${item.url}`),
    [
      '0 1 https://a.example/1.pdf',
      '1 1 https://a.example/2.pdf',
      '2 1 https://a.example/3.pdf',
      '3 2 https://a.example/x',
      '4 2 https://a.example/y',
      '5 3 https://a.example/{id}',
      '6 4 https://[::1]/?a[0]=1',
      '7 5 https://a.example/[9-1]',
    ],
  )
  assert.deepEqual(await urlsOf(openListSource(path, { glob: false })), lines)
})

test('a line over 64 KiB gives an item with its beginning, however long it is', async (context) => {
  const write = folderOf(context)
  for (const length of [65_537, 6_000_000]) {
    const long = `https://a.example/${'x'.repeat(length)}`
    for (const end of ['', '\nhttps://b.example/']) {
      const items = await itemsOf(openListSource(write('long.txt', `https://c.example/\n${long}${end}`)))
      assert.deepEqual(
        items.map((item) => item.url.length),
        [18, 65_536, ...(end === '' ? [] : [18])],
      )
      assert.deepEqual(
        items.map((item) => item.line),
        [1, 2, ...(end === '' ? [] : [3])],
      )
    }
  }
})

test('batches hold at most 1,000 items, of one range as well', async (context) => {
  const write = folderOf(context)
  const lines = Array.from({ length: 2500 }, (_, i) => `https://a.example/${i}`)
  const sizes = async (path: string): Promise<number[]> =>
    (await batchesOf(openListSource(path))).map((batch) => batch.items.length)
  assert.deepEqual(await sizes(write('lines.txt', lines.join('\n'))), [1000, 1000, 499, 1])
  assert.deepEqual(
    await sizes(write('range.txt', 'https://b.example/\nhttps://a.example/[1-2500]\n')),
    [1000, 1000, 501],
  )
})

const line = fc.oneof(
  fc.webUrl(),
  fc.constantFrom(
    '# comment',
    '',
    '   ',
    'https://a.example/é',
    'https://a.example/[1-1500]',
    'https://b.example/{x,y}',
    '  out=x',
  ),
)
const contents = fc
  .tuple(fc.array(line, { maxLength: 30 }), fc.constantFrom('\n', '\r\n'), fc.boolean())
  .map(([lines, end, isOpen]) => lines.join(end) + (isOpen ? '' : end))

test('a list resumed behind any batch goes on as if it had never stopped', async (context) => {
  const write = folderOf(context)
  await fc.assert(
    fc.asyncProperty(contents, fc.constantFrom('plain', 'gzip'), async (text, packing) => {
      const source = openListSource(write('urls.txt', packing === 'gzip' ? gzipSync(text) : text))
      const batches = await batchesOf(source)
      const all = batches.flatMap((batch) => batch.items)
      assert.deepEqual(
        all.map((item) => item.ordinal),
        all.map((_, i) => i),
      )
      let known = 0
      for (const batch of batches) {
        known += batch.items.length
        const rest = await batchesOf(source, batch.cursor)
        assert.deepEqual(
          rest.flatMap((later) => later.items),
          all.slice(known),
        )
        assert.ok(rest.every((later) => later.reread === undefined))
      }
    }),
    { numRuns: 50 },
  )
})

test('a list that has grown continues with its new lines', async (context) => {
  const write = folderOf(context)
  for (const [before, added] of [
    ['https://a.example/\n', 'https://b.example/\n'],
    ['https://a.example/', '\nhttps://b.example/'],
    ['https://a.example/', '\r\nhttps://b.example/'],
    ['https://a.example/\n# note', ' more\nhttps://b.example/'],
  ] as const) {
    const path = write('urls.txt', before)
    const cursor = await endOf(openListSource(path))
    assert.deepEqual(await batchesOf(openListSource(path), cursor), [])
    appendFileSync(path, added)
    const later = await batchesOf(openListSource(path), cursor)
    const lineNumber = before.includes('#') ? 3 : 2
    assert.deepEqual(
      later.flatMap((batch) => batch.items),
      [{ url: 'https://b.example/', ordinal: 1, line: lineNumber }],
    )
    assert.equal(later[0]?.reread, undefined)
  }
})

test('a list whose beginning has changed is read again from the start', async (context) => {
  const write = folderOf(context)
  const before = 'https://a.example/\nhttps://b.example/'
  for (const after of [
    'https://x.example/\nhttps://b.example/\nhttps://c.example/',
    'https://a.example/',
    '',
    `${before}/longer`,
  ]) {
    const path = write('urls.txt', before)
    const cursor = await endOf(openListSource(path))
    writeFileSync(path, after)
    const again = await batchesOf(openListSource(path), cursor)
    assert.deepEqual(
      again.flatMap((batch) => batch.items.map((item) => item.url)),
      after === '' ? [] : after.split('\n'),
    )
    assert.ok(again.every((batch) => batch.reread === true))
    // And a second interruption does not make it forget that.
    if (again.length > 0) {
      appendFileSync(path, '\nhttps://z.example/')
      assert.deepEqual(
        (await batchesOf(openListSource(path), again.at(-1)!.cursor)).map((batch) => batch.reread),
        [true],
      )
    }
  }
})

test('a list that has become a table, and a cursor of nobody, are read from the start', async (context) => {
  const write = folderOf(context)
  const cursor = await endOf(openListSource(write('urls.txt', 'https://a.example/\n')))
  const table = openListSource(write('urls.txt', 'url,n\nhttps://a.example/,1\n'))
  assert.deepEqual(
    (await batchesOf(table, cursor)).map((batch) => batch.reread),
    [true],
  )
  assert.deepEqual(
    (await batchesOf(table, Buffer.from('?'))).map((batch) => batch.reread),
    [true],
  )
})

test('a file that is missing, a folder and a page are errors with path and hint', async (context) => {
  const write = folderOf(context)
  await assert.rejects(
    itemsOf(openListSource(join(tmpdir(), 'sluice-no-such-file'))),
    isUnreadable(/sluice-no-such-file: there is no such file/),
  )
  await assert.rejects(itemsOf(openListSource(tmpdir())), isUnreadable(/it is a folder/))
  await assert.rejects(
    itemsOf(openListSource(write('page.html', '<!DOCTYPE html><a href=x>'))),
    isUnreadable(/is an HTML page/),
  )
})

test('a reading that is given up closes its file', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-source-'))
  const path = join(folder, 'urls.txt')
  writeFileSync(path, 'https://a.example/\n'.repeat(100_000))
  const control = new AbortController()
  const batches = openListSource(path).batches(undefined, control.signal)[Symbol.asyncIterator]()
  assert.equal((await batches.next()).value?.items.length, 1000)
  control.abort()
  assert.equal((await batches.next()).done, true)
  rmSync(folder, { recursive: true })
})
