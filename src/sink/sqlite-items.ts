/**
 * The table of items in SQLite: the latest item per (job, key), one row each. A page that is extracted again replaces
 * what it gave before, and what it no longer gives is removed. Rows that a batch overwrites or removes are kept in an
 * undo table until the next batch, so that a batch whose commit never came can be taken back whole. Knows no
 * connection and no transaction: every method runs inside one of its caller's.
 */
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'
import { hasItems } from './item-fields.ts'
import type { JobInfo, SinkRecord } from './sink.ts'
import { type SqlValue, storableKey } from './sql/cell.ts'
import type { SqlColumn } from './sql/dialect.ts'
import { type ItemRow, planItems } from './sql/item-batch.ts'
import {
  guessedColumns,
  ITEM_KEY,
  ITEM_LOOKUP,
  itemColumnsOf,
  ItemCells,
  OWN_COLUMNS,
  schemaColumns,
} from './sql/item-table.ts'
import { type PresentColumn, tableStatements, undoName, undoStatements, upsertText } from './sql/table.ts'
import { type Bind, bound, boundNumber, SQLITE, tableInfo } from './sqlite-schema.ts'
import { changed, DATA_HINT } from './store-error.ts'

const { quoted } = SQLITE

export class ItemTable {
  readonly #db: DatabaseSync
  readonly #path: string
  readonly #table: string
  readonly #job: JobInfo
  /** Undefined until the first items tell the columns. */
  #cells: ItemCells | undefined
  #statements!: Statements

  constructor(db: DatabaseSync, path: string, table: string, job: JobInfo) {
    this.#db = db
    this.#path = path
    this.#table = table
    this.#job = job
  }

  /** True once the table is there. */
  get exists(): boolean {
    return this.#cells !== undefined
  }

