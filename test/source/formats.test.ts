/** Tables, NDJSON, HAR and sitemaps as files. */
import assert from 'node:assert/strict'
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { SluiceError } from '../../src/model/errors.ts'
import { openListSource } from '../../src/source/list.ts'
import { sharedData, skipWithout } from '../shared-data.ts'
import { batchesOf, endOf, folderOf, itemsOf, urlsOf } from './reading.ts'

async function rowsOf(path: string, urlColumn?: string): Promise<unknown[]> {
  const items = await itemsOf(openListSource(path, urlColumn === undefined ? {} : { urlColumn }))
  return items.map(({ url, line, columns }) => [url, line, { ...columns }])
}

test('a table gives the URLs of its URL column, and the other columns with them', async (context) => {
  const write = folderOf(context)
  const path = write(
    'pages.csv',
    'id,URL,name\r\n1,https://a.example/,"x\ny"\r\n\r\n2, https://b.example/ ,é,more\r\n3,\r\n',
  )
  const source = openListSource(path)
  const items = await itemsOf(source)
  assert.deepEqual(
    items.map(({ url, ordinal, line, columns }) => [url, ordinal, line, { ...columns }]),
    [
      ['https://a.example/', 0, 2, { id: '1', name: 'x\ny' }],
      ['https://b.example/', 1, 5, { id: '2', name: 'é', column4: 'more' }],
      ['', 2, 6, { id: '3', name: '' }],
    ],
  )
  assert.deepEqual(await source.columns?.(), ['id', 'name'])
})

test('delimiter, header and URL column of a table are found out', async (context) => {
  const write = folderOf(context)
  assert.deepEqual(await rowsOf(write('a.tsv', 'name\tlink\nx,y\thttps://a.example/\n')), [
    ['https://a.example/', 2, { name: 'x,y' }],
  ])
  assert.deepEqual(await rowsOf(write('b.txt', 'titel;url\nx;https://a.example/\n')), [
    ['https://a.example/', 2, { titel: 'x' }],
  ])
  assert.deepEqual(await rowsOf(write('c.csv', 'site,n\nhttps://a.example/,1\n')), [
    ['https://a.example/', 2, { n: '1' }],
  ])
  assert.deepEqual(await rowsOf(write('d.csv', '1,https://a.example/\n2,https://b.example/\n')), [
    ['https://a.example/', 1, { column1: '1' }],
    ['https://b.example/', 2, { column1: '2' }],
  ])
  assert.deepEqual(await rowsOf(write('e.txt', 'url\nhttps://a.example/\n')), [['https://a.example/', 2, {}]])
  assert.deepEqual(await rowsOf(write('f.txt', 'home,url\nhttps://a.example/,https://b.example/\n'), 'HOME'), [
    ['https://a.example/', 2, { url: 'https://b.example/' }],
  ])
  assert.deepEqual(await rowsOf(write('g.csv.gz', gzipSync('url,a,a,\nhttps://a.example/,1,2,3\n'))), [
    ['https://a.example/', 2, { a: '1', a_2: '2', column4: '3' }],
  ])
})

test('a list with commas in its URLs is no table', async (context) => {
  const path = folderOf(context)('urls.txt', 'https://a.example/?q=1,2\nhttps://a.example/?url,x\n')
  assert.deepEqual(await urlsOf(openListSource(path)), ['https://a.example/?q=1,2', 'https://a.example/?url,x'])
})

test('a table without URLs is refused with the names of its columns', async (context) => {
  const path = folderOf(context)('people.csv', 'name,age\nx,1\n')
  const isRefused = (error: unknown): boolean =>
    error instanceof SluiceError &&
    error.code === 'INPUT_UNREADABLE' &&
    /--url-column.*name, age/.test(error.hint ?? '')
  await assert.rejects(itemsOf(openListSource(path)), isRefused)
  await assert.rejects(itemsOf(openListSource(path, { urlColumn: 'nmae' })), isRefused)
})

