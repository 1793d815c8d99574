/** One storage of each kind in a temporary folder, with a reader that shares no code with the writer. */
import { readFile } from 'node:fs/promises'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { constants, gunzipSync, zstdDecompressSync } from 'node:zlib'
import { parse } from 'csv-parse/sync'
import type { ItemColumn } from '../../src/model/item.ts'
import type { PageRecord } from '../../src/model/record.ts'
import { csvSink } from '../../src/sink/csv.ts'
import { filesSink } from '../../src/sink/files.ts'
import { mongoSink } from '../../src/sink/mongodb.ts'
import { ndjsonSink } from '../../src/sink/ndjson.ts'
import { RECORD_FIELDS } from '../../src/sink/page-fields.ts'
import { type ParquetColumn, writeParquet } from '../../src/sink/parquet-table.ts'
import { ROWS_ENDING } from '../../src/sink/kind.ts'
import { parquetSink } from '../../src/sink/parquet.ts'
import { redisSink } from '../../src/sink/redis.ts'
import type { RedisForm } from '../../src/sink/redis-target.ts'
import { sqliteSink } from '../../src/sink/sqlite.ts'
import { warcSink } from '../../src/sink/warc.ts'
import type { SinkUnderTest } from '../../src/testing/sink-suite.ts'
import { readWithWarcio } from '../warc/independent.ts'
import { readWithDuckDb } from './duckdb.ts'
import { mongoRows } from './mongo-rows.ts'
import { redisRows } from './redis-server.ts'

export type Durability = 'kill' | 'power'
export type StorageKind =
  | 'ndjson'
  | 'gzip'
  | 'zstd'
  | 'gzip csv'
  | 'zstd csv'
  | 'parquet'
  | 'csv'
  | 'sqlite'
  | 'files'
  | 'named files'
  | 'warc'
  | 'plain-warc'
  | 'mongodb'
  | RedisKind
export type RedisKind = 'redis hash' | 'redis list' | 'redis stream'

/** A folder for one test; `remove` deletes it. */
export function temporaryFolder(): { readonly path: string; remove(): Promise<void> } {
  const path = mkdtempSync(join(tmpdir(), 'sluice-sink-'))
  return { path, remove: async () => rmSync(path, { recursive: true, force: true }) }
}

export async function storage(kind: StorageKind, durability: Durability = 'kill'): Promise<SinkUnderTest> {
  const folder = temporaryFolder()
  return { ...storageIn(kind, folder.path, durability), remove: folder.remove }
}

/** Where a storage of that kind lies below `folder`, for another process to write to. */
export function storageIn(kind: StorageKind, folder: string, durability: Durability): Omit<SinkUnderTest, 'remove'> {
  switch (kind) {
    case 'ndjson': {
      const file = join(folder, 'pages.ndjson')
      return { sink: () => ndjsonSink({ path: file, durability }), rows: () => jsonLines(file), keyed: false, file }
    }
    case 'gzip':
    case 'zstd': {
      const file = join(folder, `pages.ndjson.${kind === 'gzip' ? 'gz' : 'zst'}`)
      const sink = () => ndjsonSink({ path: file, compression: kind, durability })
      const rows = async () => parseLines((await unpacked(file)).toString())
      return { sink, rows, keyed: false, file, ending: ENDINGS[kind] }
    }
    case 'gzip csv':
    case 'zstd csv': {
      const compression = kind === 'gzip csv' ? 'gzip' : 'zstd'
      const file = join(folder, `pages.csv.${kind === 'gzip csv' ? 'gz' : 'zst'}`)
      const sink = () => csvSink({ path: file, compression, durability })
      return { sink, rows: () => csvRows(file), stored: asCsv, keyed: false, file, ending: ENDINGS[compression] }
    }
    case 'csv': {
      const file = join(folder, 'pages.csv')
      return {
        sink: () => csvSink({ path: file, durability }),
        rows: () => csvRows(file),
        stored: asCsv,
        keyed: false,
        file,
      }
    }
    case 'parquet': {
      const path = join(folder, 'pages.parquet')
      const file = path + ROWS_ENDING
      const sink = () => parquetSink({ path, durability })
      const rows = () => parquetRows(file, RECORD_FIELDS)
      return { sink, rows, stored: wellFormed, keyed: false, file, ending: ENDINGS.gzip }
    }
    case 'files': {
      const file = join(folder, 'out', 'pages.ndjson')
      const sink = () => filesSink({ folder: join(folder, 'out'), durability })
      return { sink, rows: () => fileRows(join(folder, 'out')), keyed: false, file }
    }
    case 'named files': {
      const file = join(folder, 'out', 'pages.ndjson')
      const sink = () => filesSink({ folder: join(folder, 'out'), durability, template: '{host}/{line}/{name}{ext}' })
      return { sink, rows: () => fileRows(join(folder, 'out')), keyed: false, file }
    }
    case 'warc':
    case 'plain-warc': {
      const file = join(folder, kind === 'warc' ? 'pages.warc.gz' : 'pages.warc')
      return { sink: () => warcSink({ path: file, durability }), rows: () => warcRows(file), keyed: false, file }
    }
    case 'mongodb':
      return mongoStorage(basename(folder))
    case 'redis hash':
    case 'redis list':
    case 'redis stream':
      return redisStorage(kind.slice(6) as RedisForm, basename(folder))
    case 'sqlite': {
      const path = join(folder, 'pages.sqlite')
      const sink = () => sqliteSink({ path, durability })
      return { sink, rows: async () => sqliteRows(path), stored: wellFormed, keyed: true }
    }
  }
}

