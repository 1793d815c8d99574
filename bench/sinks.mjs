/**
 * node --conditions=sluice-source sinks.mjs [ROWS] [BATCH] [--only REGEX]: ROWS items into each sink in batches of BATCH,
 * and the same rows by the driver's own bulk form (`sink-drivers.mjs`). Like with like: the driver keeps what the sink has
 * to keep, so its tables have the same columns, the same unique key and the same index, its documents the same `_id`, and
 * each batch is one transaction. The two take turns batch by batch, so that whatever else the machine does meets both.
 * Opening is not counted, closing is: a Parquet file is made there.
 *
 * Prints one JSON line: medians of the rounds in rows/s and of the rounds' ratios, and the CPU seconds of this process for
 * a million rows. Servers: SLUICE_TEST_POSTGRES, SLUICE_TEST_MYSQL, REDIS_URL, MONGODB_URL, or those at the usual ports
 * (MongoDB: a double of its protocol in a process of its own, which says nothing of a real server's speed); what is not
 * there is left out by its reason. Runs on the pinned Node.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { sidesIn } from './sink-drivers.mjs'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { only: { type: 'string', default: '' } },
})
const count = Number(positionals[0] ?? 100_000)
const size = Number(positionals[1] ?? 1000)
const only = new RegExp(values.only)
const ROUNDS = 5

const COLUMNS = [
  { name: 'sku', type: 'text', required: true },
  { name: 'title', type: 'text', required: true },
  { name: 'price', type: 'number', required: false },
  { name: 'stock', type: 'integer', required: false },
  { name: 'text', type: 'text', required: false },
]
const JOB = { name: 'job', id: 'job', run: 1, committedSeq: 0, columns: [], items: { columns: COLUMNS } }

const batches = []
for (let from = 1; from <= count; from += size) {
  batches.push(Array.from({ length: Math.min(size, count - from + 1) }, (_, i) => pageOf(from + i)))
}

/** A page with one item, and the row that a program without a sink would insert. */
function pageOf(seq) {
  const url = `https://shop.example/product/${seq}`
  const key = (seq * 2654435761).toString(16).padStart(16, '0')
  const item = { sku: `sku-${seq}`, title: `product ${seq}`, price: seq + 0.5, stock: seq % 100, text: 'x'.repeat(200) }
  const record = { url, outcome: 'ok', depth: 1, attempt: 1, t: '2026-11-21T00:00:00.000Z', run: 1, seq }
  const json = JSON.stringify(item)
  const items = [{ json, position: 0, key: undefined }]
  return {
    page: { record, json: JSON.stringify(record), dedupeKey: key, items, body: new Uint8Array(0) },
    row: { item, json, own: { _key: `${key}:0`, _url: url, _run: 1, _seq: seq, _page: key, _job: 'job', _more: null } },
  }
}

/** Time and CPU of one side. */
class Meter {
  seconds = 0
  cpu = 0
  #side

  constructor(side) {
    this.#side = side
  }

  insert(batch) {
    return this.#measured(() => this.#side.insert(batch))
  }

  close() {
    return this.#measured(() => this.#side.close())
  }

  async #measured(work) {
    const used = process.cpuUsage()
    const started = performance.now()
    await work()
    this.seconds += (performance.now() - started) / 1000
    const { user, system } = process.cpuUsage(used)
    this.cpu += (user + system) / 1e6
  }
}

const report = { rows: count, batch: size, rounds: ROUNDS }
const folder = mkdtempSync(join(tmpdir(), 'sinks-'))
const { sides, end } = await sidesIn(folder)
try {
  for (const [name, side] of Object.entries(sides)) {
    if (!only.test(name)) continue
    report[name] = await measure(side).catch((error) => (error.errors?.[0] ?? error).message)
  }
} finally {
  await end()
  rmSync(folder, { recursive: true, force: true })
}
console.log(JSON.stringify(report))

async function measure({ sink, driver, clear }) {
  const figures = []
  // The first round warms up.
  for (let round = 0; round <= ROUNDS; round++) {
    await clear()
    const bySink = sinkSide(sink(round))
    await bySink.open()
    const byDriver = await driver(round)
    const meters = [new Meter(bySink), new Meter(byDriver)]
    for (const [i, batch] of batches.entries()) {
      for (const meter of i % 2 === 0 ? meters : meters.toReversed()) await meter.insert(batch)
    }
    for (const meter of meters) await meter.close()
    await clear()
    if (round > 0) figures.push(meters)
  }
  const medians = [0, 1].map((side) => median(figures.map((meters) => count / meters[side].seconds)))
  const cpu = [0, 1].map((side) => median(figures.map((meters) => (meters[side].cpu / count) * 1e6)))
  const ratio = median(figures.map(([sink, driver]) => driver.seconds / sink.seconds))
  return {
    sinkPerSecond: Math.round(medians[0]),
    driverPerSecond: Math.round(medians[1]),
    ratio: Number(ratio.toFixed(2)),
    cpuSecondsPerMillion: cpu.map((seconds) => Number(seconds.toFixed(1))),
  }
}

function sinkSide(sink) {
  return {
    open: () => sink.open(JOB, undefined),
    insert: (batch) => sink.write(batch.map(({ page }) => page)),
    close: () => sink.close(),
  }
}

function median(values) {
  return values.toSorted((a, b) => a - b)[values.length >> 1]
}
