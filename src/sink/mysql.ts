/**
 * Page records, or items, in MySQL or MariaDB by the optional package `mysql2`: the dialect, and the only file that knows
 * the driver. Rows go in statements of a power of two of them, so that few statements are prepared.
 *
 * What text columns cannot hold: lone surrogates, which UTF-8 does not have.
 */
import { type EventEmitter, once } from 'node:events'
import type { Readable } from 'node:stream'
import type { Connection, ResultSetHeader, RowDataPacket } from 'mysql2/promise'
import { SluiceError } from '../model/errors.ts'
import type { Sink } from './sink.ts'
import type { SqlValue } from './sql/cell.ts'
import type { SqlType } from './sql/dialect.ts'
import { readingWord } from './sql/only-reads.ts'
import { connectError, queryError, SLICE, type SqlAnswer, type SqlQuery } from './sql/query.ts'
import { type Cells, exceeds, pieces } from './sql/rows.ts'
import { serverSink } from './sql/server-sink.ts'
import type { Insert, ServerDialect, SqlConnection, SqlServer, SqlTrouble } from './sql/server.ts'
import { addressOf } from './sql/server-url.ts'
import type { TableInfo } from './sql/table.ts'
import { inTime } from './time-limit.ts'

export interface MysqlSinkOptions {
  /** `mysql://[user[:password]@]host[:port]/database[#table]`, also `mariadb:`; without a password `MYSQL_PWD` counts. */
  readonly url: string
  /** Default: that of the URL, else `pages`, or `items` where the job has an extractor. */
  readonly table?: string
  /** Milliseconds for which the server may be away before the job halts. Default 120,000. */
  readonly giveUpMs?: number
}

/** As far as it is used here. */
interface CoreConnection {
  execute(options: { sql: string; values: readonly SqlValue[]; rowsAsArray: true }): EventEmitter & {
    stream(options: { highWaterMark: number }): Readable
  }
}

const CONNECT_MS = 10_000
/** Parameters of a prepared statement (mysql: 65,535). */
const MOST_MARKS = 65_535
/** Seconds that one try waits for the making of tables by others. */
const LOCK_S = 5
const ROWS_AT_ONCE = 512
const BYTES_AT_ONCE = 8 * 1024 * 1024
/** Characters of a name (dev.mysql.com, "Identifier Length Limits"). */
const LONGEST_NAME = 64
const LONGEST_PREFIX = '_sluice_undo_'.length

/** Names that the driver refuses to read: properties of every object. */
const PRIVATE = new Set(Object.getOwnPropertyNames(Object.prototype))
/** Outside of the basic plane, NUL, or a space at the end: no names (dev.mysql.com, "Schema Object Names"). */
const NO_NAME = /[\0\u{10000}-\u{10ffff}\ud800-\udfff]|\s$/u

const DIALECT: ServerDialect = {
  database: 'MySQL',
  types: {
    // Compared by code points. Two of them have to fit into the 3,072 bytes of an index.
    key: 'varchar(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin',
    text: 'longtext',
    integer: 'bigint',
    number: 'double',
    boolean: 'boolean',
    // As it was sent: the type `json` of MySQL sorts keys and refuses lone surrogates. The comment tells it from a text.
    json: "longtext COMMENT 'json'",
    any: "longtext COMMENT 'json'",
  },
  untyped: false,
  // A row has at most 8,126 bytes in its page, and each long text takes 20 to 40 of them.
  maxColumns: 150,
  longestKey: 250,
  tableOptions: 'ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4',
  otherTable: 'name another table behind # at the end of the URL',
  quoted: (name) => `\`${name.replaceAll('`', '``')}\``,
  isColumnName: (name) => name.length <= LONGEST_NAME && !NO_NAME.test(name) && !PRIVATE.has(name),
  isTableName: (name) => name.length <= LONGEST_NAME - LONGEST_PREFIX && !NO_NAME.test(name) && !/[/\\.]/.test(name),
  holdsText: (text) => text.isWellFormed(),
  // Keys that differ in spaces at their end are equal to the server.
  holdsKey: (text) => text.isWellFormed() && !text.endsWith(' '),
  nearest: (text) => text.toWellFormed(),
  mark: () => '?',
  groupOf: ({ type }) => {
    if (type === 'integer' || type === 'boolean' || type === 'number') return 'number'
    return type === 'any' ? 'any' : 'text'
  },
}

