/** Memory of a crawl whose pages go through selectors in worker threads: whole process, MB of 10^6 bytes. */
import assert from 'node:assert/strict'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { startOrigin } from '../../src/testing/origin.ts'
import { inFolder, start } from '../cli/run-cli.ts'
import { assertBalanced } from '../crash/outputs.ts'
import { residentMb, slopeOf, threadsOf, type Sample } from './resident.ts'
import { richSite } from './rich-site.ts'

const PAGES = 5_000
const WARM = 1_000
const SAMPLE_EVERY = 250
/** By the line through the longest stretch of samples in which no thread started; 3 to 10 were measured. */
const MOST_GROWN_MB = 15
/** Samples that a line is drawn through. */
const LEAST_SAMPLES = 7
/**
 * From the first warm sample to the last: the thread that moves the log takes 17 MB once, when there is a log to move, 34 from
 * sources (the type stripper). Pages that were kept would come to 170.
 */
const MOST_IN_ALL_MB = 60
const EXTRACTOR = `export default { *extract(page) {
  yield {
    url: page.url,
    title: page.$('h1')?.text(),
    links: page.links('a').length,
    rows: page.$$('tr').map((row) => row.$$('td').map((cell) => cell.text())),
  }
} }
`

type SeenThreads = Sample & { readonly threads: number }

function longestStretch(samples: readonly SeenThreads[]): SeenThreads[] {
  const stretches: SeenThreads[][] = []
  for (const sample of samples) {
    const stretch = stretches.at(-1)
    if (stretch?.at(-1)?.threads === sample.threads) stretch.push(sample)
    else stretches.push([sample])
  }
  return stretches.toSorted((a, b) => b.length - a.length)[0] ?? []
}

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
      const began = performance.now()
      const sluice = start([...args, ...names, ...speed], { cwd })
      const pid = sluice.child.pid as number
      t.after(() => sluice.child.kill('SIGKILL'))
      const samples: SeenThreads[] = []
      let over = false
      const ended = sluice.ended.finally(() => (over = true))
      for (let pages = SAMPLE_EVERY; pages < PAGES; pages += SAMPLE_EVERY) {
        await Promise.race([origin.until(pages, 'a.test'), ended])
        const mb = over ? undefined : residentMb(pid, 'VmRSS')
        const threads = threadsOf(pid)
        if (mb !== undefined && threads !== undefined) samples.push({ urls: pages, mb, threads })
      }
      const peakMb = residentMb(pid, 'VmHWM') ?? 0
      const { code, stderr } = await ended
      const seconds = (performance.now() - began) / 1000
      const warm = samples.filter(({ urls }) => urls >= WARM)
      const flat = longestStretch(warm)
      const [first, last] = [flat[0]?.urls ?? 0, flat.at(-1)?.urls ?? 0]
      const grown = slopeOf(flat) * (last - first)
      const inAll = (warm.at(-1)?.mb ?? 0) - (warm[0]?.mb ?? 0)
      console.log(
        `figure: extract-memory, ${workers} worker(s): peak ${peakMb.toFixed(0)} MB, ${grown.toFixed(1)} MB from page ` +
          `${first} to ${last}, ${inAll.toFixed(0)} MB in all, ${(site.bytes / 1e6).toFixed(0)} MB of pages, ${seconds.toFixed(1)} s, ` +
          `MB ${samples.map(({ mb }) => mb.toFixed(0)).join(' ')}`,
      )
      assert.equal(code, 0, stderr)
      assertBalanced(cwd, 'rich', PAGES)
      assert.ok(samples.length >= 15 && flat.length >= LEAST_SAMPLES && peakMb > 0, 'the process was seen')
      assert.ok(peakMb <= 250 + 150 * workers, `${peakMb} MB`)
      assert.ok(grown <= MOST_GROWN_MB, `${grown} MB`)
      assert.ok(inAll <= MOST_IN_ALL_MB, `${inAll} MB in all`)
    })
  })
}
