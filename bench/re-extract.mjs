/**
 * node --conditions=sluice-source re-extract.mjs [WORKERS] [ROUNDS]: the pages of a job's archive through an extractor again,
 * against the same extractor over the same pages held in memory by the same number of workers, in turns. Crawls BENCH_START
 * (default: the OpenJDK manual of `setup`, 5,000 pages) with `--store` first; counts the requests that the origin got
 * meanwhile, which must be none. Prints one JSON line: `ratio` (wall time) and `cpuRatio` (all threads, user and system, which
 * other work on the machine disturbs less) are medians of the rounds, `mainUs` is what the main thread takes for a page.
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
  const mainUs = []
  for (let round = 0; round < rounds; round++) {
    const before = spent()
    await inMemory(pages, module)
    const between = spent()
    held.push(since(before, between))
    const report = await reExtract({
      subjects: [job],
      modules: [module],
      layer: { origin: 'flag', values: { workers } },
      cwd: folder,
      accept: false,
    })
    if (report.pages !== pages.length) throw new Error(`${report.pages} of ${pages.length} pages`)
    const after = since(between, spent())
    stored.push(after)
    mainUs.push((1000 * after.main) / pages.length)
  }
  await new Promise((resolve) => setTimeout(resolve, 1500))
  const ratio = (what) => +median(stored.map((of, i) => of[what] / held[i][what])).toFixed(2)
  console.log(
    JSON.stringify({
      pages: pages.length,
      MB: Math.round(pages.reduce((sum, { body }) => sum + body.byteLength, 0) / 1e6),
      workers,
      heldMs: held.map(({ wall }) => Math.round(wall)),
      storedMs: stored.map(({ wall }) => Math.round(wall)),
      ratio: ratio('wall'),
      cpuRatio: ratio('cpu'),
      mainUs: Math.round(median(mainUs)),
      requests: countRequests() - requests,
    }),
  )
} finally {
  rmSync(folder, { recursive: true })
}

/** ms: wall, CPU of all threads, CPU of this one. */
function spent() {
  const [all, own] = [process.cpuUsage(), process.threadCpuUsage()]
  return { wall: performance.now(), cpu: (all.user + all.system) / 1000, main: (own.user + own.system) / 1000 }
}

function since(before, after) {
  return { wall: after.wall - before.wall, cpu: after.cpu - before.cpu, main: after.main - before.main }
}

function median(numbers) {
  return numbers.toSorted((a, b) => a - b)[numbers.length >> 1]
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