test('a quote that is never closed stops the reading instead of swallowing the table', async (context) => {
  const path = folderOf(context)('open.csv', 'url,b\nhttps://a.example/,"1\nhttps://b.example/,2\n')
  await assert.rejects(itemsOf(openListSource(path)), /open\.csv: the table cannot be read from line \d+ on/)
})

test('tables in latin1 are read', async (context) => {
  const path = folderOf(context)('l1.csv', Buffer.from('url,größe\nhttps://a.example/,über\n', 'latin1'))
  assert.deepEqual(await rowsOf(path), [['https://a.example/', 2, { größe: 'über' }]])
})

test('the tables of csv-spectrum are read as their authors meant', {
  skip: skipWithout('conformance/csv-spectrum'),
}, async (context) => {
  interface Case {
    readonly name: string
    readonly csv: string
    readonly json: readonly Record<string, string>[]
  }
  const write = folderOf(context)
  const cases = JSON.parse(readFileSync(sharedData('conformance/csv-spectrum/cases.json')!, 'utf8')) as Case[]
  for (const { name, csv, json } of cases) {
    const urlColumn = Object.keys(json[0]!)[0]!
    const items = await itemsOf(openListSource(write(`${name}.csv`, csv), { urlColumn }))
    assert.deepEqual(
      items.map((item) => ({ [urlColumn]: item.url, ...item.columns })),
      json,
      name,
    )
  }
  assert.equal(cases.length, 11)
})

const cell = fc.oneof(
  fc.constantFrom('plain', 'with "quote"', 'a,b', 'line\nbreak', 'crlf\r\nbreak', '', 'é', ' '),
  fc.string(),
)
const table = fc.array(fc.tuple(fc.webUrl(), cell), { minLength: 1, maxLength: 12 }).map((rows) => ({
  rows,
  text: `url,note\n${rows.map(([url, note]) => `"${url.replaceAll('"', '""')}","${note.replaceAll('"', '""')}"\n`).join('')}`,
}))

test('a table resumed behind any batch goes on as if it had never stopped', async (context) => {
  const write = folderOf(context)
  await fc.assert(
    fc.asyncProperty(table, table, async (first, second) => {
      // More than one batch; the rows in front are cheap.
      const filler = Array.from({ length: 2500 }, (_, i) => `https://a.example/${i},x\n`).join('')
      const rest = second.text.slice('url,note\n'.length)
      const path = write('rows.csv', first.text + filler)
      const source = openListSource(path)
      const batches = await batchesOf(source)
      const all = batches.flatMap((batch) => batch.items)
      assert.deepEqual(
        all.slice(0, first.rows.length).map((item) => [item.url, item.columns!['note']]),
        first.rows,
      )
      let known = 0
      for (const batch of batches) {
        known += batch.items.length
        assert.deepEqual(
          (await batchesOf(source, batch.cursor)).flatMap((later) => later.items),
          all.slice(known),
        )
      }
      appendFileSync(path, rest)
      const later = await batchesOf(openListSource(path), batches.at(-1)!.cursor)
      assert.deepEqual(
        later.flatMap((batch) => batch.items.map((item) => [item.url, item.columns!['note']])),
        second.rows,
      )
      assert.ok(later.every((batch) => batch.reread === undefined))
      assert.equal(later[0]?.items[0]?.ordinal, all.length)
    }),
    { numRuns: 10 },
  )
})

test('a table whose rows have changed is read again from the start', async (context) => {
  const path = folderOf(context)('rows.csv', 'url\nhttps://a.example/\n')
  const cursor = await endOf(openListSource(path))
  writeFileSync(path, 'url\nhttps://b.example/\nhttps://a.example/\n')
  const again = await batchesOf(openListSource(path), cursor)
  assert.deepEqual(
    again.map((batch) => [batch.reread, batch.items.map((item) => item.url)]),
    [[true, ['https://b.example/', 'https://a.example/']]],
  )
})

