/** What the rows of the seed lab promise (R2, R13 to R16, R29), small and in this process: the lab runs them whole. */
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { createJob, defineExtractor } from '../../src/index.ts'
import type { JobOptions } from '../../src/index.ts'
import { startOrigin } from '../../src/testing/origin.ts'
import type { Origin, OriginOptions } from '../../src/testing/origin.ts'
import type { Reply } from '../../src/testing/origin/reply.ts'
import { inFolder, runCli } from '../cli/run-cli.ts'
import { fast } from './web.ts'

async function web(t: TestContext, options: OriginOptions): Promise<Origin> {
  const origin = await startOrigin(options)
  t.after(() => origin.close())
  return origin
}

async function fetched(options: JobOptions): Promise<Awaited<ReturnType<ReturnType<typeof createJob>['run']>>> {
  const job = createJob({ kind: 'fetch', delay: 0, retries: 0, ...options })
  try {
    return await job.run()
  } finally {
    await job.close()
  }
}

test('R2: hosts go side by side, each at its pace, without disallowed pages, and one whose robots.txt fails is not asked', async (t) => {
  const host = { robots: 'User-agent: *\nDisallow: /secret\n', pages: { '/p/*': 'a page' }, answerMs: 5 }
  const origin = await web(t, {
    sites: { 'h1.test': host, 'h2.test': host, 'h3.test': host, 'busy.test': { robots: { status: 503 } } },
  })
  await inFolder(async (cwd) => {
    const seeds = ['h1.test', 'h2.test', 'h3.test'].flatMap((name) =>
      ['p/1', 'p/2', 'p/3', 'p/4', 'secret'].map((path) => `http://${name}/${path}`),
    )
    const { done } = await fetched({
      job: join(cwd, 'polite'),
      seeds: [...seeds, 'http://busy.test/p/1'],
      delay: 50,
      resolve: origin.resolveFlag,
      out: [],
    })
    assert.deepEqual([done.ok, done.skipped], [12, 4])
    const ledger = origin.ledger()
    assert.deepEqual(ledger.violations(50), [])
    assert.equal(ledger.maxConcurrentPerHost(), 1)
    assert.ok(ledger.maxConcurrent() > 1, 'hosts side by side')
    assert.deepEqual([...origin.ledger('busy.test').paths().keys()], ['/robots.txt'])
    assert.ok([...ledger.paths().keys()].every((path) => !path.includes('/secret')))
  })
})

