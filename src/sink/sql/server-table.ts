/** Tables on a server: asked for, and made what is wanted. Knows no driver. */
import type { SqlDialect } from './dialect.ts'
import type { SqlConnection } from './server.ts'
import { type PresentColumn, tableStatements, undoName, undoStatements, type WantedTable } from './table.ts'

/**
 * Makes the table or adds the columns it lacks, and describes its columns.
 * @param output name of the output, for messages
 * @throws SluiceError `OPTION_INVALID`; `SINK_CHANGED` where what this job stored is gone
 */
export async function ensureTable(
  connection: SqlConnection,
  dialect: SqlDialect,
  output: string,
  wanted: WantedTable,
): Promise<readonly PresentColumn[]> {
  const info = await connection.table(wanted.name)
  const statements = tableStatements(dialect, output, wanted, info)
  for (const statement of statements) await connection.run(statement)
  return statements.length === 0 ? info.columns : (await connection.table(wanted.name)).columns
}

export async function ensureUndo(
  connection: SqlConnection,
  dialect: SqlDialect,
  table: string,
  columns: readonly PresentColumn[],
): Promise<void> {
  const undo = await connection.table(undoName(table))
  for (const statement of undoStatements(dialect, table, columns, undo)) await connection.run(statement)
}