const TYPES: readonly (readonly [RegExp, SqlType])[] = [
  [/^tinyint\(1\)/, 'boolean'],
  [/^(tinyint|smallint|mediumint|int|bigint)\b/, 'integer'],
  [/^(double|float|decimal)\b/, 'number'],
  [/^(varchar|char|tinytext|text|mediumtext|longtext)\b/, 'text'],
  [/^json/, 'json'],
]

const COLUMNS = `SELECT column_name AS name, column_type AS declared, column_comment AS comment
FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = ? ORDER BY ordinal_position`
const INDEXES = `SELECT index_name AS name, MAX(non_unique) AS several, MAX(sub_part IS NOT NULL) AS parts, column_name AS col
FROM information_schema.statistics WHERE table_schema = DATABASE() AND table_name = ? GROUP BY index_name, column_name`

/** A sink that keeps the latest record per URL, or the latest of each item, of each job in a table. */
export function mysqlSink(options: MysqlSinkOptions): Sink {
  const { name, url, table } = addressOf(options.url, 'mysql')
  const server: SqlServer = { name, dialect: DIALECT, connect: () => connect(url), troubleOf }
  return serverSink(server, { table: options.table ?? table, giveUpMs: options.giveUpMs })
}

async function connect(url: string): Promise<SqlConnection> {
  const connection = await openConnection(url)
  // Values that do not fit are errors, never cut or made zero.
  await connection.query("SET SESSION sql_mode = CONCAT(@@sql_mode, ',STRICT_ALL_TABLES')")
  await connection.query('SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED')
  const [rows] = await connection.query<RowDataPacket[]>('SELECT @@max_allowed_packet AS bytes')
  return new MysqlConnection(connection, Number(rows[0]?.['bytes'] ?? BYTES_AT_ONCE))
}

/**
 * Rows of a statement that reads, as the server sends them, in a transaction that cannot write.
 * @throws SluiceError `OPTION_INVALID`, `SINK_UNREACHABLE`, `DEPENDENCY_MISSING`
 */
export async function mysqlRows(url: string, { sql, values }: SqlQuery): Promise<SqlAnswer> {
  readingWord('MySQL', sql)
  const address = addressOf(url, 'mysql')
  const connection = await openConnection(address.url).catch((error: unknown) => {
    throw connectError(address.name, error, troubleOf(error))
  })
  try {
    await connection.query('SET SESSION TRANSACTION READ ONLY')
    await connection.query('START TRANSACTION READ ONLY')
    // Streams are the driver's older interface's.
    const { connection: core } = connection as unknown as { readonly connection: CoreConnection }
    const command = core.execute({ sql, values: [...values], rowsAsArray: true })
    const named = once(command, 'fields') as Promise<[readonly { readonly name: string }[] | undefined]>
    const stream = command.stream({ highWaterMark: SLICE })
    const [fields] = await Promise.race([named, once(stream, 'end').then(() => [undefined] as const)])
    return { names: fields?.map(({ name }) => name) ?? [], slices: slicesOf(connection, stream) }
  } catch (error) {
    connection.destroy()
    throw queryError(DIALECT.database, error)
  }
}

async function* slicesOf(
  connection: Connection,
  stream: Readable,
): AsyncGenerator<readonly (readonly unknown[])[], undefined> {
  try {
    let slice: unknown[][] = []
    for await (const row of stream) {
      // What is no row tells of a statement without rows.
      if (Array.isArray(row)) slice.push(row)
      if (slice.length < SLICE) continue
      yield slice
      slice = []
    }
    if (slice.length > 0) yield slice
  } catch (error) {
    throw queryError(DIALECT.database, error)
  } finally {
    connection.destroy()
  }
}

