/** Reads Parquet files with DuckDB: a reader nobody here wrote. */
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'

let connection: Promise<DuckDBConnection> | undefined

async function connect(): Promise<DuckDBConnection> {
  const instance = await DuckDBInstance.create(':memory:')
  return instance.connect()
}

/** Runs a statement; its rows are values by column. */
export async function duckDb(sql: string): Promise<Record<string, unknown>[]> {
  connection ??= connect()
  const reader = await (await connection).runAndReadAll(sql)
  const names = reader.columnNames()
  // `fromEntries` defines own properties, also one called `__proto__`.
  return reader.getRowsJS().map((row) => Object.fromEntries(names.map((name, index) => [name, row[index]])))
}

/** Names and types of the columns. */
export async function describeWithDuckDb(path: string): Promise<Record<string, string>> {
  const rows = await duckDb(`DESCRIBE SELECT * FROM read_parquet(${literal(path)})`)
  return Object.fromEntries(rows.map((row) => [String(row['column_name']), String(row['column_type'])]))
}

/** Rows as the JSON values they were made of: without what is null, JSON parsed, `_more` taken apart. */
export async function readWithDuckDb(path: string): Promise<Record<string, unknown>[]> {
  const types = await describeWithDuckDb(path)
  // As bytes: its interface for Node takes a byte order mark off the texts it decodes.
  const columns = Object.entries(types).map(([name, type]) =>
    type === 'VARCHAR' ? `encode(${quoted(name)}) AS ${quoted(name)}` : quoted(name),
  )
  const rows = await duckDb(`SELECT ${columns.join(', ')} FROM read_parquet(${literal(path)})`)
  return rows.map((row) => {
    const fields = Object.entries(row).filter(([, value]) => value !== null)
    const values = fields.map(([name, value]): [string, unknown] => {
      if (types[name] === 'JSON') return [name, JSON.parse(value as string)]
      if (value instanceof Uint8Array) return [name, Buffer.from(value).toString()]
      return [name, typeof value === 'bigint' ? Number(value) : value]
    })
    const more = values.find(([name]) => name === '_more')?.[1] ?? {}
    return Object.fromEntries([...values.filter(([name]) => name !== '_more'), ...Object.entries(more as object)])
  })
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}