/** On the server of `MONGODB_URL`, in a collection of its own. */
function mongoStorage(name: string): Omit<SinkUnderTest, 'remove'> {
  const url = process.env['MONGODB_URL'] ?? 'mongodb://127.0.0.1:27017/test'
  return {
    sink: () => mongoSink({ url: `${url}/${name}` }),
    rows: async () => (await mongoRows(url, name)).map(wellFormed),
    stored: wellFormed,
    storedItem: wellFormed,
    keyed: true,
  }
}

/** On the server of `REDIS_URL`, under a name of its own. Another process that inherits the variable finds it. */
function redisStorage(form: RedisForm, name: string): Omit<SinkUnderTest, 'remove'> {
  const url = process.env['REDIS_URL'] ?? 'redis://127.0.0.1:6379/0'
  return {
    sink: () => redisSink({ url: `${url}?${form}=${name}` }),
    rows: () => redisRows(url, form, name),
    keyed: form === 'hash',
  }
}

/** Bytes that end a member. */
const ENDINGS = { gzip: 10, zstd: 3 } as const

export type ItemStorageKind =
  | 'ndjson'
  | 'gzip'
  | 'zstd'
  | 'csv'
  | 'gzip csv'
  | 'zstd csv'
  | 'parquet'
  | 'sqlite'
  | RedisKind
  | 'mongodb'

export async function itemStorage(kind: ItemStorageKind, columns?: readonly ItemColumn[]): Promise<SinkUnderTest> {
  const folder = temporaryFolder()
  return { ...itemStorageIn(kind, folder.path, columns), remove: folder.remove }
}

/** The same sinks with a reader of items. */
export function itemStorageIn(
  kind: ItemStorageKind,
  folder: string,
  columns?: readonly ItemColumn[],
): Omit<SinkUnderTest, 'remove'> {
  const pages = storageIn(kind, folder, 'kill')
  if (kind === 'parquet') {
    return { ...pages, rows: () => parquetRows(pages.file ?? '', columns), storedItem: wellFormed }
  }
  if (kind.endsWith('csv')) return { ...pages, rows: () => itemCsvRows(pages.file ?? ''), storedItem: wellFormed }
  if (kind === 'sqlite') {
    return { ...pages, rows: async () => itemRows(join(folder, 'pages.sqlite')), storedItem: wellFormed }
  }
  return pages
}

const ITEM_NUMBERS = new Set(['page', 'position', 'price'])
const OWN_COLUMNS = new Set(['_key', '_url', '_run', '_seq', '_page', '_job', '_more'])

function itemOf(cells: readonly (readonly [string, unknown])[], more: unknown): unknown {
  const fields = cells.map(([name, value]): [string, unknown] => {
    if (name === 'nested') return [name, JSON.parse(value as string)]
    if (name === 'isNew') return [name, value === 'true' || value === 1]
    return [name, ITEM_NUMBERS.has(name) ? Number(value) : value]
  })
  const rest = typeof more === 'string' ? Object.entries(JSON.parse(more) as object) : []
  return wellFormed(Object.fromEntries([...fields, ...rest]))
}

async function itemCsvRows(path: string): Promise<unknown[]> {
  const rows = parse((await unpacked(path)).toString(), {
    cast: (value, { quoting }) => (value === '' && !quoting ? undefined : value),
  }) as unknown as (string | undefined)[][]
  const [header = [], ...lines] = rows
  return lines.map((line) => {
    const cells = header.slice(0, -1).map((name, index): [string, unknown] => [name ?? '', line[index]])
    return itemOf(
      cells.filter(([, value]) => value !== undefined),
      line.at(-1),
    )
  })
}

function itemRows(path: string): unknown[] {
  if (!existsSync(path)) return []
  const db = new DatabaseSync(path, { readOnly: true })
  try {
    const isThere = db.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'items'").get() !== undefined
    const rows = isThere ? db.prepare('SELECT * FROM items ORDER BY rowid').all() : []
    return rows.map((row) => {
      const cells = Object.entries(row).filter(([name, value]) => value !== null && !OWN_COLUMNS.has(name))
      return itemOf(cells, row['_more'])
    })
  } finally {
    db.close()
  }
}

