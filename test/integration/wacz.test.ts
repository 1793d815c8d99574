/** `sluice export --format wacz`: what WACZ 1.1.1 asks for is there, and other readers and our own find every page in it. */
import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createWriteStream, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { startOrigin } from '../../src/testing/origin.ts'
import { openArchive } from '../../src/source/warc.ts'
import { parseIndexLine } from '../../src/warc/cdxj.ts'
import { readRecords } from '../../src/warc/reader.ts'
import { readZipPlaces } from '../../src/warc/zip-reader.ts'
import { BIN, inFolder, runCli } from '../cli/run-cli.ts'
import { readWithWarcio } from '../warc/independent.ts'
import { fast } from './web.ts'

const unzip = (process.env['PATH'] ?? '')
  .split(':')
  .map((folder) => join(folder, 'unzip'))
  .find((path) => existsSync(path))

const EXTRACTOR = `import { defineExtractor } from 'sluice'
export default defineExtractor({ match: '/product/*', extract: (page) => [{ title: page.$('h1').text() }] })
`

/** Standard output of a command into a file, as bytes. */
async function exportTo(path: string, cwd: string, args: readonly string[]): Promise<void> {
  const child = spawn(process.execPath, [BIN, ...args], { cwd, stdio: ['ignore', 'pipe', 'inherit'] })
  child.stdout.pipe(createWriteStream(path))
  const [code] = (await once(child, 'close')) as [number | null]
  assert.equal(code, 0)
}

async function pagesIn(path: string): Promise<[string, number, string][]> {
  const archive = openArchive(path)
  const found: [string, number, string][] = []
  for await (const { url, status, body } of archive.pages()) {
    found.push([url, status, createHash('sha1').update(body).digest('hex')])
  }
  assert.deepEqual(archive.breaks, [])
  archive.close()
  return found
}

