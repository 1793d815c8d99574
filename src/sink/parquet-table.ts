/**
 * A Parquet file made of lines of JSON: its columns, row groups and footer. The rows are read twice where no schema says
 * what they hold: then the first reading finds the columns and the narrowest type that every value fits.
 *
 * A value that does not fit the type of its column, and a field without a column, goes into `_more` as JSON: nothing is
 * rounded or dropped. The only file that knows the writer, the optional package `hyparquet-writer`.
 */
import { zstdCompressSync } from 'node:zlib'
import type { BasicType } from 'hyparquet-writer'
import { SluiceError } from '../model/errors.ts'
import type { ItemColumn } from '../model/item.ts'
import { columnNames, countOf, fieldOf, type Fields, fieldsOf, MORE } from './item-fields.ts'

export type ParquetColumn = Pick<ItemColumn, 'name' | 'type'>

type Driver = typeof import('hyparquet-writer')

const TYPES: Readonly<Record<ItemColumn['type'], BasicType>> = {
  text: 'STRING',
  integer: 'INT64',
  number: 'DOUBLE',
  boolean: 'BOOLEAN',
  json: 'JSON',
}

/** A row group is in memory as a whole: so many rows, or so many characters of JSON. */
const GROUP_ROWS = 50_000
const GROUP_CHARACTERS = 16_777_216

/** @throws SluiceError `DEPENDENCY_MISSING` */
export async function loadParquetWriter(): Promise<Driver> {
  try {
    return await import('hyparquet-writer')
  } catch (cause) {
    throw new SluiceError('DEPENDENCY_MISSING', 'a .parquet output needs the package hyparquet-writer', {
      hint: 'npm install hyparquet-writer',
      cause,
    })
  }
}

/**
 * Writes the file anew. `lines` gives the rows, some at a time, from the start each time it is called.
 * @param columns undefined: what the rows have
 */
export async function writeParquet(
  path: string,
  lines: () => AsyncIterable<readonly string[]>,
  columns: readonly ParquetColumn[] | undefined,
): Promise<void> {
  const { fileWriter, ParquetWriter, schemaFromColumnData } = await loadParquetWriter()
  const table = new Table(known(columns) ?? (await columnsOf(lines())))
  const writer = new ParquetWriter({
    writer: fileWriter(path),
    schema: schemaFromColumnData({ columnData: table.columnData() }),
    codec: 'ZSTD',
    compressors: { ZSTD: (bytes) => zstdCompressSync(bytes) },
    createdBy: 'sluice',
  })
  for await (const some of lines()) {
    for (const line of some) {
      table.add(line)
      if (table.rows >= GROUP_ROWS || table.characters >= GROUP_CHARACTERS) await flush()
    }
  }
  await flush()
  await writer.finish()

  async function flush(): Promise<void> {
    if (table.rows > 0) await writer.write({ columnData: table.columnData(), rowGroupSize: table.rows })
    table.clear()
  }
}

/** Names that a table can have, as in CSV and SQL. */
function known(columns: readonly ParquetColumn[] | undefined): ParquetColumn[] | undefined {
  if (columns === undefined) return undefined
  const types = new Map(columns.map(({ name, type }) => [name, type]))
  return columnNames(types.keys()).map((name) => ({ name, type: types.get(name) ?? 'json' }))
}

/** The fields of the rows in the order in which they turn up. */
async function columnsOf(lines: AsyncIterable<readonly string[]>): Promise<ParquetColumn[]> {
  const types = new Map<string, ItemColumn['type']>()
  for await (const some of lines) {
    for (const line of some) {
      for (const [name, value] of Object.entries(rowOf(line))) {
        if (value === null) continue
        const type = typeOf(value)
        types.set(name, wider(types.get(name) ?? type, type))
      }
    }
  }
  return known([...types].map(([name, type]) => ({ name, type }))) ?? []
}

/**
 * A lone surrogate is no text in UTF-8; in JSON it is written as an escape, and a reader may refuse the whole file for
 * it. It becomes U+FFFD.
 */
function rowOf(line: string): Fields {
  if (!line.includes('\\ud')) return fieldsOf(line)
  return fieldsOf(line.replaceAll(/\\\\|\\ud[89a-f][0-9a-f]{2}/g, (escape) => (escape === '\\\\' ? escape : '\ufffd')))
}

function typeOf(value: unknown): ItemColumn['type'] {
  if (typeof value === 'string') return 'text'
  if (typeof value === 'boolean') return 'boolean'
  if (typeof value === 'number') return Number.isSafeInteger(value) ? 'integer' : 'number'
  return 'json'
}

function wider(a: ItemColumn['type'], b: ItemColumn['type']): ItemColumn['type'] {
  if (a === b) return a
  const areNumbers = (a === 'integer' || a === 'number') && (b === 'integer' || b === 'number')
  return areNumbers ? 'number' : 'json'
}

/** The rows of one row group, by column. */
class Table {
  readonly #columns: readonly ParquetColumn[]
  readonly #own: ReadonlyMap<string, ItemColumn['type']>
  #values: unknown[][] = []
  rows = 0
  characters = 0

  constructor(columns: readonly ParquetColumn[]) {
    this.#columns = [...columns, { name: MORE, type: 'json' }]
    this.#own = new Map(columns.map(({ name, type }) => [name, type]))
    this.clear()
  }

  add(line: string): void {
    const fields = rowOf(line)
    const last = this.#columns.length - 1
    let held = 0
    for (let i = 0; i < last; i++) {
      const { name, type } = this.#columns[i] as ParquetColumn
      const value = fieldOf(fields, name)
      const cell = value === undefined ? undefined : cellOf(value, type)
      if (cell !== undefined) held++
      this.#values[i]?.push(cell ?? undefined)
    }
    this.#values[last]?.push(held === countOf(fields) ? undefined : this.#more(fields))
    this.rows++
    this.characters += line.length
  }

  #more(fields: Fields): object {
    const rest = Object.entries(fields).filter(([name, value]) => {
      const type = this.#own.get(name)
      return type === undefined || cellOf(value, type) === undefined
    })
    // `fromEntries` defines own properties: a field called `__proto__` is a field like any other.
    return asJson(Object.fromEntries(rest))
  }

  columnData(): { name: string; type: BasicType; nullable: true; data: unknown[] }[] {
    return this.#columns.map(({ name, type }, index) => ({
      name,
      type: TYPES[type],
      nullable: true,
      data: this.#values[index] ?? [],
    }))
  }

  clear(): void {
    this.#values = this.#columns.map(() => [])
    this.rows = 0
    this.characters = 0
  }
}

/** Null: no value. Undefined: the column cannot hold it. */
function cellOf(value: unknown, type: ItemColumn['type']): unknown {
  if (value === null || value === undefined) return null
  switch (type) {
    case 'text':
      return typeof value === 'string' ? value : undefined
    case 'integer':
      return Number.isSafeInteger(value) ? BigInt(value as number) : undefined
    case 'number':
      return typeof value === 'number' ? value : undefined
    case 'boolean':
      return typeof value === 'boolean' ? value : undefined
    case 'json':
      return asJson(value)
  }
}

/** The writer copies objects into new ones, where a field called `__proto__` gets lost; those without a prototype it takes as they are. */
function asJson(value: unknown): object {
  const cell = Object.create(null) as { toJSON: () => unknown }
  cell.toJSON = () => value
  return cell
}
