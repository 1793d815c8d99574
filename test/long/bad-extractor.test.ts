/** An extractor that misbehaves on some of 10,000 pages costs those pages and a bounded time, nothing else: FAULTS.md, E3. */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { startOriginProcess } from '../../src/testing/origin/remote.ts'
import { inFolder, runCli } from '../cli/run-cli.ts'
import { readSummary } from '../integration/web.ts'

const PAGES = 10_000
const WORKERS = 2
const LIMIT_MS = 1_000
/** Of a worker that was ended until its replacement works, ms. */
const RESTART_MS = 500

/** What the page of a number does to its extractor; the first of the kinds that fits. */
const KINDS = [
  { name: 'throws', code: 'EXTRACT_THREW', every: 100, at: 7, attempts: 1 },
  { name: 'loops', code: 'EXTRACT_TIMEOUT', every: 1000, at: 13, attempts: 1 },
  { name: 'heap', code: 'EXTRACT_MEMORY', every: 2000, at: 29, attempts: 3 },
  { name: 'buffers', code: 'EXTRACT_MEMORY', every: 2000, at: 1029, attempts: 3 },
] as const

/** Writes down each attempt at a bad page. */
const EXTRACTOR = `import { appendFileSync } from 'node:fs'
const kinds = ${JSON.stringify(KINDS)}
const kept = []
export default { *extract(page) {
  const n = Number(new URL(page.url).pathname.split('/').at(-1))
  const kind = BAD ? kinds.find(({ every, at }) => n % every === at)?.name : undefined
  if (kind !== undefined) appendFileSync(new URL('attempts.txt', import.meta.url), n + '\\n')
  if (kind === 'throws') throw new Error('it throws')
  if (kind === 'loops') for (;;);
  if (kind === 'heap') for (;;) kept.push(Array.from({ length: 10_000 }, (_, i) => ({ i })))
  if (kind === 'buffers') for (;;) kept.push(Buffer.alloc(1_000_000, 1))
  yield { n, title: page.title, links: page.links('a').length }
} }
`

test('ten thousand pages of which 1 % throw, 0.1 % loop and 0.1 % fill memory: the others come, in bounded time', async (t) => {
  const origin = await startOriginProcess({
    sites: { 'a.test': { content: { kind: 'graph', seed: 3, pages: PAGES, bytes: 10_000 } } },
  })
  t.after(() => origin.close())
  const names = ['--resolve', origin.resolveFlag, '--contact', 'https://lab.example/bot', '--progress', 'none']
  const speed = ['--delay', '0', '--per-host', '64', '-c', '64']
  const limits = ['--workers', String(WORKERS), '--extract-timeout', `${LIMIT_MS}ms`, '--worker-memory', '64MB']

  async function extract(job: 'clean' | 'bad', look: (cwd: string) => void): Promise<number> {
    let ms = 0
    await inFolder(async (cwd) => {
      writeFileSync(join(cwd, 'extractor.mjs'), EXTRACTOR.replace('BAD', String(job === 'bad')))
      const args = ['fetch', `http://a.test/p/[0-${PAGES - 1}]`, '-j', job, '--extract', 'extractor.mjs']
      const started = performance.now()
      const { code, stderr } = await runCli([...args, ...limits, ...names, ...speed, '-o', 'items.ndjson'], { cwd })
      ms = performance.now() - started
      assert.equal(code, 0, stderr)
      look(cwd)
    })
    return ms
  }

  const cleanMs = await extract('clean', (cwd) => assert.equal(readNumbers(cwd).length, PAGES))
  const kindOf = (n: number): (typeof KINDS)[number] | undefined => KINDS.find(({ every, at }) => n % every === at)
  const all = Array.from({ length: PAGES }, (_, n) => n)
  const restarts = all.reduce((sum, n) => sum + (kindOf(n)?.name === 'throws' ? 0 : (kindOf(n)?.attempts ?? 0)), 0)
  const badMs = await extract('bad', (cwd) => {
    const good = all.filter((n) => kindOf(n) === undefined)
    assert.ok(good.length === 0.988 * PAGES)
    assert.deepEqual(readNumbers(cwd), good)
    const { codes, left } = readSummary(cwd, 'bad')
    assert.deepEqual(codes, {
      'ok/': good.length,
      'failed/EXTRACT_THREW': PAGES / 100,
      'failed/EXTRACT_TIMEOUT': PAGES / 1000,
      'failed/EXTRACT_MEMORY': PAGES / 1000,
    })
    assert.equal(left.total, 0)
    const attempts = readFileSync(join(cwd, 'attempts.txt'), 'utf8').trimEnd().split('\n')
    const counts = new Map<number, number>()
    for (const n of attempts.map(Number)) counts.set(n, (counts.get(n) ?? 0) + 1)
    for (const n of all) {
      const kind = kindOf(n)
      const count = counts.get(n) ?? 0
      // What a thread had answered and not sent yet when another page ended it is run again.
      if (kind?.name === 'throws') assert.ok(count >= 1 && count <= 3, `${n}: ${count}`)
      else assert.equal(count, kind?.attempts ?? 0, `${n}`)
    }
    assert.ok(attempts.length <= 160 + 2 * restarts, `${attempts.length} attempts`)
  })
  // Only loops take their whole time: the bound has no place for more.
  const boundMs = 1.2 * cleanMs + ((PAGES / 1000) * LIMIT_MS) / WORKERS + restarts * RESTART_MS
  console.log(
    `figure: bad-extractor: clean ${(cleanMs / 1000).toFixed(2)} s, bad ${(badMs / 1000).toFixed(2)} s, bound ` +
      `${(boundMs / 1000).toFixed(2)} s, ${restarts} worker restarts, ` +
      `${((badMs - 1.2 * cleanMs - ((PAGES / 1000) * LIMIT_MS) / WORKERS) / restarts).toFixed(0)} ms a restart over the rest`,
  )
  assert.ok(badMs <= boundMs, `${badMs} ms, bound ${boundMs} ms`)
  assert.equal(await origin.ledger('a.test').count(), 2 * (PAGES + 1), 'no page is fetched again for its extractor')
})

function readNumbers(cwd: string): number[] {
  const lines = readFileSync(join(cwd, 'items.ndjson'), 'utf8').trimEnd().split('\n')
  return lines.map((line) => (JSON.parse(line) as { n: number }).n).toSorted(ascending)
}

function ascending(a: number, b: number): number {
  return a - b
}
