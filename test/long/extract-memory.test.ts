/** Memory of a crawl whose pages go through selectors in worker threads: whole process, MB of 10^6 bytes. */
import assert from 'node:assert/strict'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { startOrigin } from '../../src/testing/origin.ts'
import { inFolder, start } from '../cli/run-cli.ts'
import { assertBalanced } from '../crash/outputs.ts'
import { residentMb, slopeOf, type Sample } from './resident.ts'
import { richSite } from './rich-site.ts'

const PAGES = 5_000
const WARM = 1_000
const SAMPLE_EVERY = 250
/**
 * By the line through the samples: 14 to 58 were measured, 23 of them for the thread that moves the log, which starts late.
 * Pages that were kept would come to 170.
 */
const MOST_GROWN_MB = 75
const EXTRACTOR = `export default { *extract(page) {
  yield {
    url: page.url,
    title: page.$('h1')?.text(),
    links: page.links('a').length,
    rows: page.$$('tr').map((row) => row.$$('td').map((cell) => cell.text())),
  }
} }
`

for (const workers of [1, 2]) {
  test(`selectors over 5,000 pages by ${workers} worker(s) stay within their memory, and no page is kept`, async (t) => {
    if (!existsSync('/proc/self/status')) return t.skip('resident sets are read from /proc')
    const site = richSite(PAGES)
    const origin = await startOrigin({ sites: { 'a.test': { content: site } } })
    t.after(() => origin.close())
    await inFolder(async (cwd) => {
      writeFileSync(join(cwd, 'extract.mjs'), EXTRACTOR)
      const names = ['--resolve', origin.resolveFlag, '--contact', 'https://lab.example/bot', '--progress', 'none']
      const speed = ['--delay', '0', '-c', '64', '--per-host', '64', '--workers', String(workers)]
      const args = ['crawl', 'http://a.test/p/0', '-j', 'rich', '--extract', 'extract.mjs', '-o', 'items.ndjson']
      const started = performance.now()
      const sluice = start([...args, ...names, ...speed], { cwd })
      const pid = sluice.child.pid as number
      t.after(() => sluice.child.kill('SIGKILL'))
      const samples: Sample[] = []
      let over = false
      const ended = sluice.ended.finally(() => (over = true))
      for (let pages = SAMPLE_EVERY; pages < PAGES; pages += SAMPLE_EVERY) {
        await Promise.race([origin.until(pages, 'a.test'), ended])
        const mb = over ? undefined : residentMb(pid, 'VmRSS')
        if (mb !== undefined) samples.push({ urls: pages, mb })
      }
      const peakMb = residentMb(pid, 'VmHWM') ?? 0
      const { code, stderr } = await ended
      const seconds = (performance.now() - started) / 1000
      const warm = samples.filter(({ urls }) => urls >= WARM)
      const grown = slopeOf(warm) * (PAGES - WARM)
      console.log(
        `figure: extract-memory, ${workers} worker(s): peak ${peakMb.toFixed(0)} MB, ${grown.toFixed(1)} MB from page ` +
          `${WARM} to ${PAGES}, ${(site.bytes / 1e6).toFixed(0)} MB of pages, ${seconds.toFixed(1)} s, ` +
          `MB ${samples.map(({ mb }) => mb.toFixed(0)).join(' ')}`,
      )
      assert.equal(code, 0, stderr)
      assertBalanced(cwd, 'rich', PAGES)
      assert.ok(samples.length >= 15 && peakMb > 0, 'the process was seen')
      assert.ok(peakMb <= 250 + 150 * workers, `${peakMb} MB`)
      assert.ok(grown <= MOST_GROWN_MB, `${grown} MB`)
    })
  })
}
