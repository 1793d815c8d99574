/** Another extractor over stored pages: no request, what would change field by field, and only --accept writes. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { startOrigin } from '../../src/testing/origin.ts'
import type { Content } from '../../src/testing/origin/content.ts'
import { htmlPage, prepare } from '../../src/testing/origin/reply.ts'
import { shop } from '../../src/testing/origin/shop.ts'
import { inFolder, runCli } from '../cli/run-cli.ts'
import type { Ended } from '../cli/run-cli.ts'
import { fast } from './web.ts'

const extractor = (fields: string): string =>
  `import { defineExtractor } from 'sluice'
export default defineExtractor({ match: '/product/*', extract: (page) => [{ ${fields} }] })
`

const readItems = (path: string): Record<string, unknown>[] =>
  readFileSync(path, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)

test('a better extractor runs over the stored pages without a request, and shows what it changes before it is accepted', async (t) => {
  const origin = await startOrigin({ sites: { 'shop.test': { content: { kind: 'shop' } } } })
  t.after(() => origin.close())
  const count = shop().products.length
  await inFolder(async (cwd) => {
    writeFileSync(join(cwd, 'old.ts'), extractor("title: page.$('h1').text(), price: page.$('.price').text(), old: 1"))
    writeFileSync(
      join(cwd, 'new.ts'),
      extractor("title: page.$('h1').text(), price: page.$('.price').number(), image: page.$('img').url()"),
    )
    const crawl = ['crawl', 'http://shop.test/', '-j', 'shop', '--store', '--extract', 'old.ts', ...fast(origin)]
    assert.equal((await runCli(crawl, { cwd })).code, 0)
    const place = join(cwd, 'shop.sluice', 'items.ndjson')
    const before = readFileSync(place, 'utf8')
    const requests = origin.ledger().count

    const shown = await runCli(['extract', 'shop', '--with', 'new.ts'], { cwd })
    assert.equal(shown.code, 0, shown.stderr)
    assert.match(shown.stdout, new RegExp(`^${count} pages, ${count} items, .*0 requests`))
    assert.match(shown.stdout, new RegExp(`items: 0 same, ${count} changed, 0 new, 0 gone`))
    assert.match(shown.stdout, new RegExp(`price +=0 ~${count} \\+0 -0\\n +"\\$[\\d.]+" -> [\\d.]+ +http://shop`))
    assert.match(shown.stdout, new RegExp(`image +=0 ~0 \\+${count} -0`))
    assert.match(shown.stdout, new RegExp(`old +=0 ~0 \\+0 -${count}`))
    assert.ok(!/ title +=/.test(shown.stdout), 'what stays the same is not listed')
    assert.equal(readFileSync(place, 'utf8'), before, 'nothing is written yet')

    const accepted = await runCli(['extract', 'shop', '--with', 'new.ts', '--accept'], { cwd })
    assert.equal(accepted.code, 0, accepted.stderr)
    assert.match(accepted.stdout, /the extractor of the job was old\.ts; from now on it is .*new\.ts/)
    const stood = await runCli(['export', 'shop', '--items', '-o', 'stands.ndjson'], { cwd })
    assert.equal(stood.code, 0, stood.stderr)
    const items = readItems(join(cwd, 'stands.ndjson'))
    assert.equal(items.length, count)
    assert.equal(readItems(place).length, 2 * count, 'the file grows: the new items stand behind the old ones')
    assert.ok(
      items.every(({ price, image, old }) => typeof price === 'number' && image !== undefined && old === undefined),
    )
    assert.equal(origin.ledger().count, requests, 'nobody asked the site')

    const again = await runCli(['extract', 'shop', '--with', 'new.ts'], { cwd })
    assert.match(again.stdout, new RegExp(`items: ${count} same, 0 changed, 0 new, 0 gone`), 'it is the job’s own now')
  })
})

test('accepted items go where the items of the job go, by their keys, and the job goes on behind them', async (t) => {
  const origin = await startOrigin()
  t.after(() => origin.close())
  const serve = (name: string, body: string): void =>
    origin.handle('s.test', `/${name}`, () => ({ headers: { 'Content-Type': 'text/html' }, body }))
  for (const name of ['a', 'b', 'c']) serve(name, `<h1>${name}</h1><p>${name} one<p>${name} two`)
  origin.handle('s.test', '/old', () => ({ status: 302, headers: { Location: '/c' } }))
  await inFolder(async (cwd) => {
    const run = async (...args: string[]): Promise<Ended> => {
      const ended = await runCli(args, { cwd })
      assert.equal(ended.code, 0, `${args.join(' ')}\n${ended.stderr}`)
      return ended
    }
    writeFileSync(join(cwd, 'one.ts'), "export default { extract: (page) => [{ url: page.url, by: 'one' }] }")
    const two = `export default { match: ['/a', '/c'], extract: (page) => page.$$('p').map((p) => ({ url: page.url, by: 'two', text: p.text() })) }`
    writeFileSync(join(cwd, 'two.ts'), two)
    writeFileSync(join(cwd, 'list.txt'), ['a', 'b', 'old'].map((name) => `http://s.test/${name}\n`).join(''))
    const outs = ['items.sqlite', 'items.csv', 'items.ndjson.gz'].flatMap((out) => ['-o', out])
    const fetch = ['fetch', 'list.txt', '-j', 's', '--store', '--extract', 'one.ts', ...outs, ...fast(origin)]
    await run(...fetch)
    const requests = origin.ledger().count
    const shown = await run('extract', 's', '--with', 'two.ts')
    assert.match(shown.stdout, /--accept writes the items to the outputs of the job and keeps this extractor/)
    // The columns of the first extractor stay: what they lack is in _more.
    for (const time of ['first', 'second']) {
      const accepted = await run('extract', 's', '--with', 'two.ts', '--accept')
      assert.match(accepted.stdout, /written: .*items\.sqlite.*items\.csv.*items\.ndjson\.gz/)
      assert.equal(/from now on it is/.test(accepted.stdout), time === 'first')
      const { stdout } = await run(
        'query',
        's',
        'select _url as url, by, _more as more from items order by _url, _more',
      )
      assert.deepEqual(
        stdout
          .trimEnd()
          .split('\n')
          .map((line) => JSON.parse(line) as unknown),
        ['a', 'a', 'old', 'old'].map((name, i) => ({
          url: `http://s.test/${name}`,
          by: 'two',
          more: JSON.stringify({ text: `${name === 'old' ? 'c' : name} ${i % 2 === 0 ? 'one' : 'two'}` }),
        })),
        `after the ${time} time: the rows of each page are replaced, those of a page that gives nothing now are gone`,
      )
      const stands = (await run('export', 's', '--items')).stdout.trimEnd().split('\n')
      assert.equal(stands.length, 4)
    }
    assert.equal((readFileSync(join(cwd, 'items.csv'), 'utf8').match(/,two,/g) ?? []).length, 8, 'CSV grows each time')
    assert.equal(origin.ledger().count, requests, 'nobody asked the site')
    assert.equal((await run('verify', 's')).code, 0)

    // The job goes on: positions of all outputs are as it left them, and the new extractor is its own.
    serve('d', '<p>d one')
    writeFileSync(
      join(cwd, 'list.txt'),
      ['a', 'b', 'old', 'd', 'a?x'].map((name) => `http://s.test/${name}\n`).join(''),
    )
    await run('resume', 's', '--progress', 'none')
    serve('a', '<h1>a</h1><p>a three')
    await run(...fetch.map((word) => (word === 'one.ts' ? 'two.ts' : word)), '--if-changed')
    const last = (await run('export', 's', '--items')).stdout.trimEnd().split('\n')
    assert.deepEqual(last.map((line) => (JSON.parse(line) as { text: string }).text).toSorted(), [
      'a three',
      'c one',
      'c two',
    ])
  })
})

test('a job whose outputs hold pages takes no items among them', async (t) => {
  const origin = await startOrigin({
    sites: { 'shop.test': { content: { kind: 'shop', categories: 1, products: 2 } } },
  })
  t.after(() => origin.close())
  await inFolder(async (cwd) => {
    writeFileSync(join(cwd, 'e.ts'), extractor("title: page.$('h1').text()"))
    const crawl = ['crawl', 'http://shop.test/', '--store', ...fast(origin)]
    assert.equal((await runCli([...crawl, '-j', 'pages', '-o', 'pages.ndjson'], { cwd })).code, 0)
    const before = readFileSync(join(cwd, 'pages.ndjson'), 'utf8')
    const config = readFileSync(join(cwd, 'pages.sluice', 'config.json'), 'utf8')
    const refused = await runCli(['extract', 'pages', '--with', 'e.ts', '--accept'], { cwd })
    assert.equal(refused.code, 2, refused.stdout)
    assert.match(refused.stderr, /OPTION_INVALID: the outputs of pages hold pages, no items[^]*-o items\.ndjson/)
    const beside = await runCli(['extract', 'pages', '--with', 'e.ts', '--accept', '-o', 'items.ndjson'], { cwd })
    assert.equal(beside.code, 0, beside.stderr)
    assert.equal(readItems(join(cwd, 'items.ndjson')).length, 2)
    assert.equal(readFileSync(join(cwd, 'pages.ndjson'), 'utf8'), before)
    assert.equal(readFileSync(join(cwd, 'pages.sluice', 'config.json'), 'utf8'), config, 'and the job is as it was')
    assert.equal((await runCli([...crawl, '-j', 'plain'], { cwd })).code, 0)
    const first = await runCli(['extract', 'plain', '--with', 'e.ts', '--accept'], { cwd })
    assert.equal(first.code, 0, first.stderr)
    assert.match(first.stdout, /from now on .*e\.ts is the extractor of the job/)
    assert.equal(readItems(join(cwd, 'plain.sluice', 'items.ndjson')).length, 2)
  })
})

test('a file of somebody is never written over, and a job without an archive says how to get one', async (t) => {
  const origin = await startOrigin({
    sites: { 'shop.test': { content: { kind: 'shop', categories: 1, products: 2 } } },
  })
  t.after(() => origin.close())
  await inFolder(async (cwd) => {
    writeFileSync(join(cwd, 'e.ts'), extractor("title: page.$('h1').text()"))
    assert.equal((await runCli(['crawl', 'http://shop.test/', '-j', 'shop', ...fast(origin)], { cwd })).code, 0)
    const without = await runCli(['extract', 'shop', '--with', 'e.ts'], { cwd })
    assert.equal(without.code, 2)
    assert.match(without.stderr, /has no archive[^]*--store/)
    assert.equal(
      (await runCli(['crawl', 'http://shop.test/', '-j', 'kept', '--store', ...fast(origin)], { cwd })).code,
      0,
    )
    writeFileSync(join(cwd, 'mine.ndjson'), '{"mine":true}\n')
    const refused = await runCli(['extract', 'kept', '--with', 'e.ts', '--accept', '-o', 'mine.ndjson'], { cwd })
    assert.equal(refused.code, 2, refused.stdout)
    assert.equal(readFileSync(join(cwd, 'mine.ndjson'), 'utf8'), '{"mine":true}\n')
    const archive = join('kept.sluice', 'archive')
    const alone = await runCli(['extract', archive, '--with', 'e.ts', '--accept', '-o', 'fresh.csv'], { cwd })
    assert.equal(alone.code, 0, alone.stderr)
    assert.ok(existsSync(join(cwd, 'fresh.csv')))
    assert.equal(readFileSync(join(cwd, 'fresh.csv'), 'utf8').trimEnd().split(/\r?\n/).length, 3)
  })
})

test('two archives go into one table, and a table that the job itself writes is refused', async (t) => {
  const content = { kind: 'shop', categories: 1, products: 2 } as const
  const origin = await startOrigin({ sites: { 'a.test': { content }, 'b.test': { content } } })
  t.after(() => origin.close())
  await inFolder(async (cwd) => {
    writeFileSync(join(cwd, 'e.ts'), extractor('url: page.url'))
    for (const name of ['a', 'b']) {
      const own = name === 'a' ? ['--extract', 'e.ts', '-o', 'sqlite:own.db'] : []
      const crawl = ['crawl', `http://${name}.test/`, '-j', name, '--store', ...own, ...fast(origin)]
      assert.equal((await runCli(crawl, { cwd })).code, 0)
      const archive = join(`${name}.sluice`, 'archive')
      const done = await runCli(['extract', archive, '--with', 'e.ts', '--accept', '-o', 'sqlite:both.db#rows'], {
        cwd,
      })
      assert.equal(done.code, 0, done.stderr)
    }
    const extractA = (out: string): Promise<Ended> =>
      runCli(['extract', 'a', '--with', 'e.ts', '--accept', '-o', out], { cwd })
    assert.equal(rowsOf(join(cwd, 'both.db'), 'rows'), 4)
    const accepted = await extractA('sqlite:both.db#more')
    assert.equal(accepted.code, 0, accepted.stderr)
    assert.equal(rowsOf(join(cwd, 'both.db'), 'rows'), 4)
    for (const out of ['sqlite:own.db', 'sqlite:./own.db#items']) {
      const refused = await extractA(out)
      assert.equal(refused.code, 2, refused.stdout)
      assert.match(refused.stderr, /own\.db(#items)? is an output of the job itself[^]*another table/)
    }
    assert.equal(rowsOf(join(cwd, 'own.db'), 'items'), 2)
  })
})

function rowsOf(path: string, table: string): unknown {
  const db = new DatabaseSync(path)
  try {
    return db.prepare(`SELECT count(*) AS n FROM ${table}`).get()?.['n']
  } finally {
    db.close()
  }
}

/** Pages /1 to /40, every fourth with one body for all; those from /31 on are of a megabyte. */
const repeating: Content = {
  respond({ target }) {
    const n = Number(target.slice(1))
    if (!(n >= 1 && n <= 40)) return undefined
    const long = n > 30 ? Array.from({ length: 200_000 }, (_, i) => (i * n) % 9973).join(' ') : ''
    return prepare({ body: htmlPage('Page', n % 4 === 0 ? '<h1>same</h1>' : `<h1>own ${n}</h1>${long}`) })
  },
}

