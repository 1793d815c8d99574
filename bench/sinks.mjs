/**
 * node --conditions=sluice-source sinks.mjs [ROWS] [BATCH]: ROWS items into each SQL sink in batches of BATCH, and the same
 * cells by the driver's own bulk insert into a table of the same columns and indexes, one transaction a batch, in turns.
 * Prints one JSON line: medians of the rounds in rows/s and of the rounds' ratios, and the CPU seconds of this process for
 * a million rows. Servers: SLUICE_TEST_POSTGRES, SLUICE_TEST_MYSQL, or those at the usual ports; what is not there is left
 * out. Runs on the pinned Node.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { createConnection } from 'mysql2/promise'
import pg from 'pg'
import { mysqlSink } from '../src/sink/mysql.ts'
import { postgresSink } from '../src/sink/postgres.ts'
import { sqliteSink } from '../src/sink/sqlite.ts'

const count = Number(process.argv[2] ?? 100_000)
const size = Number(process.argv[3] ?? 1000)
const ROUNDS = 5
const POSTGRES = process.env.SLUICE_TEST_POSTGRES ?? 'postgres://postgres@127.0.0.1:5432/test'
const MYSQL = process.env.SLUICE_TEST_MYSQL ?? 'mysql://root@127.0.0.1:3306/test'
const folder = mkdtempSync(join(tmpdir(), 'sinks-'))

const COLUMNS = [
  { name: 'sku', type: 'text', required: true },
  { name: 'title', type: 'text', required: true },
  { name: 'price', type: 'number', required: false },
  { name: 'stock', type: 'integer', required: false },
  { name: 'text', type: 'text', required: false },
]
const OWN = ['_key', '_url', '_run', '_seq', '_page', '_job', '_more']
const NAMES = [...COLUMNS.map(({ name }) => name), ...OWN]

const batches = []
for (let from = 1; from <= count; from += size) {
  batches.push(Array.from({ length: Math.min(size, count - from + 1) }, (_, i) => pageOf(from + i)))
}

/** A page with one item, and the cells that a program without a sink would insert. */
function pageOf(seq) {
  const url = `https://shop.example/product/${seq}`
  const key = (seq * 2654435761).toString(16).padStart(16, '0')
  const item = { sku: `sku-${seq}`, title: `product ${seq}`, price: seq + 0.5, stock: seq % 100, text: 'x'.repeat(200) }
  const record = { url, outcome: 'ok', depth: 1, attempt: 1, t: '2026-11-21T00:00:00.000Z', run: 1, seq }
  const items = [{ json: JSON.stringify(item), position: 0, key: undefined }]
  return {
    page: { record, json: JSON.stringify(record), dedupeKey: key, items, body: new Uint8Array(0) },
    cells: [...Object.values(item), `${key}:0`, url, 1, seq, key, 'job', null],
  }
}

const sides = {
  sqlite: {
    sink: (n) => sqliteSink({ path: join(folder, `${n}.db`) }),
    driver: sqliteDriver,
    async clear() {},
  },
  postgres: { sink: () => postgresSink({ url: `${POSTGRES}#bench` }), driver: postgresDriver, clear: clearPostgres },
  mysql: { sink: () => mysqlSink({ url: `${MYSQL}#bench` }), driver: mysqlDriver, clear: clearMysql },
}

const report = { rows: count, batch: size, rounds: ROUNDS }
try {
  for (const [name, side] of Object.entries(sides)) report[name] = await measure(side).catch((error) => error.message)
} finally {
  rmSync(folder, { recursive: true, force: true })
}
console.log(JSON.stringify(report))

async function measure({ sink, driver, clear }) {
  const rates = { sink: [], driver: [] }
  const ratios = []
  let cpu = 0
  // The first round warms up.
  for (let round = 0; round <= ROUNDS; round++) {
    await clear()
    const before = process.cpuUsage()
    const bySink = await intoSink(sink(round))
    const used = process.cpuUsage(before)
    const byDriver = await driver(round)
    await clear()
    if (round === 0) continue
    cpu += (used.user + used.system) / 1e6
    rates.sink.push(bySink)
    rates.driver.push(byDriver)
    ratios.push(bySink / byDriver)
  }
  return {
    sinkPerSecond: Math.round(median(rates.sink)),
    driverPerSecond: Math.round(median(rates.driver)),
    ratio: Number(median(ratios).toFixed(2)),
    cpuSecondsPerMillion: Number(((cpu / ROUNDS / count) * 1e6).toFixed(1)),
  }
}

