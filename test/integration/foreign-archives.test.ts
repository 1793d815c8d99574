/** Archives that other programs wrote, as a source of extraction: wget's, several at once, damaged ones. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, truncateSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { startOrigin } from '../../src/testing/origin.ts'
import type { Origin } from '../../src/testing/origin.ts'
import { inFolder, runCli } from '../cli/run-cli.ts'
import { sharedData, skipWithout } from '../shared-data.ts'
import { fast, shopItems } from './web.ts'
import type { ShopItem } from './web.ts'

const EXTRACTOR = fileURLToPath(new URL('../../examples/typed-shop/product.ts', import.meta.url))
const SAMPLES = 'conformance/warc-samples'

const wget = (process.env['PATH'] ?? '')
  .split(':')
  .map((folder) => join(folder, 'wget'))
  .find((path) => existsSync(path))

/** Crawls the shop with wget into `shop.warc.gz`, and into the files that it names otherwise. */
async function crawlWithWget(origin: Origin, cwd: string, flags: readonly string[]): Promise<void> {
  const child = spawn(
    wget as string,
    [
      ...['--no-config', '--quiet', '--recursive', '--level=inf', '--no-directories', '--delete-after'],
      ...['-e', 'use_proxy=on', '-e', `http_proxy=${origin.directUrl('/')}`],
      ...['--retry-on-http-error=503', '--waitretry=0', '--warc-file=shop', ...flags, 'http://shop.test/'],
    ],
    { cwd, stdio: 'ignore', env: { PATH: process.env['PATH'] ?? '', HOME: cwd } },
  )
  const [code] = (await once(child, 'exit')) as [number | null]
  // 8: some answers were errors, as those of dead links are.
  assert.ok(code === 0 || code === 8, `wget: ${code}`)
}

function itemsOf(path: string): ShopItem[] {
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n')
  return lines
    .map((line) => JSON.parse(line) as ShopItem)
    .toSorted((a, b) => (a.title < b.title ? -1 : a.title > b.title ? 1 : 0))
}

test('the WARC files of a wget crawl of the shop give the items of our own crawl', {
  skip: wget === undefined && 'wget is not here',
}, async (t) => {
  const origin = await startOrigin({ sites: { 'shop.test': { content: { kind: 'shop' } } } })
  t.after(() => origin.close())
  await inFolder(async (cwd) => {
    const crawl = ['crawl', 'http://shop.test/', '--extract', EXTRACTOR, '-o', 'live.ndjson', ...fast(origin)]
    assert.equal((await runCli(crawl, { cwd })).code, 0)
    const live = itemsOf(join(cwd, 'live.ndjson'))
    assert.equal(live.length, shopItems().length)
    for (const [name, flags] of Object.entries({
      packed: [],
      plain: ['--no-warc-compression'],
      parts: ['--warc-max-size=20K'],
    })) {
      await crawlWithWget(origin, cwd, flags)
      const requests = origin.ledger().count
      const archives = name === 'parts' ? '.' : name === 'plain' ? 'shop.warc' : 'shop.warc.gz'
      const out = `${name}.ndjson`
      const args = ['extract', archives, '--with', EXTRACTOR, '--accept', '-o', out]
      const { code, stdout, stderr } = await runCli(args, { cwd })
      assert.equal(code, 0, stderr)
      assert.match(stdout, /0 requests/)
      assert.deepEqual(itemsOf(join(cwd, out)), live, name)
      assert.equal(origin.ledger().count, requests)
    }
  })
})

test('several archives are one source; what is damaged is told and ends with exit 2', {
  skip: skipWithout(SAMPLES),
}, async () => {
  await inFolder(async (cwd) => {
    writeFileSync(
      join(cwd, 'e.ts'),
      `import { defineExtractor } from 'sluice'
export default defineExtractor({ extract: (page) => [{ url: page.url, size: page.body.length }] })
`,
    )
    const sample = (name: string): string => join(sharedData(SAMPLES) ?? '', name)
    const [orig, revisit] = ['orig', 'revisit'].map((one) => sample(`pywb-example-url-agnostic-${one}.warc.gz`))
    const extract = ['extract', '--with', 'e.ts']
    const both = await runCli([...extract, revisit as string, orig as string, '--accept', '-o', 'both.ndjson'], { cwd })
    assert.equal(both.code, 0, both.stderr)
    const [first, second] = readFileSync(join(cwd, 'both.ndjson'), 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { url: string; size: number })
    assert.ok(first !== undefined && first.size > 1000 && first.size === second?.size)

    const alone = await runCli([...extract, revisit as string], { cwd })
    assert.match(alone.stderr, /1 stored page could not be read: the page that it repeats is not in the archive/)

    const torn = join(cwd, 'torn.warc.gz')
    writeFileSync(torn, readFileSync(sample('pywb-example.warc.gz')))
    truncateSync(torn, statSync(torn).size - 10)
    const cut = await runCli([...extract, torn], { cwd })
    assert.equal(cut.code, 2)
    assert.match(cut.stdout, /^1 pages, 1 items/)
    assert.match(cut.stderr, /torn\.warc\.gz ends within a record, at byte \d+/)

    const arc = await runCli([...extract, sample('pywb-example.arc.gz')], { cwd })
    assert.equal(arc.code, 8)
    assert.match(arc.stderr, /FORMAT_UNSUPPORTED[^]*ARC file/)

    const missing = await runCli([...extract, orig as string, 'nowhere.warc'], { cwd })
    assert.equal(missing.code, 2)
    assert.match(missing.stderr, /nowhere\.warc/)
  })
})
