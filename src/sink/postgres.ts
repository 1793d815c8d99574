/**
 * Page records, or items, in PostgreSQL by the optional package `pg`: the dialect, and the only file that knows the
 * driver. Rows go as one array a column (`unnest`), so that a statement is parsed once whatever the number of rows.
 *
 * What text columns cannot hold: NUL, and lone surrogates, which UTF-8 does not have.
 */
import type { Client, CustomTypesConfig, QueryArrayResult, QueryResult } from 'pg'
import { SluiceError } from '../model/errors.ts'
import type { Sink } from './sink.ts'
import type { SqlValue } from './sql/cell.ts'
import type { SqlType } from './sql/dialect.ts'
import { connectError, queryError, SLICE, type SqlAnswer, type SqlQuery } from './sql/query.ts'
import { readingWord } from './sql/only-reads.ts'
import { quoted } from './sql/quoted.ts'
import { type Cells, exceeds, pieces } from './sql/rows.ts'
import { serverSink } from './sql/server-sink.ts'
import type { Insert, ServerDialect, SqlConnection, SqlServer, SqlTrouble } from './sql/server.ts'
import { addressOf } from './sql/server-url.ts'
import { type TableInfo, upsertText } from './sql/table.ts'
import { inTime } from './time-limit.ts'

export interface PostgresSinkOptions {
  /** `postgres://[user[:password]@]host[:port]/database[?sslmode=…][#table]`; the rest as in libpq's variables (`PGPASSWORD` …). */
  readonly url: string
  /** Default: that of the URL, else `pages`, or `items` where the job has an extractor. */
  readonly table?: string
  /** Milliseconds for which the server may be away before the job halts. Default 120,000. */
  readonly giveUpMs?: number
}

const CONNECT_MS = 10_000
const ROWS_AT_ONCE = 5000
const BYTES_AT_ONCE = 8 * 1024 * 1024
/** A value may have 1 GB, a string of JavaScript half of that. */
const LARGEST_ROW = 256 * 1024 * 1024
/** Bytes of a name; longer ones are cut (postgresql.org, "Identifiers and Key Words"). */
const LONGEST_NAME = 63
const LONGEST_PREFIX = '_sluice_undo_'.length

const holdsText = (text: string): boolean => text.isWellFormed() && !text.includes('\0')

const DIALECT: ServerDialect = {
  database: 'PostgreSQL',
  types: {
    key: 'text',
    text: 'text',
    integer: 'bigint',
    number: 'double precision',
    boolean: 'boolean',
    // As it was sent: jsonb refuses NUL and lone surrogates even where they are escaped.
    json: 'json',
    any: 'json',
  },
  untyped: false,
  maxColumns: 500,
  // An entry of an index has at most a third of a page, 2,704 bytes, and there are two keys in it.
  longestKey: 250,
  tableOptions: '',
  otherTable: 'name another table behind # at the end of the URL',
  quoted,
  isColumnName: (name) => Buffer.byteLength(name) <= LONGEST_NAME && holdsText(name),
  isTableName: (name) => Buffer.byteLength(name) <= LONGEST_NAME - LONGEST_PREFIX && holdsText(name),
  holdsText,
  holdsKey: holdsText,
  nearest: (text) => text.toWellFormed().replaceAll('\0', '\ufffd'),
  mark: (n) => `$${n}`,
  groupOf: ({ type }) => (type === 'integer' ? 'number' : type === 'key' ? 'text' : type),
}

const TYPES: readonly (readonly [RegExp, SqlType])[] = [
  [/^(text|character varying|bpchar|name)$/, 'text'],
  [/^(bigint|integer|smallint)$/, 'integer'],
  [/^(double precision|real|numeric)$/, 'number'],
  [/^boolean$/, 'boolean'],
  [/^jsonb?$/, 'json'],
]

const COLUMNS = `SELECT attname AS name, format_type(atttypid, -1) AS declared FROM pg_attribute
WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped ORDER BY attnum`
const INDEXES = `SELECT i.indisunique AS unique, array_agg(a.attname::text ORDER BY a.attname::text COLLATE "C") AS columns
FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey)
WHERE i.indrelid = to_regclass($1) AND i.indpred IS NULL AND i.indexprs IS NULL AND i.indisvalid
GROUP BY i.indexrelid, i.indisunique`
/** Of this program among the advisory locks of a database. */
const LOCK = 0x51_0c_e5