test('a job with its archive becomes one WACZ file that says what is in it and is read back page by page', async (t) => {
  const origin = await startOrigin({ sites: { 'shop.test': { content: { kind: 'shop' } } } })
  t.after(() => origin.close())
  await inFolder(async (cwd) => {
    const args = ['crawl', 'http://shop.test/', '-j', 'shop', '--store', ...fast(origin)]
    assert.equal((await runCli(args, { cwd })).code, 0)
    assert.equal((await runCli([...args, '--if-changed'], { cwd })).code, 0)
    const path = join(cwd, 'shop.wacz')
    await exportTo(path, cwd, ['export', 'shop', '--format', 'wacz'])

    const bytes = readFileSync(path)
    const places = await readZipPlaces(path)
    assert.deepEqual(
      places.map(({ name, isStored }) => [name, isStored]),
      [
        'archive/pages.warc.gz',
        'indexes/index.cdx',
        'pages/pages.jsonl',
        'datapackage.json',
        'datapackage-digest.json',
      ].map((name) => [name, true]),
    )
    const contentOf = (name: string): Buffer => {
      const { offset, length } = places.find((place) => place.name === name) ?? { offset: 0, length: 0 }
      return bytes.subarray(offset, offset + length)
    }
    const sum = (name: string): string => `sha256:${createHash('sha256').update(contentOf(name)).digest('hex')}`

    interface Manifest {
      readonly profile: string
      readonly wacz_version: string
      readonly mainPageUrl: string
      readonly created: string
      readonly software: string
      readonly resources: readonly {
        readonly name: string
        readonly path: string
        readonly hash: string
        readonly bytes: number
      }[]
    }
    const manifest = JSON.parse(String(contentOf('datapackage.json'))) as Manifest
    assert.deepEqual([manifest.profile, manifest.wacz_version], ['data-package', '1.1.1'])
    assert.equal(manifest.mainPageUrl, 'http://shop.test/')
    assert.match(manifest.created, /^\d{4}-\d\d-\d\dT.*Z$/)
    assert.match(manifest.software, /^sluice \d/)
    assert.deepEqual(
      manifest.resources.map((one) => [one.path, one.hash, one.bytes]),
      places.slice(0, 3).map(({ name, length }) => [name, sum(name), length]),
    )
    assert.deepEqual(JSON.parse(String(contentOf('datapackage-digest.json'))), {
      path: 'datapackage.json',
      hash: sum('datapackage.json'),
    })

    const [head, ...pages] = String(contentOf('pages/pages.jsonl'))
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
    assert.deepEqual(head, { format: 'json-pages-1.0', id: 'pages', title: 'All Pages' })
    assert.ok(pages.length > 50)
    for (const { url, ts } of pages) {
      assert.match(String(url), /^http:\/\/shop\.test\//)
      assert.ok(!Number.isNaN(Date.parse(String(ts))))
    }
    assert.equal(new Set(pages.map(({ url }) => url)).size, pages.length)

    const lines = String(contentOf('indexes/index.cdx')).trimEnd().split('\n')
    assert.deepEqual(lines, lines.toSorted())
    const { offset: base } = places[0] as { offset: number }
    for (const line of lines) {
      const entry = parseIndexLine(line)
      assert.ok(entry !== undefined, line)
      assert.equal(entry.filename, 'pages.warc.gz')
      const range = { from: base + entry.offset, to: base + entry.offset + entry.length }
      for await (const record of readRecords(path, range)) assert.equal(record.header('warc-target-uri'), entry.url)
    }
    const listed = new Set(lines.map((line) => parseIndexLine(line)?.url))
    assert.ok(pages.every(({ url }) => listed.has(String(url))))

    assert.deepEqual(await pagesIn(path), await pagesIn(join(cwd, 'shop.sluice', 'archive')))
    if (unzip !== undefined) {
      execFileSync(unzip, ['-q', path, '-d', 'out'], { cwd })
      assert.ok((await readWithWarcio(join(cwd, 'out', 'archive', 'pages.warc.gz'))).length > 100)
    }

    writeFileSync(join(cwd, 'e.ts'), EXTRACTOR)
    const [fromWacz, fromJob] = await Promise.all(
      ['shop.wacz', 'shop'].map((subject) => runCli(['extract', subject, '--with', 'e.ts'], { cwd })),
    )
    assert.match(fromWacz?.stdout ?? '', /^48 pages, 48 items/)
    assert.match(fromJob?.stdout ?? '', /^48 pages, 48 items/)

    const right = await runCli(['verify', 'shop.wacz'], { cwd })
    assert.equal(right.code, 0, right.stdout)
    assert.match(right.stdout, /files: 4 stored bodies/)
    bytes[(places[2]?.offset ?? 0) + 80] = 0
    writeFileSync(path, bytes)
    const wrong = await runCli(['verify', 'shop.wacz'], { cwd })
    assert.equal(wrong.code, 1)
    assert.match(wrong.stdout, /pages\/pages\.jsonl is not what its manifest says/)
  })
})

test('a job without an archive says how to get one, and a WACZ file that is cut off says so', async (t) => {
  const origin = await startOrigin({
    sites: { 'shop.test': { content: { kind: 'shop', categories: 1, products: 1 } } },
  })
  t.after(() => origin.close())
  await inFolder(async (cwd) => {
    assert.equal((await runCli(['crawl', 'http://shop.test/', '-j', 'shop', ...fast(origin)], { cwd })).code, 0)
    const none = await runCli(['export', 'shop', '--format', 'wacz'], { cwd })
    assert.equal(none.code, 2)
    assert.match(none.stderr, /has no archive[^]*--store/)
    writeFileSync(join(cwd, 'cut.wacz'), 'PK\x03\x04 and no more')
    const cut = await runCli(['verify', 'cut.wacz'], { cwd })
    assert.equal(cut.code, 2)
    assert.match(cut.stderr, /cannot read .*cut\.wacz as a ZIP archive/)
  })
})
