/** R15, R16: a shelf of PDF files, one at a time and four at a time, as the fake web's ledger saw it; their text; R9. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { startOrigin } from '../../src/testing/origin.ts'
import type { Origin } from '../../src/testing/origin.ts'
import { PDF_IDS } from '../../src/testing/origin/documents.ts'
import { pdfOf, pdfText } from '../../src/testing/origin/pdf.ts'
import { inFolder, runCli, start } from '../cli/run-cli.ts'
import { mmdbOf } from '../fetch/mmdb.ts'
import { countOutcomes, polite, readRecords } from './web.ts'

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

function four(origin: Origin): string[] {
  return [...polite(origin), '-c', '4', '--per-host', '4', '--delay', '0', '--retries', '0']
}

function writeShelf(cwd: string, ids: readonly (number | string)[] = PDF_IDS): void {
  writeFileSync(join(cwd, 'shelf.txt'), ids.map((id) => `http://a.test/pdf/${id}.pdf\n`).join(''))
}

/** sha256 of the files below a folder, `pages.ndjson` left out. */
function digestsBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name !== 'pages.ndjson')
    .map((entry) => sha256(readFileSync(join(entry.parentPath, entry.name))))
    .toSorted()
}

const expected = (ids: readonly number[]): string[] => ids.map((id) => sha256(pdfOf(id))).toSorted()

/** Most files on their way at one time. */
function mostAtOnce(origin: Origin): number {
  return origin.ledger('a.test').maxConcurrentPerHost()
}

test('a shelf of files comes one at a time, and four at a time where that is asked for', async (t) => {
  const origin = await startOrigin()
  t.after(() => origin.close())
  await inFolder(async (cwd) => {
    writeShelf(cwd)
    const one = await runCli(
      ['fetch', 'shelf.txt', '-j', 'one', '-o', 'one/', ...polite(origin), '-c', '1', '--delay', '0'],
      {
        cwd,
      },
    )
    assert.equal(one.code, 0, one.stderr)
    assert.deepEqual(digestsBelow(join(cwd, 'one')), expected(PDF_IDS))
    assert.equal(mostAtOnce(origin), 1)
    origin.clearLedger()
    const many = await runCli(['fetch', 'shelf.txt', '-j', 'four', '-o', 'four/', ...four(origin)], { cwd })
    assert.equal(many.code, 0, many.stderr)
    assert.deepEqual(digestsBelow(join(cwd, 'four')), expected(PDF_IDS))
    assert.equal(mostAtOnce(origin), 4)
  })
})

test('failures of a shelf are fetched again alone, and what is there is only asked after', async (t) => {
  const origin = await startOrigin()
  t.after(() => origin.close())
  await inFolder(async (cwd) => {
    writeShelf(cwd, [1, 2, 3, 4, 5, 6, 7, 99])
    origin.raw('a.test', '/pdf/7.pdf', '', 'reset')
    const first = await runCli(['fetch', 'shelf.txt', '-o', 'files/', ...four(origin)], { cwd })
    assert.equal(first.code, 3, first.stderr)
    assert.deepEqual(digestsBelow(join(cwd, 'files')), expected([1, 2, 3, 4, 5, 6]))
    const pages = join(cwd, 'files', 'pages.ndjson')
    assert.deepEqual(countOutcomes(readRecords(pages)), { ok: 6, gone: 1, failed: 1 })

    origin.handle('a.test', '/pdf/7.pdf', () => undefined)
    origin.clearLedger()
    const retried = await runCli(['retry', 'shelf', '--yes', ...four(origin)], { cwd })
    assert.equal(retried.code, 0, retried.stderr)
    const asked = [...origin.ledger('a.test').paths().keys()].filter((path) => path !== '/robots.txt')
    assert.deepEqual(asked, ['/pdf/7.pdf'])
    assert.deepEqual(digestsBelow(join(cwd, 'files')), expected([1, 2, 3, 4, 5, 6, 7]))

    origin.clearLedger()
    const again = await runCli(['fetch', 'shelf.txt', '-o', 'files/', '--if-changed', ...four(origin)], { cwd })
    assert.equal(again.code, 0, again.stderr)
    const files = [...origin.ledger('a.test').arrivals()].filter(({ path }) => /^\/pdf\/\d\.pdf$/.test(path))
    assert.equal(files.length, 7)
    assert.ok(files.every(({ status, headers }) => status === 304 && headers['if-none-match'] !== undefined))
    const unchanged = readRecords(pages).filter(({ outcome }) => outcome === 'unchanged')
    assert.deepEqual(
      unchanged.map(({ bytes }) => bytes),
      [0, 0, 0, 0, 0, 0, 0],
    )
  })
})

