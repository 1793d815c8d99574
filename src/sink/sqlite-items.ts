/**
 * The table of items in SQLite: the latest item per (job, key), one row each. A page that is extracted again replaces
 * what it gave before, and what it no longer gives is removed. Rows that a batch overwrites or removes are kept in an
 * undo table until the next batch, so that a batch whose commit never came can be taken back whole. Knows no
 * connection and no transaction: every method runs inside one of its caller's.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { hasItems } from './item-fields.ts'
import type { JobInfo, SinkRecord } from './sink.ts'
import { storableKey } from './sql/cell.ts'
import type { SqlColumn } from './sql/dialect.ts'
import { planItems } from './sql/item-batch.ts'
import {
  guessedColumns,
  ITEM_KEY,
  ITEM_LOOKUP,
  itemColumnsOf,
  ItemCells,
  OWN_COLUMNS,
  schemaColumns,
} from './sql/item-table.ts'
import { tableStatements, undoName, undoStatements, upsertText } from './sql/table.ts'
import { bound, SQLITE, tableInfo } from './sqlite-schema.ts'
import { changed } from './store-error.ts'

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
    else if (usedBefore) throw changed(this.#path, `has no table ${this.#table} any more`)
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
    const { forget, keepPage, keepKey, upsert, dropPage, dropKey } = this.#statements
    const { id } = this.#job
    const { rows, pages, ownKeys } = planItems(batch, (key) => storableKey(SQLITE, key))
    forget.run(id)
    for (const page of pages) keepPage.run(id, page, before)
    for (const key of ownKeys) keepKey.run(id, key, before)
    for (const row of rows) upsert.run(...(this.#cells as ItemCells).cells(row).map(bound))
    for (const page of pages) dropPage.run(id, page, before)
    for (const key of ownKeys) dropKey.run(id, key, before)
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
  readonly keepPage: StatementSync
  readonly keepKey: StatementSync
  readonly upsert: StatementSync
  readonly dropPage: StatementSync
  readonly dropKey: StatementSync
}

function statementsOf(
  db: DatabaseSync,
  name: string,
  present: readonly SqlColumn[],
  written: readonly SqlColumn[],
): Statements {
  const [table, undo] = [quoted(name), quoted(undoName(name))]
  const all = present.map((column) => quoted(column.name)).join(', ')
  const keep = `INSERT INTO ${undo} (${all}) SELECT ${all} FROM ${table} WHERE "_job" = ? AND`
  const drop = `DELETE FROM ${table} WHERE "_job" = ? AND`
  const marks = written.map(() => '?').join(', ')
  return {
    forget: db.prepare(`DELETE FROM ${undo} WHERE "_job" = ?`),
    keepPage: db.prepare(`${keep} "_page" = ? AND "_seq" <= ?`),
    keepKey: db.prepare(`${keep} "_key" = ? AND "_seq" <= ?`),
    upsert: db.prepare(upsertText(SQLITE, name, written, ITEM_KEY, `VALUES (${marks})`)),
    dropPage: db.prepare(`${drop} "_page" = ? AND "_seq" <= ?`),
    dropKey: db.prepare(`${drop} "_key" = ? AND "_seq" <= ?`),
  }
}
