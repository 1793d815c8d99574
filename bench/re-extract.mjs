/**
 * node --conditions=sluice-source re-extract.mjs [WORKERS] [ROUNDS]: the pages of a job's archive through an extractor again,
 * against the same extractor over the same pages held in memory by the same number of workers, in turns. Crawls BENCH_START
 * (default: the OpenJDK manual of `setup`, 5,000 pages) with `--store` first; counts the requests that the origin got
 * meanwhile, which must be none. Prints one JSON line; `ratio` is the median of the rounds.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../src/engine/clock.ts'
import { workerPool } from '../src/extract/pool.ts'
import { parseContentType } from '../src/http/content-type.ts'
import { headerValue } from '../src/http/headers.ts'
import { reExtract } from '../src/job/re-extract.ts'
import { openArchive } from '../src/source/warc.ts'
import { sluiceCrawl } from './contestants.mjs'
import { environment, pinned, port, project, work } from './place.mjs'
import { pathToFileURL } from 'node:url'

const workers = Number(process.argv[2] ?? 2)
const rounds = Number(process.argv[3] ?? 3)
const start = process.env.BENCH_START ?? `http://127.0.0.1:${port}/openjdk/index.html`
const log = join(work, 'origin', 'logs', 'access.log')

const EXTRACTOR = `
export default {
  *extract(page) {
    yield {
      title: page.$('h1')?.text() ?? page.title,
      links: page.links('a').length,
      rows: page.$$('tr').map((row) => row.$$('td').map((cell) => cell.text())),
    }
  },
}
`

const folder = mkdtempSync(join(tmpdir(), 're-extract-'))
try {
  const module = join(folder, 'extractor.mjs')
  writeFileSync(module, EXTRACTOR)
  const [, ...argv] = sluiceCrawl(join(project, 'bin', 'sluice.js'), start, 5000)
  const crawled = spawnSync(pinned, [...argv, '--store', '--job', 'stored'], { cwd: folder, env: environment() })
  // 4: the limit was reached.
  if (crawled.status !== 0 && crawled.status !== 4) throw new Error(crawled.stderr.toString())
  const job = join(folder, 'stored.sluice')
  const pages = await readAll(join(job, 'archive'))
  await new Promise((resolve) => setTimeout(resolve, 1500))
  const requests = countRequests()
  const stored = []
  const held = []
  for (let round = 0; round < rounds; round++) {
    const began = performance.now()
    await inMemory(pages, module)
    held.push(performance.now() - began)
    const report = await reExtract({
      subject: job,
      modules: [module],
      layer: { origin: 'flag', values: { workers } },
      cwd: folder,
      accept: false,
    })
    if (report.pages !== pages.length) throw new Error(`${report.pages} of ${pages.length} pages`)
    stored.push(report.ms)
  }
  await new Promise((resolve) => setTimeout(resolve, 1500))
  const ratios = stored.map((ms, i) => ms / held[i]).toSorted((a, b) => a - b)
  console.log(
    JSON.stringify({
      pages: pages.length,
      MB: Math.round(pages.reduce((sum, { body }) => sum + body.byteLength, 0) / 1e6),
      workers,
      heldMs: held.map(Math.round),
      storedMs: stored.map(Math.round),
      ratio: +ratios[rounds >> 1].toFixed(2),
      requests: countRequests() - requests,
    }),
  )
} finally {
  rmSync(folder, { recursive: true })
}

async function inMemory(pages, module) {
  const pool = await workerPool({ modules: [pathToFileURL(module).href], clock: systemClock(), workers })
  let next = 0
  await new Promise((resolve, reject) => {
    const feed = () => {
      while (pool.room > 0 && next < pages.length) pool.run(pages[next++], done)
    }
    const done = ({ failure }) => {
      if (failure !== undefined) return reject(new Error(failure.message))
      feed()
      if (pool.busy === 0) resolve()
    }
    feed()
  })
  await pool.close()
}

async function readAll(archive) {
  const pages = []
  for await (const { url, status, rawHeaders, body, problem } of openArchive(archive).pages()) {
    if (status !== 200 || problem !== undefined) continue
    const { essence, charset } = parseContentType(headerValue(rawHeaders, 'content-type'))
    if (essence !== 'text/html') continue
    const id = pages.length.toString(16).padStart(16, '0')
    pages.push({ id, url, final: url, status, rawHeaders, contentType: essence, charset, body, depth: 0 })
  }
  return pages
}

function countRequests() {
  return readFileSync(log, 'latin1').split('\n').length
}