test('lines of JSON give URLs and columns, bad lines their text', async (context) => {
  const write = folderOf(context)
  const lines = [
    '{"url":"https://a.example/","n":1,"ok":true,"none":null,"o":{"x":[2]}}',
    '{broken',
    '"https://b.example/"',
    '{"n":2}',
    '7',
  ]
  const items = await itemsOf(openListSource(write('rows.ndjson', `${lines.join('\n')}\n`)))
  assert.deepEqual(
    items.map(({ url, line, columns }) => [url, line, { ...columns }]),
    [
      ['https://a.example/', 1, { n: '1', ok: 'true', none: '', o: '{"x":[2]}' }],
      ['{broken', 2, {}],
      ['https://b.example/', 3, {}],
      ['{"n":2}', 4, {}],
      ['7', 5, {}],
    ],
  )
  const named = openListSource(write('named.txt', '{"page":"https://a.example/","url":"x"}\n'), { urlColumn: 'page' })
  assert.deepEqual(
    (await itemsOf(named)).map(({ url, columns }) => [url, { ...columns }]),
    [['https://a.example/', { url: 'x' }]],
  )
})

test('columns may have any name', async (context) => {
  const write = folderOf(context)
  const [json] = await itemsOf(
    openListSource(write('a.ndjson', '{"url":"https://a.example/","__proto__":"x","constructor":"y"}\n')),
  )
  const [row] = await itemsOf(openListSource(write('a.csv', 'url,__proto__,constructor\nhttps://a.example/,x,y\n')))
  for (const item of [json, row])
    assert.deepEqual(Object.entries(item!.columns!), [
      ['__proto__', 'x'],
      ['constructor', 'y'],
    ])
})

test('a sitemap file gives its URLs and is resumed by count and contents', async (context) => {
  const write = folderOf(context)
  const sitemap = (urls: readonly string[]): string =>
    `<?xml version="1.0"?><urlset>${urls.map((url) => `<url><loc>${url}</loc></url>`).join('')}</urlset>`
  const urls = Array.from({ length: 2500 }, (_, i) => `https://a.example/${i}`)
  const path = write('sitemap.xml.gz', gzipSync(sitemap(urls)))
  const batches = await batchesOf(openListSource(path))
  assert.deepEqual(
    batches.flatMap((batch) => batch.items.map((item) => item.url)),
    urls,
  )
  assert.deepEqual(await urlsOf(openListSource(path), batches[0]!.cursor), urls.slice(1000))
  writeFileSync(path, sitemap([...urls, 'https://a.example/new']))
  assert.deepEqual(await urlsOf(openListSource(path), batches.at(-1)!.cursor), ['https://a.example/new'])
  writeFileSync(path, sitemap(['https://a.example/other', ...urls]))
  const again = await batchesOf(openListSource(path), batches[0]!.cursor)
  assert.equal(again.flatMap((batch) => batch.items).length, 2501)
  assert.ok(again.every((batch) => batch.reread === true))
})

test('a JSON Feed gives the URLs of its entries, on one line or many', async (context) => {
  const write = folderOf(context)
  const feed = {
    version: 'https://jsonfeed.org/version/1.1',
    items: [{ url: 'https://a.example/1' }, null, { id: 'x' }, { external_url: 'https://b.example/2' }, { url: 5 }],
  }
  const urls = ['https://a.example/1', 'https://b.example/2']
  assert.deepEqual(await urlsOf(openListSource(write('a.json', JSON.stringify(feed, null, 2)))), urls)
  assert.deepEqual(await urlsOf(openListSource(write('b.json', JSON.stringify(feed).replaceAll('/', '\\/')))), urls)
  const empty = write('c.json', JSON.stringify({ version: feed.version }))
  await assert.rejects(itemsOf(openListSource(empty)), /cannot read .*c\.json as a JSON Feed: it has no items/)
})

test('a HAR file gives the URLs of its requests', async (context) => {
  const write = folderOf(context)
  const har = {
    log: {
      version: '1.2',
      entries: [{ request: { url: 'https://a.example/' } }, {}, { request: { url: 'https://b.example/' } }],
    },
  }
  assert.deepEqual(await urlsOf(openListSource(write('a.har', JSON.stringify(har, null, 2)))), [
    'https://a.example/',
    'https://b.example/',
  ])
  await assert.rejects(itemsOf(openListSource(write('b.har', '{"log":{}}'))), /has no log\.entries/)
})
