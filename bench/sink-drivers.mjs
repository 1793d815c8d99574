/**
 * What `sinks.mjs` measures the sinks against: for each storage the bulk form that its driver's manual has for a program
 * that holds its rows already as that form takes them, into a place that keeps what the sink has to keep. Knows no clock.
 *
 * A side has `sink(round)`, `driver(round)` (opened; `insert` takes a batch, `close` ends it) and `clear()`.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { zstdCompressSync } from 'node:zlib'
import { fileWriter, parquetWrite } from 'hyparquet-writer'
import { Redis } from 'ioredis'
import { MongoClient } from 'mongodb'
import { createConnection } from 'mysql2/promise'
import pg from 'pg'
import { csvSink } from '../src/sink/csv.ts'
import { mongoSink } from '../src/sink/mongodb.ts'
import { mysqlSink } from '../src/sink/mysql.ts'
import { ndjsonSink } from '../src/sink/ndjson.ts'
import { parquetSink } from '../src/sink/parquet.ts'
import { postgresSink } from '../src/sink/postgres.ts'
import { redisSink } from '../src/sink/redis.ts'
import { sqliteSink } from '../src/sink/sqlite.ts'

const POSTGRES = process.env.SLUICE_TEST_POSTGRES ?? 'postgres://postgres@127.0.0.1:5432/test'
const MYSQL = process.env.SLUICE_TEST_MYSQL ?? 'mysql://root@127.0.0.1:3306/test'
const REDIS = process.env.REDIS_URL ?? 'redis://127.0.0.1:6379/0'
const NAMES = 'sku,title,price,stock,text,_key,_url,_run,_seq,_page,_job,_more'.split(',')
const TABLES = 'bench, _sluice_undo_bench, bench_driver'

export async function sidesIn(folder) {
  const mongo = process.env.MONGODB_URL === undefined ? await mongoDouble() : { url: process.env.MONGODB_URL }
  const file = (name) => join(folder, name)
  const none = async () => undefined
  const sides = {
    ndjson: {
      sink: (n) => ndjsonSink({ path: file(`${n}.ndjson`) }),
      driver: (n) => lineDriver(file(`driver-${n}.ndjson`), ({ json }) => `${json}\n`),
      clear: none,
    },
    csv: {
      sink: (n) => csvSink({ path: file(`${n}.csv`) }),
      driver: (n) => lineDriver(file(`driver-${n}.csv`), csvRow),
      clear: none,
    },
    parquet: {
      sink: (n) => parquetSink({ path: file(`${n}.parquet`) }),
      driver: (n) => parquetDriver(file(`driver-${n}.parquet`)),
      clear: none,
    },
    sqlite: {
      sink: (n) => sqliteSink({ path: file(`${n}.db`) }),
      driver: (n) => sqliteDriver(file(`driver-${n}.db`)),
      clear: none,
    },
    postgres: {
      sink: () => postgresSink({ url: `${POSTGRES}#bench` }),
      driver: postgresDriver,
      clear: () => withPostgres(`DROP TABLE IF EXISTS ${TABLES}`, "DELETE FROM _sluice_commit WHERE job = 'job#bench'"),
    },
    mysql: {
      sink: () => mysqlSink({ url: `${MYSQL}#bench` }),
      driver: mysqlDriver,
      clear: () => withMysql(`DROP TABLE IF EXISTS ${TABLES}`, "DELETE FROM _sluice_commit WHERE job = 'job#bench'"),
    },
    ...Object.fromEntries(
      ['hash', 'list', 'stream'].map((form) => [
        `redis ${form}`,
        {
          sink: () => redisSink({ url: `${REDIS}?${form}=bench` }),
          driver: () => redisDriver(form),
          clear: clearRedis,
        },
      ]),
    ),
    mongodb: {
      sink: () => mongoSink({ url: `${mongo.url}/bench` }),
      driver: () => mongoDriver(mongo.url),
      clear: () => clearMongo(mongo.url),
    },
  }
  return { sides, end: async () => mongo.end?.() }
}

function cellsOf({ row: { item, own } }) {
  return [...Object.values(item), ...Object.values(own)]
}

/** One write a batch. */
async function lineDriver(path, lineOf) {
  const handle = await open(path, 'a')
  return {
    insert: (batch) => handle.write(batch.map(({ row }) => lineOf(row)).join('')),
    close: () => handle.close(),
  }
}

/** There is no driver: the shortest program that makes this file of the same lines of JSON. */
function csvRow({ json }) {
  let row = ''
  for (const value of Object.values(JSON.parse(json))) row += `${csvCell(value)},`
  return `${row}\r\n`
}

