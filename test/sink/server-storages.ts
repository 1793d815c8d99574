/** A storage on a database server for the sink suite, with a reader that shares no code with the writer. */
import type { PageRecord } from '../../src/model/record.ts'
import { mysqlSink } from '../../src/sink/mysql.ts'
import { postgresSink } from '../../src/sink/postgres.ts'
import type { Sink } from '../../src/sink/sink.ts'
import type { SinkUnderTest } from '../../src/testing/sink-suite.ts'
import { ask, type Database, emptyDatabase } from './database-servers.ts'
import { wellFormed } from './storages.ts'

export function serverSinkOf(database: Database, url: string, giveUpMs?: number): Sink {
  const options = giveUpMs === undefined ? { url } : { url, giveUpMs }
  return database === 'postgres' ? postgresSink(options) : mysqlSink(options)
}

export async function serverStorage(database: Database, what: 'pages' | 'items'): Promise<SinkUnderTest> {
  const { url, remove } = await emptyDatabase(database)
  return { ...serverStorageIn(database, what, url), remove }
}

/** For another process to write to. */
export function serverStorageIn(
  database: Database,
  what: 'pages' | 'items',
  url: string,
): Omit<SinkUnderTest, 'remove'> {
  const rows = () => (what === 'pages' ? pageRows(url) : itemRows(url))
  return { sink: () => serverSinkOf(database, url), rows, stored: (record) => stored(database, record), keyed: true }
}

const JSON_FIELDS = new Set(['robots', 'chain', 'flags', 'ms', 'input', 'geo'])
const NUMBERS = new Set(['status', 'bytes', 'depth', 'attempt', 'run', 'seq', 'items', 'rejected'])

async function pageRows(url: string): Promise<unknown[]> {
  const rows = await rowsOf(url, 'pages')
  return rows.map((row) => {
    const cells = Object.entries(row).filter(
      ([name, value]) => value !== null && name !== 'job' && name !== 'dedupe_key',
    )
    return Object.fromEntries(
      cells.map(([name, value]) => [
        name,
        JSON_FIELDS.has(name) ? parsed(value) : NUMBERS.has(name) ? Number(value) : value,
      ]),
    )
  })
}

/** Texts of page records as the database can hold them; what is stored as JSON comes back whole. */
function stored(database: Database, record: PageRecord): unknown {
  const text = (value: string): string =>
    database === 'postgres' ? (wellFormed(value) as string).replaceAll('\0', '\ufffd') : (wellFormed(value) as string)
  const cells = Object.entries(record).map(([name, value]) => [name, typeof value === 'string' ? text(value) : value])
  return Object.fromEntries(cells)
}

const OWN = new Set(['_key', '_url', '_run', '_seq', '_page', '_job', '_more'])
const JSON_ITEM_FIELDS = new Set(['nested'])

async function itemRows(url: string): Promise<unknown[]> {
  const rows = await rowsOf(url, 'items')
  return rows.map((row) => {
    const cells = Object.entries(row).filter(([name, value]) => value !== null && !OWN.has(name))
    const fields = cells.map(([name, value]): [string, unknown] => {
      if (JSON_ITEM_FIELDS.has(name)) return [name, parsed(value)]
      if (name === 'isNew') return [name, Boolean(value)]
      return [name, name === 'page' || name === 'position' ? Number(value) : value]
    })
    const more = row['_more'] === null ? {} : (parsed(row['_more']) as object)
    return Object.fromEntries([...fields, ...Object.entries(more)])
  })
}

/** Drivers parse columns of type `json` themselves. */
function parsed(value: unknown): unknown {
  return typeof value === 'string' ? (JSON.parse(value) as unknown) : value
}

async function rowsOf(url: string, table: string): Promise<Record<string, unknown>[]> {
  try {
    return await ask(url, `SELECT * FROM ${table}`)
  } catch (error) {
    if (error instanceof Error && /does not exist|doesn't exist/.test(error.message)) return []
    throw error
  }
}
