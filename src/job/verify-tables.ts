/**
 * SQL outputs against what the job stored of them: the number of the last settlement in `_sluice_commit`, no row above it,
 * and of pages a row for each URL that stands, with the number of its settlement. Asks and changes nothing.
 */
import { existsSync } from 'node:fs'
import type { Reader } from '../frontier/sqlite/read.ts'
import { reasonOf } from '../model/errors.ts'
import type { SinkKind } from '../sink/kind.ts'
import { decodePosition } from '../sink/seq-position.ts'
import { COMMIT_TABLE, ownerOf } from '../sink/sql/commit-table.ts'
import type { SqlAnswer } from '../sink/sql/query.ts'
import { hexOf } from '../url/fingerprint.ts'

type Tell = (problem: string) => void

export interface TableCheck {
  readonly job: string
  readonly hasItems: boolean
  /** As the sink is called. */
  readonly name: string
  readonly output: SinkKind
  readonly table: string
  readonly position: Uint8Array
  readonly reader: Reader
  /** What was unchanged is not in the outputs. */
  readonly changedOnly: boolean
}

const SLICE = 1_000

/** Returns how many rows of the job were looked at. */
export async function verifyTable(check: TableCheck, tell: Tell): Promise<number> {
  const { output, name, position } = check
  const { stored, storedItems } = decodePosition(position, name)
  if (output.kind === 'sqlite' && !existsSync(output.path)) {
    if (stored > 0) tell(`${output.path} is gone: settlements up to ${stored} were stored in it`)
    return 0
  }
  try {
    return check.hasItems && !storedItems ? 0 : await compared(check, stored, tell)
  } catch (error) {
    tell(`${name} cannot be asked: ${reasonOf(error)}`)
    return 0
  }
}

async function compared(
  { job, hasItems, name, output, table, reader, changedOnly }: TableCheck,
  stored: number,
  tell: Tell,
): Promise<number> {
  const ask = (sql: string): AsyncGenerator<readonly unknown[]> => rowsOf(output, sql)
  const [jobColumn, seqColumn, keyColumn] = hasItems ? ['_job', '_seq', '_key'] : ['job', 'seq', 'dedupe_key']
  const quote = output.kind === 'mysql' ? '`' : '"'
  const quoted = (text: string): string => quote + text.replaceAll(quote, quote + quote) + quote
  const text = (value: string): string => `'${value.replaceAll("'", "''")}'`
  const owner = ownerOf(job, table, hasItems ? 'items' : 'pages')
  if (output.kind === 'sqlite') {
    for await (const [found] of ask('PRAGMA quick_check(3)'))
      if (found !== 'ok') tell(`${output.path}: ${String(found)}`)
  }
  let written: number | undefined
  for await (const [seq] of ask(`SELECT seq FROM ${quoted(COMMIT_TABLE)} WHERE job = ${text(owner)}`))
    written = Number(seq)
  if (written === undefined || written < stored) {
    tell(`${name}: ${COMMIT_TABLE} has ${written ?? 'no number'} for this job, and ${stored} was stored`)
    return 0
  }
  const latest = new Map<string, number>()
  let rows = 0
  let above = 0
  const columns = [keyColumn, seqColumn].map((column) => quoted(column as string)).join(', ')
  const where = `${quoted(jobColumn as string)} = ${text(job)}`
  for await (const [key, seq] of ask(`SELECT ${columns} FROM ${quoted(table)} WHERE ${where}`)) {
    rows++
    if (Number(seq) > written) above++
    if (!hasItems) latest.set(String(key), Number(seq))
  }
  if (above > 0) tell(`${name}: ${above} rows of ${table} have a number above ${written}, the last that was stored`)
  if (!hasItems) verifyPages({ reader, changedOnly }, latest, `${name}: table ${table}`, tell)
  return rows
}

/** From the first settlement on that the table has. */
function verifyPages(
  { reader, changedOnly }: Pick<TableCheck, 'reader' | 'changedOnly'>,
  latest: ReadonlyMap<string, number>,
  place: string,
  tell: Tell,
): void {
  let first = Number.POSITIVE_INFINITY
  for (const seq of latest.values()) first = Math.min(first, seq)
  let wrong = 0
  let example = ''
  for (let afterSeq = 0; ; ) {
    const rows = reader.ledger({ afterSeq, limit: SLICE, standing: true })
    for (const { record, fp } of rows) {
      // Doubles of an input have a key of their own.
      if (record.code === 'DUPLICATE' || record.seq < first) continue
      const seq = latest.get(hexOf(fp))
      if (seq === record.seq || (changedOnly && record.outcome === 'unchanged')) continue
      wrong++
      if (wrong === 1)
        example = `${record.url} has ${seq === undefined ? 'no row' : `number ${seq}`}, its settlement is ${record.seq}`
    }
    const last = rows.at(-1)
    if (last === undefined || rows.length < SLICE) break
    afterSeq = last.record.seq
  }
  if (wrong > 0) tell(`${place}: ${wrong} URLs are not as they were stored; the first: ${example}`)
}

async function* rowsOf({ kind, path }: SinkKind, sql: string): AsyncGenerator<readonly unknown[]> {
  const { slices } = await answerOf(kind, path, sql)
  for await (const slice of slices) yield* slice
}

async function answerOf(kind: SinkKind['kind'], path: string, sql: string): Promise<SqlAnswer> {
  const query = { sql, values: [] }
  if (kind === 'postgres') return (await import('../sink/postgres.ts')).postgresRows(path, query)
  if (kind === 'mysql') return (await import('../sink/mysql.ts')).mysqlRows(path, query)
  return (await import('../sink/sqlite-query.ts')).sqliteRows({ ...query, path })
}