async function openConnection(url: string): Promise<Connection> {
  const driver = await import('mysql2/promise').catch((cause: unknown) => {
    throw new SluiceError('DEPENDENCY_MISSING', 'writing to MySQL or MariaDB needs the package mysql2', {
      hint: 'npm install mysql2',
      cause,
    })
  })
  const password = process.env['MYSQL_PWD']
  const connection = await driver.createConnection({
    uri: url,
    connectTimeout: CONNECT_MS,
    charset: 'utf8mb4',
    supportBigNumbers: true,
    dateStrings: true,
    ...(new URL(url).password === '' && password !== undefined ? { password } : {}),
  })
  // What breaks between two statements is found by the next one.
  connection.on('error', () => undefined)
  return connection
}

class MysqlConnection implements SqlConnection {
  readonly #connection: Connection
  readonly #packetBytes: number

  constructor(connection: Connection, packetBytes: number) {
    this.#connection = connection
    this.#packetBytes = packetBytes
  }

  async run(sql: string, values?: readonly SqlValue[]): Promise<number> {
    const result = await this.#query(sql, values)
    return 'affectedRows' in result ? result.affectedRows : 0
  }

  async rows(sql: string, values?: readonly SqlValue[]): Promise<readonly Readonly<Record<string, unknown>>[]> {
    return (await this.#query(sql, values)) as RowDataPacket[]
  }

  async runAmong(
    sql: (among: string) => string,
    column: string,
    list: readonly string[],
    values: readonly SqlValue[],
  ): Promise<number> {
    let changed = 0
    for (let start = 0; start < list.length; ) {
      const piece = list.slice(start, start + powerOfTwo(list.length - start))
      changed += await this.run(sql(`${column} IN (${piece.map(() => '?').join(', ')})`), [...values, ...piece])
      start += piece.length
    }
    return changed
  }

  async insert(insert: Insert, rows: readonly Cells[], replaces: boolean): Promise<void> {
    const most = Math.min(ROWS_AT_ONCE, Math.floor(MOST_MARKS / insert.columns.length))
    for (const piece of pieces(rows, most, Math.min(BYTES_AT_ONCE, this.#packetBytes / 2))) {
      for (let start = 0; start < piece.length; ) {
        const part = piece.slice(start, start + powerOfTwo(piece.length - start))
        await this.#query(insertText(insert, part.length, replaces), part.flat()).catch(explain)
        start += part.length
      }
    }
  }

  tooLarge(cells: Cells): string | undefined {
    // The statement and its head are in the packet as well.
    return exceeds(cells, this.#packetBytes - 1024)
      ? `the row does not fit into max_allowed_packet (${this.#packetBytes} bytes)`
      : undefined
  }

  async table(name: string): Promise<TableInfo> {
    const columns = await this.rows(COLUMNS, [name])
    const indexes = Map.groupBy(await this.rows(INDEXES, [name]), (row) => String(row['name']))
    return {
      columns: columns.map((row) => {
        const declared = String(row['declared'])
        const found = TYPES.find(([pattern]) => pattern.test(declared))?.[1] ?? 'any'
        const type = found === 'text' && row['comment'] === 'json' ? 'json' : found
        return { name: String(row['name']), declared, type }
      }),
      indexes: [...indexes.values()]
        .filter((rows) => rows.every((row) => Number(row['parts']) === 0))
        .map((rows) => ({
          columns: rows.map((row) => String(row['col'])).toSorted(),
          unique: rows.every((row) => Number(row['several']) === 0),
        })),
    }
  }

  async lock(): Promise<void> {
    const [row] = await this.rows(`SELECT GET_LOCK('sluice', ${LOCK_S}) AS mine`)
    if (Number(row?.['mine']) !== 1) throw new Error('another process is still making its tables')
  }

  async unlock(): Promise<void> {
    await this.#query("SELECT RELEASE_LOCK('sluice')")
  }

  async close(): Promise<void> {
    this.#connection.destroy()
  }

  async #query(sql: string, values?: readonly SqlValue[]): Promise<ResultSetHeader | RowDataPacket[]> {
    const [result] = await inTime(
      values === undefined
        ? this.#connection.query<ResultSetHeader | RowDataPacket[]>(sql)
        : this.#connection.execute<ResultSetHeader | RowDataPacket[]>(sql, [...values]),
    )
    return result
  }
}

/** The largest power of two up to `n`, and up to what one statement takes. */
function powerOfTwo(n: number): number {
  return Math.min(ROWS_AT_ONCE, 2 ** Math.floor(Math.log2(n)))
}

function insertText({ table, columns, key }: Insert, rows: number, replaces: boolean): string {
  const { quoted } = DIALECT
  const names = columns.map(({ name }) => quoted(name))
  const marks = `(${names.map(() => '?').join(', ')})`
  const values = Array.from({ length: rows }, () => marks).join(', ')
  const text = `INSERT INTO ${quoted(table)} (${names.join(', ')}) VALUES ${values}`
  if (!replaces) return text
  const isSame = key.map((name) => `${quoted(name)} = VALUES(${quoted(name)})`).join(' AND ')
  const [first = ''] = key.map(quoted)
  // Whatever unique key is hit leads here: where it is another one, NULL in a key makes it an error.
  const updates = [
    `${first} = IF(${isSame}, ${first}, NULL)`,
    ...names.filter((name) => !key.map(quoted).includes(name)).map((name) => `${name} = VALUES(${name})`),
  ]
  return `${text} ON DUPLICATE KEY UPDATE ${updates.join(', ')}`
}

/** The NULL of `insertText` is not what the user has to know about. */
function explain(error: unknown): never {
  const isOurs = error instanceof Error && /'(_job|job)' cannot be null/.test(error.message)
  if (isOurs) error.message = 'another row has the same values in a unique key of the table'
  throw error
}

/** By number (mariadb.com, "MariaDB Error Codes"); what has none is by SQLSTATE, or the connection's. */
const TROUBLES: Readonly<Record<number, SqlTrouble>> = {
  1040: 'away',
  1053: 'away',
  1077: 'away',
  1152: 'away',
  1158: 'away',
  1159: 'away',
  1160: 'away',
  1161: 'away',
  1203: 'away',
  1205: 'away',
  1213: 'away',
  1290: 'away',
  1317: 'away',
  1836: 'away',
  1927: 'away',
  1969: 'away',
  3024: 'away',
  3: 'full',
  28: 'full',
  1021: 'full',
  1114: 'full',
  1041: 'full',
  1030: 'full',
  1044: 'denied',
  1045: 'denied',
  1049: 'denied',
  1130: 'denied',
  1142: 'denied',
  1143: 'denied',
  1227: 'denied',
  1698: 'denied',
  1054: 'shape',
  1146: 'shape',
  1051: 'shape',
  1118: 'value',
  1153: 'value',
  1265: 'value',
  1364: 'value',
  1366: 'value',
  1406: 'value',
  3819: 'value',
}

function troubleOf(error: unknown): SqlTrouble {
  if (!(error instanceof Error) || error instanceof TypeError) return 'other'
  const number = 'errno' in error && typeof error.errno === 'number' ? error.errno : 0
  const state = 'sqlState' in error && typeof error.sqlState === 'string' ? error.sqlState : ''
  const known = TROUBLES[number]
  if (known !== undefined) return known
  if (/^2[23]/.test(state)) return 'value'
  if (state !== '' && !state.startsWith('08')) return 'other'
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  return /CERT|TLS|SSL|AUTH/.test(code) ? 'denied' : 'away'
}