test('R13: another parser over stored pages asks the site for nothing, and one that throws costs that page', async (t) => {
  const origin = await web(t, { sites: { 'm.test': { content: { kind: 'market', categories: 4, segments: 5 } } } })
  const parser = (body: string): string =>
    `import { defineExtractor } from 'sluice'\nexport default defineExtractor({ match: '/market/*/*', extract(page) { ${body} } })\n`
  await inFolder(async (cwd) => {
    await writeFile(join(cwd, 'titles.ts'), parser("return page.$$('.col_titulo a').map((a) => ({ title: a.text() }))"))
    await writeFile(
      join(cwd, 'throws.ts'),
      `const title = (page) => {
  if (page.url.endsWith('/2/3')) throw new Error('no luck')
  return page.title
}
${parser('return [{ title: title(page) }]')}`,
    )
    const crawl = ['crawl', 'http://m.test/market/', '-j', 'm', '--store', '--extract', 'titles.ts', ...fast(origin)]
    assert.equal((await runCli(crawl, { cwd })).code, 0)
    const asked = origin.ledger().count
    const { stdout, code } = await runCli(['extract', 'm', '--with', 'throws.ts'], { cwd })
    assert.equal(code, 0)
    assert.match(stdout, /^20 pages, 19 items/)
    assert.match(stdout, /1 pages failed in the extractor/)
    assert.match(stdout, /EXTRACT_THREW \(1, http:\/\/m\.test\/market\/2\/3\)\n +no luck\n +\S*throws\.ts:2:\d+\n/)
    assert.match(stdout, /> 2 \| +if \(page\.url[^]*called at \S*throws\.ts:6:\d+\n/)
    assert.equal(origin.ledger().count, asked)
  })
})

const HALF = 'HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\nhalf'
const WAYS: readonly Reply[] = [
  { status: 500, body: 'broken' },
  { status: 404, body: 'gone' },
  { status: 0, steps: [{ end: 'close' }] },
  { status: 0, steps: [{ end: 'reset' }] },
  { status: 200, steps: [{ write: HALF }, { end: 'close' }] },
  { status: 0, steps: [{ end: 'hang' }] },
]

test('R14: of links that fail in every way each has an outcome, and items come before the last page', async (t) => {
  const origin = await web(t, {
    sites: {
      'm.test': {
        content: { kind: 'market', categories: 10, segments: 20 },
        answerMs: [2, 20],
        pages: { '/market/*': ({ path }) => WAYS[Number(path.split('/')[3] ?? 0) - 1] },
      },
    },
  })
  await inFolder(async (cwd) => {
    async function* links(): AsyncGenerator<string> {
      for (let n = 0; n < 200; n++) yield `http://m.test/market/${1 + Math.floor(n / 20)}/${1 + (n % 20)}`
    }
    const job = createJob({
      kind: 'fetch',
      job: join(cwd, 'stream'),
      seeds: links(),
      concurrency: 20,
      perHost: 20,
      delay: 0,
      retries: 0,
      timeout: '300ms',
      resolve: origin.resolveFlag,
      extract: defineExtractor({ extract: (page) => page.$$('.col_titulo a').map((a) => ({ title: a.text() })) }),
      out: [],
    })
    let settled = 0
    let settledAtFirst = Number.POSITIVE_INFINITY
    let items = 0
    job.on('request.settled', () => void settled++)
    for await (const _item of job.items()) if (items++ === 0) settledAtFirst = settled
    const { done } = await job.run()
    await job.close()
    assert.equal(settled, 200)
    assert.deepEqual([done.ok, done.gone, done.failed], [140, 10, 50])
    assert.equal(items, 280)
    assert.ok(settledAtFirst < 200, `${settledAtFirst} were settled before the first item`)
    assert.ok(origin.ledger().maxConcurrent() <= 20)
  })
})

test('R15 and R16: one at a time and four at a time are what the site sees, and the files are whole', async (t) => {
  const origin = await web(t, { sites: { 'd.test': { content: { kind: 'documents', waitMs: 40 } } } })
  const seeds = [1, 2, 3, 4, 5, 6, 7, 8].map((n) => `http://d.test/pdf/${n}.pdf`)
  await inFolder(async (cwd) => {
    for (const places of [1, 4]) {
      origin.clearLedger()
      const files = join(cwd, `files-${places}`)
      const common = { job: join(cwd, `pdf-${places}`), seeds, perHost: places, concurrency: places }
      const options = { ...common, out: `${files}/{name}{ext}`, resolve: origin.resolveFlag }
      assert.equal((await fetched(options)).done.ok, 8)
      assert.equal(origin.ledger().maxConcurrent(), places)
      const names = readdirSync(files).filter((name) => name.endsWith('.pdf'))
      assert.deepEqual(names.toSorted(), ['1.pdf', '2.pdf', '3.pdf', '4.pdf', '5.pdf', '6.pdf', '7.pdf', '8.pdf'])
      if (places === 1) continue
      const summary = await fetched({ ...options, ifChanged: true })
      assert.equal(summary.done.unchanged, 8)
      assert.equal(origin.ledger().statuses().get(304), 8)
    }
  })
})

test('R16: a missing file and a reset cost these two of eight', async (t) => {
  const origin = await web(t, { sites: { 'd.test': { content: { kind: 'documents', count: 6, waitMs: 1 } } } })
  await inFolder(async (cwd) => {
    const seeds = [...[1, 2, 3, 4, 5, 6, 9].map((n) => `http://d.test/pdf/${n}.pdf`), 'http://d.test/reset']
    const { done } = await fetched({ job: join(cwd, 'eight'), seeds, perHost: 4, resolve: origin.resolveFlag, out: [] })
    assert.deepEqual([done.ok, done.gone, done.failed], [6, 1, 1])
  })
})

test('R29: hostile sources of images end as values in rows, and asking again adds none', async (t) => {
  const sources = [`x'); DROP TABLE MovieData; --`, 'a.jpg?a=1&amp;b=2', '/b.jpg']
  const page = (source: string): string => `<img width=200 src=/no.gif><img src="${source}" alt='' width="300">`
  const pages = Object.fromEntries(sources.map((source, i) => [`/photo?index=${i}`, page(source)]))
  const origin = await web(t, { sites: { 'n.test': { pages } } })
  await inFolder(async (cwd) => {
    const path = join(cwd, 'images.sqlite')
    const options: JobOptions = {
      job: join(cwd, 'images'),
      seeds: 'http://n.test/photo?index=[0-2]',
      resolve: origin.resolveFlag,
      out: `sqlite:${path}#MovieData`,
      param: 'group=3',
      extract: defineExtractor({
        extract: (page) =>
          page.$$('img[width=300]').map((image) => ({ src: image.url('src') ?? '', group: page.input?.['group'] })),
        key: (item) => item.src,
      }),
    }
    for (const again of [false, true]) {
      await fetched({ ...options, ifChanged: again })
      const database = new DatabaseSync(path, { readOnly: true })
      const rows = database.prepare('SELECT src, [group] FROM MovieData ORDER BY src').all()
      database.close()
      assert.ok(rows.every(({ group }) => group === '3'))
      assert.deepEqual(
        rows.map(({ src }) => src),
        ['http://n.test/a.jpg?a=1&b=2', 'http://n.test/b.jpg', `http://n.test/x');%20DROP%20TABLE%20MovieData;%20--`],
      )
    }
    assert.equal(origin.ledger().paths().get('n.test/photo?index=2'), 2)
  })
})