async function intoSink(sink) {
  const job = { name: 'job', id: 'job', run: 1, committedSeq: 0, columns: [], items: { columns: COLUMNS } }
  await sink.open(job, undefined)
  const started = performance.now()
  for (const batch of batches) await sink.write(batch.map(({ page }) => page))
  const rate = (count / (performance.now() - started)) * 1000
  await sink.close()
  return rate
}

async function timed(insert) {
  const started = performance.now()
  for (const batch of batches) await insert(batch.map(({ cells }) => cells))
  return (count / (performance.now() - started)) * 1000
}

/** A prepared INSERT, row by row. */
async function sqliteDriver(round) {
  const db = new DatabaseSync(join(folder, `driver-${round}.db`))
  db.exec('PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-65536')
  db.exec(`CREATE TABLE bench (sku TEXT, title TEXT, price REAL, stock INTEGER, text TEXT, _key TEXT, _url TEXT,
    _run INTEGER, _seq INTEGER, _page TEXT, _job TEXT, _more TEXT, UNIQUE (_job, _key))`)
  db.exec('CREATE INDEX bench_page ON bench (_job, _page)')
  const insert = db.prepare(`INSERT INTO bench (${NAMES}) VALUES (${NAMES.map(() => '?')})`)
  const rate = await timed((rows) => {
    db.exec('BEGIN')
    for (const row of rows) insert.run(...row)
    db.exec('COMMIT')
  })
  db.close()
  return rate
}

/** One INSERT with many rows of parameters, as the driver's manual has it; prepared. */
async function postgresDriver() {
  const client = new pg.Client({ connectionString: POSTGRES })
  await client.connect()
  await client.query(`CREATE TABLE bench_driver (sku text, title text, price double precision, stock bigint, text text,
    _key text, _url text, _run bigint, _seq bigint, _page text, _job text, _more json, UNIQUE (_job, _key))`)
  await client.query('CREATE INDEX bench_driver_page ON bench_driver (_job, _page)')
  const rate = await timed(async (rows) => {
    const marks = rows.map((row, r) => `(${row.map((_, c) => `$${r * row.length + c + 1}`)})`)
    await client.query('BEGIN')
    await client.query({
      name: `insert${rows.length}`,
      text: `INSERT INTO bench_driver (${NAMES}) VALUES ${marks}`,
      values: rows.flat(),
    })
    await client.query('COMMIT')
  })
  await client.end()
  return rate
}

/** `VALUES ?` with nested arrays: the driver's own bulk insert. */
async function mysqlDriver() {
  const connection = await createConnection(MYSQL)
  const key = 'varchar(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL'
  await connection.query(`CREATE TABLE bench_driver (sku longtext, title longtext, price double, stock bigint, text longtext,
    _key ${key}, _url longtext, _run bigint, _seq bigint, _page ${key}, _job ${key}, _more longtext,
    UNIQUE (_job, _key), INDEX (_job, _page)) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4`)
  const rate = await timed(async (rows) => {
    await connection.query('START TRANSACTION')
    await connection.query(`INSERT INTO bench_driver (${NAMES}) VALUES ?`, [rows])
    await connection.query('COMMIT')
  })
  await connection.end()
  return rate
}

async function clearPostgres() {
  const client = new pg.Client({ connectionString: POSTGRES })
  await client.connect()
  await client.query('DROP TABLE IF EXISTS bench, _sluice_undo_bench, bench_driver, _sluice_commit')
  await client.end()
}

async function clearMysql() {
  const connection = await createConnection(MYSQL)
  await connection.query('DROP TABLE IF EXISTS bench, _sluice_undo_bench, bench_driver, _sluice_commit')
  await connection.end()
}

function median(values) {
  return values.toSorted((a, b) => a - b)[values.length >> 1]
}
