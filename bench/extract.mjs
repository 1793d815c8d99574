/**
 * node --conditions=sluice-source extract.mjs [N] [SECONDS]: the same selectors over N stored pages in memory, in process
 * and by 1 and 2 workers in turns, SECONDS a round. Prints one JSON line: medians of the rounds in pages/s and in cores
 * that the machine gave (two workers that got less than two say nothing about the pool), medians of the rounds' ratios,
 * delay of the main thread's event loop while 2 workers are full, and how long a dead worker is away. Pages are the HTML
 * files below BENCH_SITE (default: the corpus of `setup`). Runs on the pinned Node.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { pathToFileURL } from 'node:url'
import { systemClock } from '../src/engine/clock.ts'
import { inProcessPool } from '../src/extract/in-process.ts'
import { workerPool } from '../src/extract/pool.ts'
import { loadExtractor } from '../src/extract/run-extractor.ts'
import { work } from './place.mjs'

const site = process.env.BENCH_SITE ?? join(work, 'site')
const most = Number(process.argv[2] ?? 200)
const roundMs = Number(process.argv[3] ?? 1.5) * 1000
const ROUNDS = 5

/** Title, all links, and the cells of each table row; `?exit` ends the thread. */
const EXTRACTOR = `
export default {
  *extract(page) {
    if (page.url.endsWith('?exit')) process.exit(1)
    yield {
      title: page.$('h1')?.text(),
      links: page.links('a').length,
      rows: page.$$('tr').map((row) => row.$$('td').map((cell) => cell.text())),
    }
  },
}
`

const folder = mkdtempSync(join(tmpdir(), 'extract-'))
const path = join(folder, 'extractor.mjs')
writeFileSync(path, EXTRACTOR)
const pages = readPages()
const clock = systemClock()
const modules = [pathToFileURL(path).href]
try {
  const sides = {
    inProcess: inProcessPool(await loadExtractor(path), clock, 30_000),
    oneWorker: await workerPool({ modules, clock, workers: 1 }),
    twoWorkers: await workerPool({ modules, clock, workers: 2 }),
  }
  const rates = { inProcess: [], oneWorker: [], twoWorkers: [] }
  const cores = { inProcess: [], oneWorker: [], twoWorkers: [] }
  const delays = []
  // The first round warms up.
  for (const pool of Object.values(sides)) await fill(pool, roundMs)
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, pool] of Object.entries(sides)) {
      const delay = monitorEventLoopDelay({ resolution: 1 })
      delay.enable()
      const [cpu, started] = [process.cpuUsage(), performance.now()]
      rates[name].push(await fill(pool, roundMs))
      const { user, system } = process.cpuUsage(cpu)
      cores[name].push((user + system) / 1000 / (performance.now() - started))
      delay.disable()
      if (name === 'twoWorkers') delays.push(delay)
    }
  }
  const ratio = (over, under) => +median(rates[over].map((rate, i) => rate / rates[under][i])).toFixed(2)
  const awayMs = await restart(sides.oneWorker)
  for (const pool of Object.values(sides)) await pool.close()
  console.log(
    JSON.stringify({
      pages: pages.length,
      MB: +(pages.reduce((sum, { body }) => sum + body.byteLength, 0) / 1e6).toFixed(1),
      cores: availableParallelism(),
      perS: Object.fromEntries(Object.entries(rates).map(([name, all]) => [name, Math.round(median(all))])),
      coresGot: Object.fromEntries(Object.entries(cores).map(([name, all]) => [name, +median(all).toFixed(2)])),
      oneWorkerToInProcess: ratio('oneWorker', 'inProcess'),
      twoToOne: ratio('twoWorkers', 'oneWorker'),
      loopDelayMs: {
        p50: ms(median(delays.map((delay) => delay.percentile(50)))),
        p99: ms(Math.max(...delays.map((delay) => delay.percentile(99)))),
        max: ms(Math.max(...delays.map((delay) => delay.max))),
      },
      awayMs,
    }),
  )
} finally {
  rmSync(folder, { recursive: true })
}

/** Pages/s over the whole set again and again, its room kept full. */
function fill(pool, lastsMs) {
  return new Promise((resolve, reject) => {
    const started = performance.now()
    let next = 0
    let answered = 0
    const feed = () => {
      while (pool.room > 0 && performance.now() - started < lastsMs) pool.run(pages[next++ % pages.length], done)
    }
    const done = (extraction) => {
      if (extraction.failure !== undefined) return reject(new Error(extraction.failure.message))
      answered++
      feed()
      if (pool.busy === 0) resolve((answered / (performance.now() - started)) * 1000)
    }
    feed()
  })
}

/** Median time from the end of a worker to the answer of its replacement, which dies as well, twice. */
async function restart(pool) {
  const times = []
  for (let i = 0; i < 5; i++) {
    const started = performance.now()
    const page = { ...pages[0], url: `${pages[0].url}?exit` }
    await new Promise((resolve) => pool.run(page, resolve))
    // Three attempts: two restarts lie between the first death and the answer.
    times.push((performance.now() - started) / 2)
  }
  return +median(times).toFixed(1)
}

function readPages() {
  const files = readdirSync(site, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.html?$/.test(name))
    .toSorted()
  const step = Math.max(1, Math.floor(files.length / most))
  return files
    .filter((_, i) => i % step === 0)
    .slice(0, most)
    .map((name, i) => ({
      id: i.toString(16).padStart(16, '0'),
      url: `https://bench.example/${encodeURI(name)}`,
      final: `https://bench.example/${encodeURI(name)}`,
      status: 200,
      rawHeaders: ['Content-Type', 'text/html; charset=utf-8'],
      contentType: 'text/html',
      charset: 'utf-8',
      body: new Uint8Array(readFileSync(join(site, name))),
      file: undefined,
      depth: 0,
      label: undefined,
      input: undefined,
    }))
}

function median(numbers) {
  return numbers.toSorted((a, b) => a - b)[numbers.length >> 1]
}

function ms(nanoseconds) {
  return +(nanoseconds / 1e6).toFixed(1)
}
