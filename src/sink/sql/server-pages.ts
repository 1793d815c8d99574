/** Page records as rows on a server: the latest of each (job, dedupe_key). Knows no driver and no transaction. */
import { type SqlValue, storableKey } from './cell.ts'
import { latestPages, PAGE_COLUMNS, PAGE_KEY, pageCells } from './page-table.ts'
import { originOf, type Rows } from './rows.ts'
import type { Place, RowPlan } from './row-plan.ts'
import { ensureTable } from './server-table.ts'
import type { Insert, SqlConnection } from './server.ts'
import type { SinkRecord } from '../sink.ts'

export class ServerPages implements RowPlan {
  readonly #place: Place
  readonly #job: string
  readonly replaces = true
  insert: Insert | undefined

  constructor(place: Place) {
    this.#place = place
    this.#job = storableKey(place.server.dialect, place.job.id)
  }

  async prepare(connection: SqlConnection): Promise<void> {
    const { server, output, table, used } = this.#place
    const present = await ensureTable(connection, server.dialect, output, {
      name: table,
      columns: PAGE_COLUMNS,
      key: PAGE_KEY,
      own: PAGE_COLUMNS,
      usedBefore: used.stored > 0 && !used.storedItems,
    })
    const found = new Map(present.map((column) => [column.name, column]))
    const columns = PAGE_COLUMNS.flatMap(({ name }) => found.get(name) ?? [])
    this.insert = { table, columns, key: PAGE_KEY }
  }

  async takeBack(connection: SqlConnection): Promise<void> {
    const { server, table, job } = this.#place
    const { dialect } = server
    const sql = `DELETE FROM ${dialect.quoted(table)} WHERE job = ${dialect.mark(1)} AND seq > ${dialect.mark(2)}`
    await connection.run(sql, [this.#job, job.committedSeq])
  }

  rows(batch: readonly SinkRecord[]): Rows {
    const { dialect } = this.#place.server
    const keyOf = (key: string): string => storableKey(dialect, key)
    const pages = latestPages(batch)
    const nearest = (cell: SqlValue): SqlValue => (typeof cell === 'string' ? dialect.nearest(cell) : cell)
    return {
      cells: pages.map((page) => pageCells(this.#job, page, keyOf).map(nearest)),
      originOf(index) {
        const { record, json } = pages[index] as SinkRecord
        return originOf(record, 0, json)
      },
    }
  }

  async keep(): Promise<void> {}

  async sweep(): Promise<void> {}
}