/** A sink that keeps the latest record per URL, or the latest of each item, of each job in a table. */
export function postgresSink(options: PostgresSinkOptions): Sink {
  const { name, url, table } = addressOf(options.url, 'postgres')
  const server: SqlServer = { name, dialect: DIALECT, connect: () => connect(url), troubleOf }
  return serverSink(server, { table: options.table ?? table, giveUpMs: options.giveUpMs })
}

async function connect(url: string): Promise<SqlConnection> {
  return new PostgresConnection(await openClient(url))
}

async function openClient(url: string): Promise<Client> {
  const driver = await import('pg').catch((cause: unknown) => {
    throw new SluiceError('DEPENDENCY_MISSING', 'writing to PostgreSQL needs the package pg', {
      hint: 'npm install pg',
      cause,
    })
  })
  const client = new driver.default.Client({
    connectionString: url,
    connectionTimeoutMillis: CONNECT_MS,
    keepAlive: true,
    application_name: 'sluice',
  })
  // What breaks between two statements is found by the next one.
  client.on('error', () => undefined)
  await client.connect()
  return client
}

/**
 * Rows of a statement that reads, through a cursor in a transaction that cannot write.
 * @throws SluiceError `OPTION_INVALID`, `SINK_UNREACHABLE`, `DEPENDENCY_MISSING`
 */
export async function postgresRows(url: string, { sql, values }: SqlQuery): Promise<SqlAnswer> {
  const word = readingWord('PostgreSQL', sql)
  const address = addressOf(url, 'postgres')
  const client = await openClient(address.url).catch((error: unknown) => {
    throw connectError(address.name, error, troubleOf(error))
  })
  try {
    await client.query('START TRANSACTION READ ONLY')
    const asked = await firstRows(client, sql, [...values], UNDECLARED.has(word))
    return { names: asked.result.fields.map(({ name }) => name), slices: slicesOf(client, asked) }
  } catch (error) {
    void client.end()
    throw queryError(DIALECT.database, error)
  }
}

interface Asked {
  readonly result: QueryArrayResult
  /** False: the result is all there is. */
  readonly hasCursor: boolean
}

/** No cursor can be declared for these; their answers are short. */
const UNDECLARED = new Set(['SHOW', 'EXPLAIN'])

async function firstRows(client: Client, sql: string, values: unknown[], isShort: boolean): Promise<Asked> {
  // The extended protocol takes one statement only: nothing can be appended to it.
  const config = { values, rowMode: 'array', types: TEXT_TYPES, queryMode: 'extended' } as const
  if (isShort) return { result: await client.query({ ...config, text: sql }), hasCursor: false }
  await client.query({ ...config, text: `DECLARE sluice NO SCROLL CURSOR FOR ${sql}` })
  return { result: await fetchSlice(client), hasCursor: true }
}

function fetchSlice(client: Client): Promise<QueryArrayResult> {
  return client.query({ text: `FETCH ${SLICE} FROM sluice`, rowMode: 'array', types: TEXT_TYPES })
}

async function* slicesOf(
  client: Client,
  { result, hasCursor }: Asked,
): AsyncGenerator<readonly (readonly unknown[])[], undefined> {
  try {
    for (let slice = result; slice.rows.length > 0; slice = await fetchSlice(client)) {
      yield slice.rows as unknown[][]
      if (!hasCursor) return
    }
  } catch (error) {
    throw queryError(DIALECT.database, error)
  } finally {
    await client.end()
  }
}

const INT8 = 20
const JSON_TYPES = new Set([114, 3802])
const PLAIN_TYPES = new Set([16, 21, 23, 700, 701])

/** Numbers and JSON as values; whole numbers that JavaScript cannot hold, and all other types, as text. */
const TEXT_TYPES = {
  getTypeParser: (oid: number) => (text: string) => {
    if (JSON_TYPES.has(oid)) return JSON.parse(text) as unknown
    if (oid === 16) return text === 't'
    if (PLAIN_TYPES.has(oid) || (oid === INT8 && Number.isSafeInteger(Number(text)))) return Number(text)
    return text
  },
} as unknown as CustomTypesConfig

