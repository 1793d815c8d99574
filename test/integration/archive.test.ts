/** `--store`: what was fetched is in the job's archive, readable by others, once each, and found again without the web. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { openArchive } from '../../src/source/warc.ts'
import { startOrigin } from '../../src/testing/origin.ts'
import { graph } from '../../src/testing/origin/graph.ts'
import { inFolder, runCli } from '../cli/run-cli.ts'
import { assertBalanced, instants, killSluice, urlsOf } from '../crash/outputs.ts'
import { readWithWarcio } from '../warc/independent.ts'
import { fast } from './web.ts'

test('every answer of a crawl with --store is in its archive, gone ones too, with the headers of the wire', async (t) => {
  const origin = await startOrigin({ sites: { 'shop.test': { content: { kind: 'shop' } } } })
  t.after(() => origin.close())
  await inFolder(async (cwd) => {
    const args = ['crawl', 'http://shop.test/', '-j', 'shop', '--store', ...fast(origin)]
    const { code, stderr } = await runCli(args, { cwd })
    assert.equal(code, 0, stderr)
    const archive = openArchive(join(cwd, 'shop.sluice', 'archive'))
    const stored = new Map<string, number>()
    for await (const page of archive.pages()) {
      assert.equal(page.problem, undefined, page.url)
      stored.set(page.url, page.status)
    }
    const asked = [...origin.ledger().arrivals()].map(({ host, path }) => `http://${host}${path}`)
    // robots.txt is asked by the job for itself; redirects end as their targets.
    const pages = new Set(asked.filter((url) => !url.endsWith('/robots.txt') && !url.endsWith('/sale')))
    assert.deepEqual([...stored.keys()].toSorted(), [...pages].toSorted())
    assert.equal([...stored.values()].filter((status) => status === 404).length, 3)
    const home = await archive.lookup('http://shop.test/')
    assert.match(Buffer.from(home?.body ?? []).toString(), /<title>Sluice Supplies<\/title>/)

    const records = await readWithWarcio(join(cwd, 'shop.sluice', 'archive', 'pages.warc.gz'))
    const requests = records.filter(({ type }) => type === 'request')
    assert.equal(requests.length, stored.size)
    for (const { httpHeaders } of requests) {
      assert.deepEqual(httpHeaders[0], ['Host', 'shop.test'])
      assert.ok(httpHeaders.some(([name, value]) => name === 'User-Agent' && value.startsWith('sluice/')))
    }
  })
})

test('a second run with --if-changed adds revisits and no bodies', async (t) => {
  const origin = await startOrigin({ sites: { 'shop.test': { content: { kind: 'shop' } } } })
  t.after(() => origin.close())
  await inFolder(async (cwd) => {
    const args = ['crawl', 'http://shop.test/', '-j', 'shop', '--store', ...fast(origin)]
    assert.equal((await runCli(args, { cwd })).code, 0)
    assert.equal((await runCli([...args, '--if-changed'], { cwd })).code, 0)
    const records = await readWithWarcio(join(cwd, 'shop.sluice', 'archive', 'pages.warc.gz'))
    const revisits = records.filter(({ type }) => type === 'revisit')
    assert.ok(revisits.length > 40, `${revisits.length} revisits`)
    for (const { header, content } of revisits) {
      assert.match(header('WARC-Profile') ?? '', /server-not-modified/)
      assert.equal(content.length, 0)
    }
  })
})

test('the archive of a crawl that is killed five times has every page once and is whole', async (t) => {
  const site = graph({ seed: 13, pages: 999, bytes: 3000 })
  const origin = await startOrigin({ sites: { 'a.test': { content: site } } })
  t.after(() => origin.close())
  await inFolder(async (cwd) => {
    const kills = instants(5, site.size, 31)
    const report = await killSluice(['crawl', 'http://a.test/', '-j', 'killed', '--store', ...fast(origin)], {
      cwd,
      maxKills: 5,
      kill: { event: (run) => origin.until(kills[run - 1] as number, 'a.test') },
    })
    assert.equal(report.exitCode, 0, report.stderr)
    assert.equal(report.kills, 5)
    assertBalanced(cwd, 'killed', site.size)
    const records = await readWithWarcio(join(cwd, 'killed.sluice', 'archive', 'pages.warc.gz'))
    const urls = records.filter(({ type }) => type === 'response').map(({ header }) => header('WARC-Target-URI'))
    assert.deepEqual(urls.toSorted(), [...urlsOf('a.test', site.paths())].toSorted())
  })
})