async function textOf(path: string): Promise<Buffer> {
  return existsSync(path) ? readFile(path) : Buffer.alloc(0)
}

function parseLines(text: string): unknown[] {
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as unknown)
}

async function jsonLines(path: string): Promise<unknown[]> {
  return parseLines((await textOf(path)).toString())
}

/** Also of a file whose last member is not ended, as it is while the job runs. */
async function unpacked(path: string): Promise<Buffer> {
  const bytes = await textOf(path)
  if (path.endsWith('.gz')) return gunzipSync(bytes, { finishFlush: constants.Z_SYNC_FLUSH })
  if (!path.endsWith('.zst')) return bytes
  const texts: Buffer[] = []
  for (let at = 0; at < bytes.length; ) {
    // Node reads one frame at a time and says, without a type for it, how far it came.
    const options = { info: true, finishFlush: constants.ZSTD_e_flush }
    const frame = zstdDecompressSync(bytes.subarray(at), options) as unknown as Frame
    texts.push(frame.buffer)
    at += frame.engine.bytesWritten
  }
  return Buffer.concat(texts)
}

interface Frame {
  readonly buffer: Buffer
  readonly engine: { readonly bytesWritten: number }
}

/** The table that would be made of the rows now, as another program's reader has it. */
async function parquetRows(rowsPath: string, columns: readonly ParquetColumn[] | undefined): Promise<unknown[]> {
  if (!existsSync(rowsPath)) return []
  const lines = (await unpacked(rowsPath)).toString().split('\n').slice(0, -1)
  const path = `${rowsPath}.test.parquet`
  await writeParquet(
    path,
    async function* () {
      yield lines
    },
    columns,
  )
  const rows = await readWithDuckDb(path)
  return rows.map((row) => wellFormed(row))
}

/** Reads each body and drops `file`. */
async function fileRows(folder: string): Promise<unknown[]> {
  const rows = (await jsonLines(join(folder, 'pages.ndjson'))) as PageRecord[]
  return Promise.all(
    rows.map(async ({ file, ...record }) => {
      if (file !== undefined) await readFile(join(folder, file))
      return record
    }),
  )
}

/** The page records among the metadata of an archive, read and checked by another program's reader. */
async function warcRows(path: string): Promise<unknown[]> {
  const records = existsSync(path) ? await readWithWarcio(path) : []
  return records.filter(({ type }) => type === 'metadata').map(({ content }) => JSON.parse(String(content)) as unknown)
}

const JSON_FIELDS = new Set(['robots', 'chain', 'flags', 'ms', 'input'])
const NUMBER_FIELDS = new Set(['status', 'bytes', 'depth', 'attempt', 'run', 'seq'])

/** Input values are texts; the rest is typed by its field. An empty cell is a missing value, `""` an empty text. */
async function csvRows(path: string): Promise<unknown[]> {
  const text = (await unpacked(path)).toString()
  const rows = parse(text, {
    cast: (value, { quoting }) => (value === '' && !quoting ? undefined : value),
  }) as unknown as string[][]
  const [header = [], ...cells] = rows
  return cells.map((row) => {
    const record: [string, unknown][] = []
    const input: [string, unknown][] = []
    for (const [index, name] of header.entries()) {
      const cell = row[index] as string | undefined
      if (cell === undefined) continue
      if (name === 'input') input.push(...Object.entries(JSON.parse(cell) as object))
      else if (name.startsWith('input.')) input.push([name.slice(6), cell])
      else record.push([name, JSON_FIELDS.has(name) ? JSON.parse(cell) : NUMBER_FIELDS.has(name) ? Number(cell) : cell])
    }
    if (input.length > 0) record.push(['input', Object.fromEntries(input.map(([key, value]) => [key, String(value)]))])
    return wellFormed(Object.fromEntries(record))
  })
}

function asCsv(record: PageRecord): unknown {
  if (record.input === undefined) return wellFormed(record)
  const input = Object.fromEntries(Object.entries(record.input).map(([key, value]) => [key, String(value)]))
  return wellFormed({ ...record, input })
}

function sqliteRows(path: string): unknown[] {
  if (!existsSync(path)) return []
  const db = new DatabaseSync(path, { readOnly: true })
  try {
    return db
      .prepare('SELECT * FROM pages ORDER BY rowid')
      .all()
      .map((row) => {
        const fields = Object.entries(row).filter(
          ([name, value]) => value !== null && name !== 'job' && name !== 'dedupe_key',
        )
        return wellFormed(
          Object.fromEntries(
            fields.map(([name, value]) => [name, JSON_FIELDS.has(name) ? JSON.parse(value as string) : value]),
          ),
        )
      })
  } finally {
    db.close()
  }
}

/** Lone surrogates as UTF-8 stores them. */
export function wellFormed(value: unknown): unknown {
  if (typeof value === 'string') return value.toWellFormed()
  if (Array.isArray(value)) return value.map(wellFormed)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key.toWellFormed(), wellFormed(inner)]))
}