test('pages are the same by the indexes and without: repeats, later answers, large ones; a wrong index is refused', async (t) => {
  const origin = await startOrigin({ sites: { 'a.test': { content: repeating } } })
  t.after(() => origin.close())
  await inFolder(async (cwd) => {
    writeFileSync(
      join(cwd, 'e.ts'),
      `export default { key: (item) => item.url,
      extract: (page) => [{ url: page.url, title: page.$('h1').text(), length: page.body.length }] }`,
    )
    const urls = Array.from({ length: 41 }, (_, n) => `http://a.test/${n}`)
    writeFileSync(join(cwd, 'list.txt'), urls.join('\n'))
    // The second run repeats everything: revisits, which are the latest answers.
    for (const run of [[], ['--if-changed']]) {
      const { code, stderr } = await runCli(['fetch', 'list.txt', '-j', 'kept', '--store', ...run, ...fast(origin)], {
        cwd,
      })
      assert.equal(code, 0, stderr)
    }
    const extract = async (out: string, pages: RegExp): Promise<Map<unknown, unknown>> => {
      const args = [
        'extract',
        join('kept.sluice', 'archive'),
        '--with',
        'e.ts',
        '--workers',
        '2',
        '--accept',
        '-o',
        out,
      ]
      const { code, stdout, stderr } = await runCli(args, { cwd })
      assert.equal(code, 0, stderr)
      assert.match(stdout, pages)
      return new Map(readItems(join(cwd, out)).map((item) => [item['url'], item]))
    }
    const byIndex = await extract('index.ndjson', /^40 pages, 40 items/)
    assert.equal(byIndex.size, 40)
    const index = join(cwd, 'kept.sluice', 'archive', 'pages.cdxj')
    const lines = readFileSync(index, 'utf8')
    writeFileSync(
      index,
      lines.replaceAll(/"offset":"(\d+)"/g, (_, offset) => `"offset":"${Number(offset) + 1}"`),
    )
    const refused = await runCli(['extract', 'kept', '--with', 'e.ts'], { cwd })
    assert.equal(refused.code, 2, refused.stderr)
    assert.match(refused.stderr, /INPUT_UNREADABLE[^]*pages\.warc\.gz[^]*\.cdxj/)
    rmSync(index)
    // Nothing says then which answer is the latest: each is a page.
    assert.deepEqual(await extract('scan.ndjson', /^\d+ pages/), byIndex)
  })
})
