/** `sluice verify`: whole jobs are found whole; what was changed afterwards is found, wherever it is. */
import assert from 'node:assert/strict'
import { copyFileSync, existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { startOrigin } from '../../src/testing/origin.ts'
import type { Verification } from '../../src/job/verify.ts'
import { inFolder, runCli } from '../cli/run-cli.ts'
import { sharedData, skipWithout } from '../shared-data.ts'
import { ask, DATABASES, emptyDatabase, missing } from '../sink/database-servers.ts'
import { fast } from './web.ts'

interface Checked extends Verification {
  readonly code: number | null
}

async function verified(cwd: string, ...words: string[]): Promise<Checked> {
  const { code, stdout, stderr } = await runCli(['verify', ...words, '--json'], { cwd })
  assert.notEqual(stdout, '', stderr)
  return { code, ...(JSON.parse(stdout) as Verification) }
}

/** Changes one byte in the middle. */
function flip(path: string, at = Math.floor(statSync(path).size / 2)): () => void {
  const bytes = readFileSync(path)
  const broken = Buffer.from(bytes)
  broken[at] = (broken[at] ?? 0) ^ 0x20
  writeFileSync(path, broken)
  return () => writeFileSync(path, bytes)
}

test('a job is verified from its ledger to its last body, and every change afterwards is found', async (t) => {
  const origin = await startOrigin({ sites: { 'shop.test': { content: { kind: 'shop' } } } })
  t.after(() => origin.close())
  await inFolder(async (cwd) => {
    const args = ['crawl', 'http://shop.test/', '-j', 'shop', '--store', '-o', 'data/', ...fast(origin)]
    assert.equal((await runCli(args, { cwd })).code, 0)
    assert.equal((await runCli([...args, '--if-changed'], { cwd })).code, 0)

    const whole = await verified(cwd, 'shop')
    assert.deepEqual([whole.code, whole.wrong, whole.problems], [0, 0, []])
    const { known = 0, left, done, requests = 0, settlements = 0 } = whole.ledger ?? {}
    assert.equal(left, 0)
    assert.equal(
      Object.values(done ?? {}).reduce((sum, count) => sum + count, 0),
      known,
    )
    assert.ok(requests >= known && settlements > known)
    assert.ok((whole.archive?.digests ?? 0) > 200 && (whole.archive?.lines ?? 0) > 100)
    assert.ok((whole.files ?? 0) > 50)
    const shown = await runCli(['verify', 'shop'], { cwd })
    assert.match(shown.stdout, /^ledger: \d+ URLs = ok \d+ \+ [^]*everything is as it was written\n$/)

    const shard = readdirSync(join(cwd, 'data', 'files')).find((name) => /^[0-9a-f]{2}$/.test(name)) as string
    const body = join(cwd, 'data', 'files', shard, readdirSync(join(cwd, 'data', 'files', shard))[0] as string)
    const mend = flip(body)
    const other = await verified(cwd, 'shop')
    assert.deepEqual([other.code, other.wrong], [1, 1])
    assert.match(other.problems[0] ?? '', /is not what was stored: http:\/\/shop\.test/)
    mend()
    copyFileSync(body, `${body}.aside`)
    rmSync(body)
    assert.match((await verified(cwd, 'data/')).problems[0] ?? '', /is missing/)
    copyFileSync(`${body}.aside`, body)

    const archive = join(cwd, 'shop.sluice', 'archive')
    const index = join(archive, 'pages.cdxj')
    const mendIndex = flip(index, readFileSync(index, 'latin1').indexOf('"offset":"') + 10)
    const lost = await verified(cwd, 'shop')
    assert.equal(lost.code, 1)
    assert.match(lost.problems.join('\n'), /index/)
    mendIndex()
    const mendArchive = flip(join(archive, 'pages.warc.gz'))
    assert.match((await verified(cwd, archive)).problems[0] ?? '', /pages\.warc\.gz, byte \d+: /)
    mendArchive()
    assert.equal((await verified(cwd, 'shop')).code, 0)

    const database = new DatabaseSync(join(cwd, 'shop.sluice', 'job.db'))
    database.exec(`UPDATE ledger SET record = replace(record, 'shop.test', 'shop.tezt') WHERE seq = 5`)
    database.exec(`UPDATE request SET url = url || 'x' WHERE id = 3`)
    database.close()
    const changed = await verified(cwd, 'shop')
    assert.deepEqual([changed.code, changed.wrong], [1, 2])
    assert.match(changed.problems.join('\n'), /row 3 of the requests is damaged[^]*row 5 of the ledger is damaged/)

    const again = new DatabaseSync(join(cwd, 'shop.sluice', 'job.db'))
    again.exec('DELETE FROM ledger WHERE seq = (SELECT max(seq) FROM ledger)')
    again.close()
    assert.match((await verified(cwd, 'shop')).problems.join('\n'), /the counters have \d+ unchanged, the ledger \d+/)
  })
})

test('archives of others are verified by the digests they name', {
  skip: skipWithout('conformance/warc-samples'),
}, async () => {
  await inFolder(async (cwd) => {
    const sample = (name: string): string => join(sharedData('conformance/warc-samples') ?? '', name)
    const good = await verified(cwd, sample('pywb-iana.warc.gz'), sample('warcio-post-test.warc.gz'))
    assert.deepEqual([good.code, good.archive?.files, good.archive?.records], [0, 2, 349])
    // One digest of this file is wrong on purpose; the others are in base32 and base64.
    const bad = await verified(cwd, sample('warcio-example-digest.warc'))
    assert.deepEqual([bad.code, bad.wrong], [1, 1])
    assert.match(bad.problems[0] ?? '', /byte 0: the payload digest is not sha1:1112H3S6/)
    assert.ok(!existsSync(join(cwd, 'nothing.sluice')))
    const none = await runCli(['verify', 'nowhere.warc'], { cwd })
    assert.equal(none.code, 2)
  })
})

const ITEMS = `import { defineExtractor } from 'sluice'
export default defineExtractor({ match: '/product/*', extract: (page) => [{ title: page.$('h1').text() }] })
`

test('outputs are compared with what was stored of them, and the first wrong thing is named with its place', async (t) => {
  const origin = await startOrigin({ sites: { 'shop.test': { content: { kind: 'shop' } } } })
  t.after(() => origin.close())
  await inFolder(async (cwd) => {
    writeFileSync(join(cwd, 'e.ts'), ITEMS)
    const outs = (stem: string): string[] =>
      [
        ...['ndjson', 'ndjson.gz', 'ndjson.zst', 'csv', 'csv.gz', 'parquet', 'sqlite', 'warc.gz'].map(
          (end) => `${stem}.${end}`,
        ),
      ].flatMap((out) => ['-o', out])
    const crawl = (job: string): string[] => ['crawl', 'http://shop.test/', '-j', job, ...fast(origin)]
    const pages = [...crawl('pages'), ...outs('pages'), '-o', 'data/']
    const items = [...crawl('items'), '--extract', 'e.ts', ...outs('items')]
    for (const args of [pages, [...pages, '--if-changed'], items, [...items, '--if-changed']]) {
      const { code, stderr } = await runCli(args, { cwd })
      assert.equal(code, 0, stderr)
    }
    for (const job of ['pages', 'items']) {
      const whole = await verified(cwd, job)
      assert.deepEqual([whole.code, whole.problems], [0, []], job)
      assert.equal(whole.outputs.length, job === 'pages' ? 8 : 7)
      assert.ok(
        whole.outputs.every(({ rows }) => (rows ?? 0) > 20),
        JSON.stringify(whole.outputs),
      )
      assert.match((await runCli(['verify', job], { cwd })).stdout, /^output .*\.ndjson\.gz: \d+ rows$/m)
    }

    const told = async (job: string): Promise<string> => {
      const { code, problems } = await verified(cwd, job)
      assert.equal(code, 1)
      return problems.join('\n')
    }
    const edit = (name: string, change: (text: string) => string): (() => void) => {
      const bytes = readFileSync(join(cwd, name))
      writeFileSync(join(cwd, name), change(bytes.toString()))
      return () => writeFileSync(join(cwd, name), bytes)
    }
    const lineOf = (text: string, at: number): number => text.slice(0, at).split('\n').length
    const cases: [job: string, name: string, change: (text: string) => string, told: RegExp][] = [
      [
        'pages',
        'pages.ndjson',
        (text) => text.replace('"status":200', '"status":201'),
        /pages\.ndjson, line 1, byte 0: the record of .* is not the one/,
      ],
      [
        'pages',
        'pages.ndjson',
        (text) => text.split('\n').toSpliced(3, 1).join('\n'),
        /pages\.ndjson, byte \d+: the file ends there/,
      ],
      [
        'pages',
        'pages.ndjson',
        (text) => text.slice(0, -10),
        /pages\.ndjson, byte \d+: the file ends there, and \d+ bytes/,
      ],
      [
        'pages',
        'pages.csv',
        (text) => text.replace(',200,text/html', ',200,text/htm!'),
        /pages\.csv, line 2, byte \d+: the record of/,
      ],
      [
        'pages',
        'data/pages.ndjson',
        (text) => text.replace('"status":200', '"status":201'),
        /data\/pages\.ndjson, line 1/,
      ],
      [
        'items',
        'items.ndjson',
        (text) => text.replace('"title":"', '"title":"!').replace(/(.)\n$/, '$1\n'),
        /items\.ndjson, line 1, byte 0: this line is not what was stored/,
      ],
      [
        'items',
        'items.csv',
        (text) => text.replace('\r\n', ',x\r\n'),
        /items\.csv, line 2, byte \d+: a row of 2 cells, the header has 3/,
      ],
    ]
    for (const [job, name, change, expected] of cases) {
      const mend = edit(name, change)
      assert.match(await told(job), expected, name)
      mend()
    }
    const text = readFileSync(join(cwd, 'pages.ndjson'), 'utf8')
    const at = text.indexOf('\n', text.length / 2) + 1
    const mendLine = flip(join(cwd, 'pages.ndjson'), text.indexOf('"depth":', at) + 2)
    assert.match(
      await told('pages'),
      new RegExp(`line ${lineOf(text, at)}, byte ${Buffer.byteLength(text.slice(0, at))}: `),
    )
    mendLine()
    for (const [job, name] of [
      ['pages', 'pages.ndjson.gz'],
      ['items', 'items.ndjson.zst'],
      ['pages', 'pages.csv.gz'],
      ['pages', 'pages.parquet.ndjson.gz'],
    ] as const) {
      const mend = flip(join(cwd, name))
      assert.match(await told(job), new RegExp(name.replaceAll('.', '\\.')), name)
      mend()
    }
    const mendFooter = flip(join(cwd, 'items.parquet'), statSync(join(cwd, 'items.parquet')).size - 2)
    assert.match(await told('items'), /items\.parquet, byte \d+: no footer of a Parquet file/)
    mendFooter()

    const changed = (name: string, sql: string): void => {
      const db = new DatabaseSync(join(cwd, name))
      db.exec(sql)
      db.close()
    }
    copyFileSync(join(cwd, 'pages.sqlite'), join(cwd, 'aside'))
    changed('pages.sqlite', 'DELETE FROM pages WHERE rowid = 7')
    assert.match(
      await told('pages'),
      /pages\.sqlite: table pages: 1 URLs are not as they were stored; the first: http:\/\/shop\.test\/.* has no row/,
    )
    copyFileSync(join(cwd, 'aside'), join(cwd, 'pages.sqlite'))
    changed('items.sqlite', 'UPDATE _sluice_commit SET seq = 3')
    assert.match(await told('items'), /items\.sqlite: _sluice_commit has 3 for this job, and \d+ was stored/)
    rmSync(join(cwd, 'items.sqlite'))
    assert.match(await told('items'), /items\.sqlite is gone/)
    assert.equal((await verified(cwd, 'pages')).code, 0)
  })
})

for (const database of DATABASES) {
  const skip = await missing(database)
  test(`${database}: rows that are missing on the server are found`, { skip }, async (t) => {
    const { url, remove } = await emptyDatabase(database)
    t.after(remove)
    const origin = await startOrigin({
      sites: { 'shop.test': { content: { kind: 'shop', categories: 1, products: 4 } } },
    })
    t.after(() => origin.close())
    await inFolder(async (cwd) => {
      const { code, stderr } = await runCli(['crawl', 'http://shop.test/', '-j', 's', '-o', url, ...fast(origin)], {
        cwd,
      })
      assert.equal(code, 0, stderr)
      const whole = await verified(cwd, 's')
      assert.deepEqual([whole.code, whole.problems], [0, []])
      assert.ok((whole.outputs[0]?.rows ?? 0) > 4)
      await ask(url, "DELETE FROM pages WHERE url LIKE '%/product/%'")
      const { code: wrong, problems } = await verified(cwd, 's')
      assert.equal(wrong, 1)
      assert.match(
        problems.join('\n'),
        /table pages: [4-9] URLs are not as they were stored; the first: http:\/\/shop\.test\/product/,
      )
    })
  })
}