  /**
   * Makes or checks the table. Columns that are missing are added; `usedBefore`: this job has stored in it.
   * @throws SluiceError `OPTION_INVALID`; `SINK_CHANGED` where what was stored is gone
   */
  prepare(usedBefore: boolean): void {
    const schema = this.#job.items?.columns
    const present = tableInfo(this.#db, this.#table).columns
    if (schema !== undefined) this.#begin(schemaColumns(SQLITE, schema), usedBefore)
    else if (present.length > 0) this.#begin(itemColumnsOf(present), usedBefore)
    else if (usedBefore) throw changed(this.#path, `has no table ${this.#table} any more`, DATA_HINT)
  }

  /** Takes back everything above the committed number: rows that were written go, rows that they replaced return. */
  takeBack(): void {
    if (!this.exists) return
    const { id, committedSeq } = this.#job
    const [table, undo] = [quoted(this.#table), quoted(undoName(this.#table))]
    const columns = tableInfo(this.#db, undoName(this.#table)).columns
    const names = columns.map(({ name }) => quoted(name)).join(', ')
    this.#db.prepare(`DELETE FROM ${table} WHERE "_job" = ? AND "_seq" > ?`).run(id, committedSeq)
    // A row may be there twice, for its page and for its key.
    this.#db
      .prepare(
        `INSERT OR REPLACE INTO ${table} (${names}) SELECT ${names} FROM ${undo} WHERE "_job" = ? AND "_seq" <= ?`,
      )
      .run(id, committedSeq)
    this.#statements.forget.run(id)
  }

  /** Stores the items of a batch. `before` is the highest number of the batches before it. */
  store(batch: readonly SinkRecord[], before: number): void {
    if (this.#cells === undefined) {
      if (!hasItems(batch)) return
      this.#begin(guessedColumns(SQLITE, batch), false)
    }
    const { forget, keepPages, keepKey, dropPages, dropKey } = this.#statements
    const { id } = this.#job
    const { rows, pages, ownKeys } = planItems(batch, (key) => storableKey(SQLITE, key))
    const list = JSON.stringify(pages)
    forget.run(id)
    // What was kept goes, unless a row of the batch takes its place.
    const areOld = keepPages.run(id, before, list).changes !== 0
    const oldKeys = ownKeys.filter((key) => keepKey.run(id, key, before).changes !== 0)
    this.#upsert(rows)
    if (areOld) dropPages.run(id, before, list)
    for (const key of oldKeys) dropKey.run(id, key, before)
  }

  #upsert(rows: readonly ItemRow[]): void {
    const cells = this.#cells as ItemCells
    const { upsert, upsertMany, rowsAtOnce, binders } = this.#statements
    const many = rows.length - (rows.length % rowsAtOnce)
    for (let start = 0; start < many; start += rowsAtOnce) {
      const values: SQLInputValue[] = []
      for (let i = start; i < start + rowsAtOnce; i++) bindAll(binders, cells.cells(rows[i] as ItemRow), values)
      upsertMany.run(...values)
    }
    for (let i = many; i < rows.length; i++) upsert.run(...bindAll(binders, cells.cells(rows[i] as ItemRow), []))
  }

  /** The transaction that made the table was rolled back. */
  forgetTable(): void {
    this.#cells = undefined
  }

  /** The table, its index, its undo table and the statements. */
  #begin(columns: readonly SqlColumn[], usedBefore: boolean): void {
    const wanted = { name: this.#table, columns: [...columns, ...OWN_COLUMNS], own: OWN_COLUMNS, usedBefore }
    const whole = { ...wanted, key: ITEM_KEY, lookup: ITEM_LOOKUP }
    for (const sql of tableStatements(SQLITE, this.#path, whole, tableInfo(this.#db, this.#table))) this.#db.exec(sql)
    const present = tableInfo(this.#db, this.#table).columns
    const undo = tableInfo(this.#db, undoName(this.#table))
    for (const sql of undoStatements(SQLITE, this.#table, present, undo)) this.#db.exec(sql)
    this.#cells = new ItemCells(SQLITE, `${this.#path}#${this.#table}`, this.#job, columns)
    this.#statements = statementsOf(this.#db, this.#table, present, this.#cells.columns)
  }
}

interface Statements {
  readonly forget: StatementSync
  readonly keepPages: StatementSync
  readonly keepKey: StatementSync
  /** One row, and `rowsAtOnce` of them. */
  readonly upsert: StatementSync
  readonly upsertMany: StatementSync
  readonly rowsAtOnce: number
  /** How each cell of a row is bound. */
  readonly binders: readonly Bind[]
  readonly dropPages: StatementSync
  readonly dropKey: StatementSync
}

/** A call of a statement costs as much as inserting half a row: 16 at once were a quarter faster, 64 no faster than 16. */
const ROWS_AT_ONCE = 16
/** Parameters of a statement (sqlite.org/limits.html). */
const MOST_MARKS = 32_766

/** Appends the cells of a row, and gives the list back. */
function bindAll(binders: readonly Bind[], cells: readonly SqlValue[], values: SQLInputValue[]): SQLInputValue[] {
  for (let i = 0; i < cells.length; i++) values.push((binders[i] as Bind)(cells[i] as SqlValue))
  return values
}

function statementsOf(
  db: DatabaseSync,
  name: string,
  present: readonly PresentColumn[],
  written: readonly SqlColumn[],
): Statements {
  const [table, undo] = [quoted(name), quoted(undoName(name))]
  const all = present.map((column) => quoted(column.name)).join(', ')
  const keep = `INSERT INTO ${undo} (${all}) SELECT ${all} FROM ${table} WHERE "_job" = ? AND`
  const drop = `DELETE FROM ${table} WHERE "_job" = ? AND`
  const marks = `(${written.map(() => '?').join(', ')})`
  const upsert = (rows: number): StatementSync =>
    db.prepare(upsertText(SQLITE, name, written, ITEM_KEY, `VALUES ${Array(rows).fill(marks).join(', ')}`))
  const rowsAtOnce = Math.min(ROWS_AT_ONCE, Math.floor(MOST_MARKS / written.length))
  const types = new Map(present.map((column) => [column.name.toLowerCase(), column.type]))
  const amongPages = `"_seq" <= ? AND "_page" IN (SELECT value FROM json_each(?))`
  return {
    forget: db.prepare(`DELETE FROM ${undo} WHERE "_job" = ?`),
    keepPages: db.prepare(`${keep} ${amongPages}`),
    keepKey: db.prepare(`${keep} "_key" = ? AND "_seq" <= ?`),
    upsert: upsert(1),
    upsertMany: upsert(rowsAtOnce),
    rowsAtOnce,
    binders: written.map((column) => (types.get(column.name.toLowerCase()) === 'number' ? boundNumber : bound)),
    dropPages: db.prepare(`${drop} ${amongPages}`),
    dropKey: db.prepare(`${drop} "_key" = ? AND "_seq" <= ?`),
  }
}
