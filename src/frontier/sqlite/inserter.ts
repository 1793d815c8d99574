/** Inserts many rows with few statements: multi-row VALUES of a few sizes, prepared once. */
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { Column } from './rows.ts'
import { withSums } from './sums.ts'

/** Rows a statement; larger ones were no faster. */
const SIZES = [64, 8, 1]

export class Inserter {
  readonly #db: DatabaseSync
  readonly #head: string
  readonly #tail: string
  readonly #width: number
  readonly #isSummed: boolean
  readonly #statements: (StatementSync | undefined)[] = []
  readonly #columns: Column[][] = []

  /**
   * @param columns comma-separated names. @param tail what follows the values: an ON CONFLICT clause.
   * @param isSummed each row is followed by its `rowSum`, which is not among the columns and values that are given
   */
  constructor(db: DatabaseSync, table: string, columns: string, tail = '', isSummed = false) {
    this.#db = db
    this.#isSummed = isSummed
    this.#width = columns.split(',').length + (isSummed ? 1 : 0)
    this.#head = `INSERT INTO ${table}(${columns}${isSummed ? ',sum' : ''}) VALUES `
    this.#tail = tail
  }

  /** @param given values of all rows, one behind the other. */
  insert(given: readonly Column[]): void {
    const values = this.#isSummed ? withSums(given, this.#width - 1) : given
    let at = 0
    for (let i = 0; i < SIZES.length; i++) {
      const span = (SIZES[i] as number) * this.#width
      for (; at + span <= values.length; at += span) this.#statement(i).run(...values.slice(at, at + span))
    }
  }

  /** The same for items that `encode` writes into `columns` from `at` on: one array serves all statements. */
  insertEach<Item>(items: readonly Item[], encode: (item: Item, columns: Column[], at: number) => void): void {
    let done = 0
    for (let i = 0; i < SIZES.length; i++) {
      const size = SIZES[i] as number
      if (items.length - done < size) continue
      const columns = (this.#columns[i] ??= Array<Column>(size * this.#width).fill(null))
      for (; done + size <= items.length; done += size) {
        for (let n = 0; n < size; n++) encode(items[done + n] as Item, columns, n * this.#width)
        this.#statement(i).run(...columns)
      }
    }
  }

  #statement(i: number): StatementSync {
    const known = this.#statements[i]
    if (known !== undefined) return known
    const row = `(${Array(this.#width).fill('?').join(',')})`
    const statement = this.#db.prepare(this.#head + Array(SIZES[i]).fill(row).join(',') + this.#tail)
    this.#statements[i] = statement
    return statement
  }
}

/** `SELECT … IN (…)` for any number of ids, with statements of a few sizes; the last one is padded. */
export class Selector {
  readonly #db: DatabaseSync
  readonly #before: string
  readonly #statements = new Map<number, StatementSync>()

  /** @param before everything up to `IN`. */
  constructor(db: DatabaseSync, before: string) {
    this.#db = db
    this.#before = before
  }

  /** Calls `row` for each row found, in the order of the ids where they ascend. */
  each(ids: readonly number[], row: (columns: Column[]) => void): void {
    for (let at = 0; at < ids.length; at += LARGEST) {
      const part = at === 0 && ids.length <= LARGEST ? ids : ids.slice(at, at + LARGEST)
      const size = SELECT_SIZES.find((n) => n >= part.length) as number
      const padded =
        part.length === size
          ? part
          : [...part, ...Array<number>(size - part.length).fill(part[part.length - 1] as number)]
      for (const columns of this.#statement(size).all(...padded) as unknown as Column[][]) row(columns)
    }
  }

  #statement(size: number): StatementSync {
    let statement = this.#statements.get(size)
    if (statement === undefined) {
      statement = this.#db.prepare(`${this.#before} IN (${Array(size).fill('?').join(',')})`)
      statement.setReturnArrays(true)
      this.#statements.set(size, statement)
    }
    return statement
  }
}

const SELECT_SIZES = [1, 4, 16, 64, 256]
const LARGEST = 256
