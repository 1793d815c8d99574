/** From pages to typed items, through the real command and the library, against the fake web. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { createJob, defineExtractor } from '../../src/index.ts'
import type { PageRecord } from '../../src/index.ts'
import { startOrigin } from '../../src/testing/origin.ts'
import type { Origin } from '../../src/testing/origin.ts'
import type { Content } from '../../src/testing/origin/content.ts'
import { prepare } from '../../src/testing/origin/reply.ts'
import { shop } from '../../src/testing/origin/shop.ts'
import { inFolder, runCli } from '../cli/run-cli.ts'
import { fast, readSummary, shopItems } from './web.ts'
import type { ShopItem } from './web.ts'

const JOB = fileURLToPath(new URL('../../examples/typed-shop/shop.ts', import.meta.url))
const EXTRACTOR = fileURLToPath(new URL('../../examples/typed-shop/product.ts', import.meta.url))

async function shopOrigin(): Promise<Origin> {
  return startOrigin({ sites: { 'shop.test': { content: { kind: 'shop' } } } })
}

function readLines<Value>(path: string): Value[] {
  const text = readFileSync(path, 'utf8')
  return text === ''
    ? []
    : text
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as Value)
}

const byTitle = (a: { title: string }, b: { title: string }): number => (a.title < b.title ? -1 : 1)

test('every product of the shop becomes one typed item in NDJSON, CSV and SQLite, none is refused', async (t) => {
  const origin = await shopOrigin()
  t.after(() => origin.close())
  await inFolder(async (cwd) => {
    const outs = ['-o', 'items.ndjson', '-o', 'items.csv', '-o', 'items.sqlite']
    const args = ['crawl', 'http://shop.test/', '-j', 'shop', '--extract', EXTRACTOR, ...fast(origin), ...outs]
    const { code, stderr } = await runCli(args, { cwd })
    assert.equal(code, 0, stderr)
    const items = readLines<ShopItem>(join(cwd, 'items.ndjson'))
    assert.deepEqual(items.toSorted(byTitle), shopItems().toSorted(byTitle))
    const lines = readFileSync(join(cwd, 'items.csv'), 'utf8').trimEnd().split(/\r?\n/)
    assert.equal(lines.length, 1 + items.length)
    assert.match(lines[0] ?? '', /^title,price,currency,available,category,image/)
    const database = new DatabaseSync(join(cwd, 'items.sqlite'), { readOnly: true })
    const rows = database.prepare('SELECT title, price, available FROM items ORDER BY title').all()
    database.close()
    assert.deepEqual(
      rows.map((row) => [row['title'], row['price'], row['available'] === 1]),
      items.toSorted(byTitle).map(({ title, price, available }) => [title, price, available]),
    )
    const { extraction } = readSummary(cwd, 'shop')
    assert.equal(extraction?.items, items.length)
    assert.equal(extraction?.rejected, 0)
    assert.equal(extraction?.failed, 0)
    assert.match(stderr, new RegExp(`items +${items.length} stored`))
  })
})

test('items that the schema refuses are counted by field with a page to look at, and their pages stay ok', async (t) => {
  const origin = await shopOrigin()
  t.after(() => origin.close())
  await inFolder(async (cwd) => {
    writeFileSync(
      join(cwd, 'strict.ts'),
      `import { defineExtractor } from 'sluice'
const schema = { '~standard': { version: 1, vendor: 'own', validate: (item) => item.available
  ? { value: item } : { issues: [{ message: 'must be there', path: ['available'] }] } } }
export default defineExtractor({ match: '/product/*', schema, extract: (page) => [
  { title: page.$('h1').text(), available: page.$('.stock').text() === 'In stock' }] })
`,
    )
    const args = [
      'crawl',
      'http://shop.test/',
      '-j',
      'shop',
      '--extract',
      'strict.ts',
      ...fast(origin),
      '-o',
      'i.ndjson',
    ]
    const { code, stderr } = await runCli(args, { cwd })
    assert.equal(code, 0, stderr)
    const soldOut = shop().products.filter(({ inStock }) => !inStock).length
    const { extraction, done } = readSummary(cwd, 'shop')
    assert.equal(extraction?.rejected, soldOut)
    assert.equal(extraction?.items, shop().products.length - soldOut)
    assert.deepEqual(
      extraction?.fields.map(({ path, message, count }) => [path, message, count]),
      [['available', 'must be there', soldOut]],
    )
    assert.match(extraction?.fields[0]?.url ?? '', /^http:\/\/shop\.test\/product\//)
    assert.equal(done.failed, 0)
  })
})

const BAD = `import { defineExtractor } from 'sluice'
const kept = []
export default defineExtractor({ extract(page) {
  const n = Number(new URL(page.url).pathname.split('/').at(-1))
  if (n % 100 === 7) throw new Error('one in a hundred')
  if (n % 1000 === 13) for (;;);
  if (n % 1000 === 29) for (;;) kept.push(Array.from({ length: 10000 }, (_, i) => ({ i })))
  return [{ n }]
} })
`

test('an extractor that throws, loops or fills its memory costs those pages alone, each in its class', async (t) => {
  const pages = 2_000
  const origin = await startOrigin({ sites: { 'a.test': { pages: { '/p/*': { body: '<p>page' } } } } })
  t.after(() => origin.close())
  await inFolder(async (cwd) => {
    writeFileSync(join(cwd, 'bad.ts'), BAD)
    const limits = ['--extract-timeout', '2s', '--worker-memory', '32MB', '--workers', '2']
    const args = ['fetch', `http://a.test/p/[0-${pages - 1}]`, '-j', 'bad', '--extract', 'bad.ts', ...limits]
    const { code, stderr } = await runCli([...args, ...fast(origin), '-o', 'items.ndjson'], { cwd })
    assert.equal(code, 0, stderr)
    const items = readLines<{ n: number }>(join(cwd, 'items.ndjson'))
    const bad = (n: number): boolean => n % 100 === 7 || n % 1000 === 13 || n % 1000 === 29
    const good = Array.from({ length: pages }, (_, n) => n).filter((n) => !bad(n))
    assert.deepEqual(
      items.map(({ n }) => n).toSorted((a, b) => a - b),
      good,
    )
    const { codes, done } = readSummary(cwd, 'bad')
    assert.deepEqual(done, {
      ok: good.length,
      unchanged: 0,
      gone: 0,
      denied: 0,
      failed: pages - good.length,
      skipped: 0,
    })
    assert.deepEqual(codes, {
      'ok/': good.length,
      'failed/EXTRACT_THREW': pages / 100,
      'failed/EXTRACT_TIMEOUT': pages / 1000,
      'failed/EXTRACT_MEMORY': pages / 1000,
    })
    assert.equal(origin.ledger('a.test').count, pages + 1, 'no page is fetched again for its extractor')
  })
})

test('bodies that wait for a slow extractor stay within 16 MiB: no more is asked for until it has caught up', async (t) => {
  const pages = 50
  const bytes = 1_000_000
  const body = `<p>${'x'.repeat(bytes - 3)}`
  await inFolder(async (cwd) => {
    const counter = join(cwd, 'served')
    let served = 0
    const content: Content = {
      respond() {
        writeFileSync(counter, String(++served))
        return prepare({ body: Buffer.from(body) })
      },
    }
    const origin = await startOrigin({ sites: { 'a.test': { content } } })
    t.after(() => origin.close())
    // What the site has sent by the end of a page, less the pages before it, is held by Sluice or under way to it.
    writeFileSync(
      join(cwd, 'slow.mjs'),
      `import { readFileSync } from 'node:fs'
      let before = 0
      export default { extract() {
        for (const until = performance.now() + 60; performance.now() < until;);
        return [{ held: Number(readFileSync(${JSON.stringify(counter)}, 'utf8') || 0) - before++ }]
      } }`,
    )
    const args = ['fetch', `http://a.test/p/[1-${pages}]`, '-j', 'slow', '--extract', 'slow.mjs', '--workers', '1']
    const { code, stderr } = await runCli([...args, ...fast(origin), '-o', 'items.ndjson'], { cwd })
    assert.equal(code, 0, stderr)
    const held = readLines<{ held: number }>(join(cwd, 'items.ndjson')).map((item) => item.held)
    assert.equal(held.length, pages)
    const most = Math.max(...held)
    assert.ok(most * bytes <= 16 * 1024 * 1024 + 2 * bytes, `${most} pages of 1 MB`)
    assert.ok(most >= 8, `${most} pages: it runs ahead of the extractor`)
  })
})

test('a page that an extractor threw on is explained with the place in the file', async (t) => {
  const origin = await startOrigin({ sites: { 'a.test': { pages: { '/p/*': { body: '<p>page' } } } } })
  t.after(() => origin.close())
  await inFolder(async (cwd) => {
    writeFileSync(join(cwd, 'bad.ts'), BAD)
    const args = ['fetch', 'http://a.test/p/7', '-j', 'bad', '--extract', 'bad.ts', ...fast(origin)]
    await runCli(args, { cwd })
    const { stdout } = await runCli(['why', 'http://a.test/p/7', '-j', 'bad'], { cwd })
    assert.match(stdout, /EXTRACT_THREW/)
    assert.match(stdout, /one in a hundred/)
    assert.match(stdout, /bad\.ts:5/)
    const command = /sluice (inspect .*)/.exec(stdout)?.[1]
    assert.equal(command, 'inspect http://a.test/p/7 --extract bad.ts')
    const words = (command as string).split(' ')
    const seen = await runCli([...words, '--resolve', origin.resolveFlag], { cwd })
    assert.equal(seen.code, 3)
    assert.match(seen.stdout, /EXTRACT_THREW/)
    assert.match(seen.stdout, /one in a hundred/)
  })
})

test('inspect shows the answer, its headers and times, and the items of the page, and leaves nothing behind', async (t) => {
  const origin = await shopOrigin()
  t.after(() => origin.close())
  const product = shop().products[0]
  await inFolder(async (cwd) => {
    const args = [
      'inspect',
      `http://shop.test${product?.path}`,
      '--extract',
      EXTRACTOR,
      '--resolve',
      origin.resolveFlag,
    ]
    const { code, stdout, stderr } = await runCli(args, { cwd })
    assert.equal(code, 0, stderr)
    assert.match(stdout, /^ok\n http:\/\/shop\.test\/product\//)
    assert.match(stdout, /answer +200 OK +text\/html/)
    assert.match(stdout, /headers +ETag: [^]*Content-Type: text\/html/)
    assert.match(stdout, /first byte +\d/)
    assert.ok(stdout.includes(`"title":"${product?.name}"`))
    const json = await runCli([...args, '--json'], { cwd })
    const seen = JSON.parse(json.stdout) as { v: number; extraction: { items: unknown[] }; record: PageRecord }
    assert.deepEqual([seen.v, seen.extraction.items.length, seen.record.outcome], [1, 1, 'ok'])
    const denied = await runCli(['inspect', 'http://shop.test/cart', '--resolve', origin.resolveFlag], { cwd })
    assert.equal(denied.code, 3)
    assert.match(denied.stdout, /skipped: ROBOTS_DENIED/)
    // The command's own compile cache lies in the home folder, which is this one here.
    assert.deepEqual(
      readdirSync(cwd).filter((name) => name !== '.cache'),
      [],
    )
  })
})

test('what an extractor follows is fetched, and its pages know the label', async (t) => {
  const origin = await shopOrigin()
  t.after(() => origin.close())
  await inFolder(async (cwd) => {
    const extractor = defineExtractor({
      *extract(page) {
        if (page.label === undefined) page.follow(page.links('ul a'), { label: 'list' })
        else if (page.label === 'list') {
          page.follow(page.links('ul a'), { label: 'product' })
          page.follow(page.links('a[rel=next]'), { label: 'list' })
        } else yield { title: page.$('h1')?.text() ?? '', label: page.label }
      },
    })
    const job = createJob({
      job: join(cwd, 'follow'),
      seeds: 'http://shop.test/',
      scope: 'host',
      follow: [],
      resolve: origin.resolveFlag,
      contact: 'https://lab.example/bot',
      delay: 0,
      perHost: 4,
      extract: extractor,
    })
    const records: PageRecord[] = []
    job.on('request.settled', (record) => void records.push(record))
    const titles: string[] = []
    for await (const item of job.items<{ title: string; label: string }>()) titles.push(item.title)
    await job.close()
    assert.deepEqual(
      titles.toSorted(),
      shop()
        .products.map(({ name }) => name)
        .toSorted(),
    )
    assert.ok(records.filter(({ via }) => via === 'follow').length > titles.length)
    assert.equal(
      records.reduce((sum, { items = 0 }) => sum + items, 0),
      titles.length,
    )
  })
})

test('a page that a redirect led to is matched by the URL that answered, and knows the one that was asked for', async (t) => {
  const origin = await shopOrigin()
  t.after(() => origin.close())
  const [product] = shop().products
  origin.handle('shop.test', '/go', () => ({ status: 302, headers: { Location: product?.path ?? '' }, body: '' }))
  await inFolder(async (cwd) => {
    const job = createJob({
      job: join(cwd, 'go'),
      kind: 'fetch',
      seeds: 'http://shop.test/go',
      resolve: origin.resolveFlag,
      delay: 0,
      extract: defineExtractor({ match: '/product/*', extract: ({ url, final }) => [{ url, final }] }),
    })
    const items: unknown[] = []
    for await (const item of job.items()) items.push(item)
    await job.close()
    assert.deepEqual(items, [{ url: 'http://shop.test/go', final: `http://shop.test${product?.path}` }])
  })
})

test('a job file of twenty lines gives every field of every product', async (t) => {
  const origin = await shopOrigin()
  t.after(() => origin.close())
  await inFolder(async (cwd) => {
    const text = readFileSync(JOB, 'utf8')
    assert.ok(text.trimEnd().split('\n').length <= 20)
    writeFileSync(join(cwd, 'shop.ts'), text.replace('https://your.site/', 'http://shop.test/'))
    const quick = ['--delay', '0', '--per-host', '4', '--resolve', origin.resolveFlag, '--progress', 'none']
    const { code, stderr } = await runCli(['run', 'shop.ts', ...quick], { cwd })
    assert.equal(code, 0, stderr)
    const items = readLines<ShopItem>(join(cwd, 'items.ndjson'))
    assert.deepEqual(items.toSorted(byTitle), shopItems().toSorted(byTitle))
    const { extraction } = readSummary(cwd, 'shop.test')
    assert.deepEqual([extraction?.rejected, extraction?.failed], [0, 0])
  })
})

test('with an extractor standard output carries the items, and nothing else', async (t) => {
  const origin = await shopOrigin()
  t.after(() => origin.close())
  await inFolder(async (cwd) => {
    const args = ['crawl', 'http://shop.test/', '-j', 'shop', '--extract', EXTRACTOR, ...fast(origin), '-o', '-']
    const { code, stdout, stderr } = await runCli(args, { cwd })
    assert.equal(code, 0, stderr)
    const titles = stdout
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as ShopItem).title)
    assert.deepEqual(
      titles.toSorted(),
      shop()
        .products.map(({ name }) => name)
        .toSorted(),
    )
  })
})