function csvCell(value) {
  const text = String(value)
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

/** All rows as columns, written at once. */
async function parquetDriver(path) {
  const columns = ['sku', 'title', 'price', 'stock', 'text'].map((name) => ({ name, data: [], nullable: true }))
  for (const [i, type] of ['STRING', 'STRING', 'DOUBLE', 'INT64', 'STRING'].entries()) columns[i].type = type
  return {
    async insert(batch) {
      for (const { row } of batch) {
        for (const { name, data } of columns) data.push(name === 'stock' ? BigInt(row.item[name]) : row.item[name])
      }
    },
    async close() {
      await parquetWrite({
        writer: fileWriter(path),
        columnData: columns,
        rowGroupSize: 50_000,
        codec: 'ZSTD',
        compressors: { ZSTD: (bytes) => zstdCompressSync(bytes) },
      })
    },
  }
}

/** A prepared INSERT, row by row. */
async function sqliteDriver(path) {
  const db = new DatabaseSync(path)
  db.exec('PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-65536')
  db.exec(`CREATE TABLE bench (sku TEXT, title TEXT, price REAL, stock INTEGER, text TEXT, _key TEXT, _url TEXT,
    _run INTEGER, _seq INTEGER, _page TEXT, _job TEXT, _more TEXT, UNIQUE (_job, _key))`)
  db.exec('CREATE INDEX bench_page ON bench (_job, _page)')
  const insert = db.prepare(`INSERT INTO bench (${NAMES}) VALUES (${NAMES.map(() => '?')})`)
  return {
    async insert(batch) {
      db.exec('BEGIN')
      for (const row of batch) insert.run(...cellsOf(row))
      db.exec('COMMIT')
    },
    async close() {
      db.close()
    },
  }
}

/** One INSERT with many rows of parameters, as the driver's manual has it; prepared. */
async function postgresDriver() {
  const client = new pg.Client({ connectionString: POSTGRES })
  await client.connect()
  await client.query(`CREATE TABLE bench_driver (sku text, title text, price double precision, stock bigint, text text,
    _key text, _url text, _run bigint, _seq bigint, _page text, _job text, _more json, UNIQUE (_job, _key))`)
  await client.query('CREATE INDEX bench_driver_page ON bench_driver (_job, _page)')
  return {
    async insert(batch) {
      const marks = batch.map((_, r) => `(${NAMES.map((_, c) => `$${r * NAMES.length + c + 1}`)})`)
      await client.query('BEGIN')
      await client.query({
        name: `insert${batch.length}`,
        text: `INSERT INTO bench_driver (${NAMES}) VALUES ${marks}`,
        values: batch.flatMap(cellsOf),
      })
      await client.query('COMMIT')
    },
    close: () => client.end(),
  }
}

/** `VALUES ?` with nested arrays: the driver's own bulk insert. */
async function mysqlDriver() {
  const connection = await createConnection(MYSQL)
  const key = 'varchar(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL'
  await connection.query(`CREATE TABLE bench_driver (sku longtext, title longtext, price double, stock bigint, text longtext,
    _key ${key}, _url longtext, _run bigint, _seq bigint, _page ${key}, _job ${key}, _more longtext,
    UNIQUE (_job, _key), INDEX (_job, _page)) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4`)
  return {
    async insert(batch) {
      await connection.query('START TRANSACTION')
      await connection.query(`INSERT INTO bench_driver (${NAMES}) VALUES ?`, [batch.map(cellsOf)])
      await connection.query('COMMIT')
    },
    close: () => connection.end(),
  }
}

/** One command with all rows of a batch; a stream takes one entry a command, so a pipeline of them. */
async function redisDriver(form) {
  const redis = new Redis(REDIS, { maxRetriesPerRequest: 1 })
  const insert = {
    hash: (batch) => redis.hset('bench_driver', ...batch.flatMap(({ row }) => [row.own._key, row.json])),
    list: (batch) => redis.rpush('bench_driver', ...batch.map(({ row }) => row.json)),
    stream: (batch) => {
      const pipeline = redis.pipeline()
      for (const { row } of batch) {
        const { _key, _run, _seq } = row.own
        pipeline.xadd('bench_driver', '*', 'key', _key, 'run', _run, 'seq', _seq, 'json', row.json)
      }
      return pipeline.exec()
    },
  }[form]
  return {
    insert,
    async close() {
      redis.disconnect()
    },
  }
}

/** `insertMany`, unordered, with the `_id` and the indexes of the sink. */
async function mongoDriver(url) {
  const client = new MongoClient(url, { retryWrites: false })
  const collection = client.db('test').collection('bench_driver')
  await collection.createIndexes([{ key: { _job: 1, _seq: 1 } }, { key: { _job: 1, _page: 1 } }])
  return {
    insert: (batch) =>
      collection.insertMany(
        batch.map(({ row: { item, own } }) => ({ _id: `job:${own._key}`, ...item, ...own })),
        { ordered: false },
      ),
    close: () => client.close(),
  }
}

/** In a process of its own: its work must not count as ours. */
async function mongoDouble() {
  const child = fork(fileURLToPath(new URL('mongo-server.mjs', import.meta.url)))
  const [url] = await once(child, 'message')
  return { url, end: async () => child.kill() }
}

async function withPostgres(...statements) {
  const client = new pg.Client({ connectionString: POSTGRES, connectionTimeoutMillis: 2000 })
  await client.connect()
  // The table of commits is there once a sink was.
  for (const statement of statements) await client.query(statement).catch(() => undefined)
  await client.end()
}

async function withMysql(...statements) {
  const connection = await createConnection({ uri: MYSQL, connectTimeout: 2000 })
  for (const statement of statements) await connection.query(statement).catch(() => undefined)
  await connection.end()
}

async function clearRedis() {
  const redis = new Redis(REDIS, { maxRetriesPerRequest: 1 })
  redis.on('error', () => undefined)
  try {
    await redis.del('bench', 'bench_driver', ...(await redis.keys('_sluice_*{bench}*')))
  } finally {
    redis.disconnect()
  }
}

async function clearMongo(url) {
  const client = new MongoClient(url, { serverSelectionTimeoutMS: 2000 })
  try {
    for (const name of ['bench', 'bench_driver', '_sluice_undo', '_sluice_commit']) {
      await client.db('test').collection(name).deleteMany({})
    }
  } finally {
    await client.close()
  }
}
