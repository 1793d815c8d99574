/**
 * Items as rows on a server: the latest of each (_job, _key). A page that is extracted again replaces what it gave
 * before. Rows that a batch overwrites or removes are kept in an undo table until the next batch, so that a batch whose
 * commit never came can be taken back whole. Knows no driver and no transaction.
 */
import { storableKey } from './cell.ts'
import type { SqlColumn } from './dialect.ts'
import { type ItemBatch, type ItemRow, planItems } from './item-batch.ts'
import {
  guessedColumns,
  ITEM_KEY,
  ITEM_LOOKUP,
  itemColumnsOf,
  ItemCells,
  OWN_COLUMNS,
  schemaColumns,
} from './item-table.ts'
import { originOf, type Rows } from './rows.ts'
import type { Place, RowPlan } from './row-plan.ts'
import { ensureTable, ensureUndo } from './server-table.ts'
import type { Insert, SqlConnection } from './server.ts'
import { undoName } from './table.ts'
import type { SinkRecord } from '../sink.ts'

export class ServerItems implements RowPlan {
  readonly #place: Place
  readonly #job: string
  readonly #undo: string
  #planned: ItemBatch = { rows: [], pages: [], ownKeys: [] }
  /** Undefined: no schema, and no items so far. */
  #wanted: readonly SqlColumn[] | undefined
  #cells!: ItemCells
  /** Columns of the table and its undo table, as SQL text. */
  #all = ''
  /** Whether the undo table holds rows of this job: after the batch, and before it, for every try of the batch. */
  #hasKept = true
  #hadKept = true
  insert: Insert | undefined

  constructor(place: Place) {
    const { dialect } = place.server
    const schema = place.job.items?.columns
    this.#place = place
    this.#job = storableKey(dialect, place.job.id)
    this.#undo = undoName(place.table)
    this.#wanted = schema === undefined ? undefined : schemaColumns(dialect, schema)
  }

  /** The columns follow from these items, as no schema names them. */
  guess(batch: readonly SinkRecord[]): void {
    this.#wanted = guessedColumns(this.#place.server.dialect, batch)
  }

  async prepare(connection: SqlConnection): Promise<void> {
    const { server, output, table, used, job } = this.#place
    const { dialect } = server
    if (this.#wanted === undefined) {
      const { columns } = await connection.table(table)
      if (columns.length === 0 && !used.storedItems) return
      this.#wanted = itemColumnsOf(columns)
    }
    const wanted = { own: OWN_COLUMNS, usedBefore: used.storedItems, lookup: ITEM_LOOKUP }
    const all = [...this.#wanted, ...OWN_COLUMNS]
    const present = await ensureTable(connection, dialect, output, {
      name: table,
      columns: all,
      key: ITEM_KEY,
      ...wanted,
    })
    await ensureUndo(connection, dialect, table, present)
    const found = new Map(present.map((column) => [column.name.toLowerCase(), column]))
    this.#cells = new ItemCells(dialect, `${output} (${table})`, job, this.#wanted)
    this.insert = {
      table,
      columns: this.#cells.columns.flatMap(({ name }) => found.get(name.toLowerCase()) ?? []),
      key: ITEM_KEY,
    }
    this.#all = present.map(({ name }) => dialect.quoted(name)).join(', ')
  }

  get replaces(): boolean {
    return this.#hasKept
  }

  async takeBack(connection: SqlConnection): Promise<void> {
    if (this.insert === undefined) return
    const { server, table, job } = this.#place
    const { mark, quoted } = server.dialect
    const above = [this.#job, job.committedSeq]
    const where = `WHERE _job = ${mark(1)} AND _seq`
    await connection.run(`DELETE FROM ${quoted(table)} ${where} > ${mark(2)}`, above)
    await connection.run(
      `INSERT INTO ${quoted(table)} (${this.#all}) SELECT ${this.#all} FROM ${quoted(this.#undo)} ${where} <= ${mark(2)}`,
      above,
    )
    await this.#forget(connection)
  }

  rows(batch: readonly SinkRecord[]): Rows {
    const { dialect } = this.#place.server
    this.#hadKept = this.#hasKept
    this.#planned = planItems(batch, (key) => storableKey(dialect, key))
    const { rows } = this.#planned
    return {
      cells: rows.map((row) => this.#cells.cells(row)),
      originOf(index) {
        const { page, item } = rows[index] as ItemRow
        return originOf(page.record, item.position, item.json)
      },
    }
  }

  async keep(connection: SqlConnection, before: number): Promise<void> {
    if (this.insert === undefined) return
    if (this.#hadKept) await this.#forget(connection)
    const { server, table } = this.#place
    const { mark, quoted } = server.dialect
    const { pages, ownKeys } = this.#planned
    const [from, undo] = [quoted(table), quoted(this.#undo)]
    const copy = `INSERT INTO ${undo} (${this.#all}) SELECT ${this.#all} FROM ${from} AS t WHERE _job = ${mark(1)} AND _seq <= ${mark(2)} AND`
    const values = [this.#job, before]
    const kept = await connection.runAmong((among) => `${copy} ${among}`, '_page', pages, values)
    // Keys of their own may have moved from pages that are not in the batch.
    const isKept = `EXISTS (SELECT 1 FROM ${undo} AS u WHERE u._job = t._job AND u._key = t._key)`
    const moved = await connection.runAmong((among) => `${copy} NOT ${isKept} AND ${among}`, '_key', ownKeys, values)
    this.#hasKept = kept + moved > 0
  }

  async sweep(connection: SqlConnection, before: number): Promise<void> {
    if (!this.#hasKept || this.insert === undefined) return
    const { server, table } = this.#place
    const { mark, quoted } = server.dialect
    const { pages, ownKeys } = this.#planned
    const stale = `DELETE FROM ${quoted(table)} WHERE _job = ${mark(1)} AND _seq <= ${mark(2)} AND`
    const values = [this.#job, before]
    await connection.runAmong((among) => `${stale} ${among}`, '_page', pages, values)
    await connection.runAmong((among) => `${stale} ${among}`, '_key', ownKeys, values)
  }

  async #forget(connection: SqlConnection): Promise<void> {
    const { mark, quoted } = this.#place.server.dialect
    await connection.run(`DELETE FROM ${quoted(this.#undo)} WHERE _job = ${mark(1)}`, [this.#job])
    this.#hasKept = false
  }
}