test('a death in the middle of a file leaves nothing under its name', async (t) => {
  const origin = await startOrigin()
  t.after(() => origin.close())
  await inFolder(async (cwd) => {
    writeShelf(cwd, [1])
    const body = pdfOf(1)
    const head = `HTTP/1.1 200 OK\r\nContent-Type: application/pdf\r\nContent-Length: ${body.length}\r\n\r\n`
    origin.raw('a.test', '/pdf/1.pdf', Buffer.concat([Buffer.from(head), body.subarray(0, 300)]), 'hang')
    const args = ['fetch', 'shelf.txt', '-o', 'files/', ...four(origin)]
    const run = start(args, { cwd })
    await origin.until(2, 'a.test')
    run.child.kill('SIGKILL')
    await run.ended
    assert.deepEqual(existsSync(join(cwd, 'files')) ? digestsBelow(join(cwd, 'files')) : [], [])
    origin.handle('a.test', '/pdf/1.pdf', () => undefined)
    const again = await runCli(args, { cwd })
    assert.equal(again.code, 0, again.stderr)
    assert.deepEqual(digestsBelow(join(cwd, 'files')), expected([1]))
  })
})

test('--text gives an item per page, and a file that ends its thread costs itself alone', async (t) => {
  const origin = await startOrigin({
    sites: {
      'a.test': {
        pages: {
          '/pdf/no.pdf': { headers: { 'Content-Type': 'application/pdf' }, body: 'this is no PDF file\n' },
          '/pdf/torn.pdf': { headers: { 'Content-Type': 'application/pdf' }, body: '%PDF-1.4\nnothing more\n' },
          '/pdf/plain.pdf': { headers: { 'Content-Type': 'text/plain' }, body: pdfOf(8) },
        },
      },
    },
  })
  t.after(() => origin.close())
  await inFolder(async (cwd) => {
    writeShelf(cwd, [1, 2, 'poison', 'no', 'torn', 'plain', 3])
    const limits = ['--worker-memory', '64MB', '--workers', '1']
    const { code, stderr } = await runCli(
      ['fetch', 'shelf.txt', '--text', ...limits, '-o', 'text.ndjson', '-o', 'files/', ...four(origin)],
      { cwd },
    )
    assert.equal(code, 0, stderr)
    const items = readFileSync(join(cwd, 'text.ndjson'), 'utf8').trimEnd().split('\n')
    const page = (name: string | number, id: number, number: number): object => ({
      url: `http://a.test/pdf/${name}.pdf`,
      page: number,
      pages: 2,
      text: pdfText(id, number),
    })
    const sorted = (values: readonly object[]): string[] => values.map((value) => JSON.stringify(value)).toSorted()
    assert.deepEqual(
      items.toSorted(),
      sorted([1, 2].flatMap((n) => [page(1, 1, n), page(2, 2, n), page(3, 3, n), page('plain', 8, n)])),
    )
    const records = readRecords(join(cwd, 'files', 'pages.ndjson'))
    assert.deepEqual(
      records
        .filter(({ outcome }) => outcome === 'failed')
        .map(({ url, code: why }) => [url, why])
        .toSorted(),
      [
        ['http://a.test/pdf/poison.pdf', 'EXTRACT_MEMORY'],
        ['http://a.test/pdf/torn.pdf', 'EXTRACT_THREW'],
      ],
    )
    const torn = records.find(({ url }) => url.endsWith('torn.pdf'))
    assert.match(torn?.message ?? '', /cannot read the PDF file/)
    assert.ok((torn?.message ?? '').length < 2_000, 'the code of the reader is not printed')
  })
})

test('records say where the address they came from is', async (t) => {
  const origin = await startOrigin({ sites: { 'a.test': { pages: { '/1': 'one' } } } })
  t.after(() => origin.close())
  await inFolder(async (cwd) => {
    writeFileSync(join(cwd, 'country.mmdb'), mmdbOf({ '127.0.0.0/8': { country: { iso_code: 'BR' } } }))
    writeFileSync(join(cwd, 'asn.mmdb'), mmdbOf({ '127.0.0.1/32': { autonomous_system_number: 64512 } }))
    writeFileSync(join(cwd, 'urls.txt'), 'http://a.test/1\nhttp://a.test/none\n')
    const files = ['--geo', 'country.mmdb', '--geo', 'asn.mmdb']
    const { code, stderr } = await runCli(
      ['fetch', 'urls.txt', ...files, '-o', 'p.ndjson', '-o', 'p.csv', ...four(origin)],
      {
        cwd,
      },
    )
    assert.equal(code, 0, stderr)
    const records = readRecords(join(cwd, 'p.ndjson'))
    assert.deepEqual(records.map(({ outcome, ip, geo }) => [outcome, ip, geo]).toSorted(), [
      ['gone', '127.0.0.1', { country: 'BR', asn: 64512 }],
      ['ok', '127.0.0.1', { country: 'BR', asn: 64512 }],
    ])
    assert.match(readFileSync(join(cwd, 'p.csv'), 'utf8'), /"\{""country"":""BR"",""asn"":64512\}"/)
    writeFileSync(join(cwd, 'asn.mmdb'), 'nothing')
    const broken = await runCli(['fetch', 'urls.txt', '-j', 'broken', ...files, ...four(origin)], { cwd })
    assert.equal(broken.code, 2, broken.stderr)
    assert.match(broken.stderr, /INPUT_UNREADABLE[\s\S]*asn\.mmdb/)
  })
})