class PostgresConnection implements SqlConnection {
  readonly #client: Client
  /** Statements with parameters are parsed once a connection. */
  readonly #names = new Map<string, string>()

  constructor(client: Client) {
    this.#client = client
  }

  async run(sql: string, values?: readonly SqlValue[]): Promise<number> {
    return (await this.#query(sql, values)).rowCount ?? 0
  }

  async rows(sql: string, values?: readonly SqlValue[]): Promise<readonly Readonly<Record<string, unknown>>[]> {
    return (await this.#query(sql, values)).rows as Readonly<Record<string, unknown>>[]
  }

  async runAmong(
    sql: (among: string) => string,
    column: string,
    list: readonly string[],
    values: readonly SqlValue[],
  ): Promise<number> {
    if (list.length === 0) return 0
    const among = `${column} = ANY($${values.length + 1}::text[])`
    return (await this.#query(sql(among), [...values, list])).rowCount ?? 0
  }

  async insert(insert: Insert, rows: readonly Cells[], replaces: boolean): Promise<void> {
    const { table, columns, key } = insert
    const arrays = columns.map(({ declared }, i) => `$${i + 1}::${declared}[]`)
    const source = `SELECT * FROM unnest(${arrays.join(', ')})`
    const text = upsertText(DIALECT, table, columns, replaces ? key : undefined, source)
    for (const piece of pieces(rows, ROWS_AT_ONCE, BYTES_AT_ONCE)) {
      await this.#query(
        text,
        insert.columns.map((_column, i) => arrayText(piece, i)),
      )
    }
  }

  tooLarge(cells: Cells): string | undefined {
    return exceeds(cells, LARGEST_ROW) ? 'the row has over 256 MiB' : undefined
  }

  async table(name: string): Promise<TableInfo> {
    const quoted = [DIALECT.quoted(name)]
    const columns = (await this.#query(COLUMNS, quoted)).rows as { name: string; declared: string }[]
    const indexes = (await this.#query(INDEXES, quoted)).rows as { unique: boolean; columns: string[] }[]
    return {
      columns: columns.map(({ name: column, declared }) => {
        const type = TYPES.find(([pattern]) => pattern.test(declared))?.[1] ?? 'any'
        return { name: column, declared, type }
      }),
      indexes,
    }
  }

  async lock(): Promise<void> {
    await this.#query(`SELECT pg_advisory_lock(${LOCK})`)
  }

  async unlock(): Promise<void> {
    await this.#query(`SELECT pg_advisory_unlock(${LOCK})`)
  }

  async close(): Promise<void> {
    await this.#client.end()
  }

  #query(text: string, values?: readonly unknown[]): Promise<QueryResult> {
    if (values === undefined) return inTime(this.#client.query(text))
    let name = this.#names.get(text)
    if (name === undefined) {
      name = `sluice${this.#names.size}`
      this.#names.set(text, name)
    }
    return inTime(this.#client.query({ name, text, values: values as unknown[] }))
  }
}

/** A column of the rows as an array (postgresql.org, "Array Input and Output Syntax"). */
function arrayText(rows: readonly Cells[], column: number): string {
  let text = ''
  for (const cells of rows) {
    const cell = cells[column] ?? null
    if (cell === null) text += ',NULL'
    else if (typeof cell !== 'string') text += `,${cell}`
    else text += `,"${/["\\]/.test(cell) ? cell.replaceAll(/["\\]/g, String.raw`\$&`) : cell}"`
  }
  return `{${text.slice(1)}}`
}

/** By SQLSTATE (postgresql.org, "PostgreSQL Error Codes"); errors without one are the connection's. */
const TROUBLES: readonly (readonly [RegExp, SqlTrouble])[] = [
  [/^(22|23|54)/, 'value'],
  [/^(08|40|57P|57014|55P03|53300|25006|25P0)/, 'away'],
  [/^53/, 'full'],
  [/^(28|3D000|42501)/, 'denied'],
  [/^(42P01|42703|3F000)/, 'shape'],
]

function troubleOf(error: unknown): SqlTrouble {
  if (!(error instanceof Error) || error instanceof TypeError) return 'other'
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  if ('severity' in error) return TROUBLES.find(([pattern]) => pattern.test(code))?.[1] ?? 'other'
  return error.message.startsWith('SASL') || /CERT|TLS|SSL/.test(code) ? 'denied' : 'away'
}
