/** The outputs of a job, one after the other, each against its stored position and whatever else tells what was written. */
import { closeSync, existsSync, fstatSync, openSync, readSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Reader } from '../frontier/sqlite/read.ts'
import { reasonOf } from '../model/errors.ts'
import { ROWS_ENDING, sinkKindOf } from '../sink/kind.ts'
import type { SinkKind } from '../sink/kind.ts'
import { mongoTarget } from '../sink/mongo-target.ts'
import { redisTarget } from '../sink/redis-target.ts'
import { addressOf } from '../sink/sql/server-url.ts'
import { decodeWarcPosition } from '../sink/warc.ts'
import { archiveNames } from '../warc/archive-files.ts'
import type { StoredJob } from './folder.ts'
import { verifyItemRows, verifyItems, verifyJson, verifyLength, verifyRecords } from './verify-lines.ts'
import { MANIFEST } from './verify-files.ts'
import { verifyTable } from './verify-tables.ts'

type Tell = (problem: string) => void

export interface OutputCheck {
  /** As shown to people. */
  readonly output: string
  /** Records, items or rows that were looked at; null: none, as of Redis and MongoDB. */
  readonly rows: number | null
}

/** What is stored in the file of outputs that were never opened is not the job's. */
export async function verifyOutputs(
  folder: string,
  { options, cwd, id }: StoredJob,
  reader: Reader,
  tell: Tell,
): Promise<OutputCheck[]> {
  const positions = reader.positions()
  const hasItems = options['extract'] !== undefined || options['text'] === true
  const outs = (options['out'] as readonly string[] | undefined) ?? [
    join(folder, hasItems ? 'items.ndjson' : 'pages.ndjson'),
  ]
  const changedOnly = options['changedOnly'] === true
  const checks: OutputCheck[] = []
  for (const out of outs) {
    const kind = sinkKindOf(out)
    if (kind.kind === 'stdout') continue
    const [name, shown] = namesOf(kind, cwd, hasItems)
    const position = positions.get(`sink:${name}`)
    if (position === undefined) continue
    if (kind.kind === 'warc') {
      // Its records are read as any archive's.
      const { number, file } = decodeWarcPosition(position, shown)
      verifyLength(archiveNames(shown).warc(number), file, tell)
      continue
    }
    const output = { ...kind, path: isServer(kind) ? kind.path : resolve(cwd, kind.path) }
    try {
      const check = { folder, job: id, hasItems, name, output, position, reader, changedOnly }
      checks.push({ output: shown, rows: await rowsOf(check, tell) })
    } catch (error) {
      tell(`${shown}: ${reasonOf(error)}`)
    }
  }
  return checks
}

interface Check {
  readonly folder: string
  readonly job: string
  readonly hasItems: boolean
  readonly name: string
  readonly output: SinkKind
  readonly position: Uint8Array
  readonly reader: Reader
  readonly changedOnly: boolean
}

async function rowsOf(check: Check, tell: Tell): Promise<number | null> {
  const { folder, hasItems, output, position } = check
  const { kind, path } = output
  switch (kind) {
    case 'ndjson':
    case 'csv':
      if (!verifyLength(path, position, tell)) return 0
      if (!hasItems) return verifyRecords(path, kind === 'csv', check, tell)
      return kind === 'csv'
        ? verifyItemRows(path, tell)
        : ((await verifyItems(folder, path, tell)) ?? verifyJson(path, tell))
    case 'parquet':
      if (!verifyLength(path + ROWS_ENDING, position, tell)) return 0
      if (existsSync(path)) verifyFooter(path, tell)
      return hasItems ? verifyJson(path + ROWS_ENDING, tell) : verifyRecords(path + ROWS_ENDING, false, check, tell)
    case 'dir':
      return verifyLength(join(path, MANIFEST), position, tell)
        ? verifyRecords(join(path, MANIFEST), false, check, tell)
        : 0
    case 'sqlite':
    case 'postgres':
    case 'mysql':
      return verifyTable({ ...check, table: tableOf(output, hasItems) }, tell)
    default:
      return null
  }
}

function isServer({ kind }: SinkKind): boolean {
  return kind === 'postgres' || kind === 'mysql' || kind === 'redis' || kind === 'mongodb'
}

function tableOf({ kind, path, table }: SinkKind, hasItems: boolean): string {
  const named = kind === 'postgres' || kind === 'mysql' ? addressOf(path, kind).table : table
  return named ?? (hasItems ? 'items' : 'pages')
}

/** The name of the sink, and how the output is shown. */
function namesOf(output: SinkKind, cwd: string, hasItems: boolean): [name: string, shown: string] {
  const { kind, path } = output
  if (kind === 'postgres' || kind === 'mysql') {
    const { name, table } = addressOf(path, kind)
    return [table === undefined ? name : `${name}#${table}`, name]
  }
  if (kind === 'redis' || kind === 'mongodb') {
    const { shown } = kind === 'redis' ? redisTarget(path) : mongoTarget(path)
    return [shown, shown]
  }
  const place = resolve(cwd, path)
  if (kind === 'sqlite') {
    const { table = 'pages' } = output
    return [`sqlite:${place}${table === 'pages' ? '' : `#${table}`}`, `${place}#${tableOf(output, hasItems)}`]
  }
  return [`${kind}:${place}`, place]
}

/** parquet.apache.org, "File Format": `PAR1`, the row groups, the footer, its length, `PAR1`. */
const MAGIC = 'PAR1'
const END = 8

function verifyFooter(path: string, tell: Tell): void {
  const file = openSync(path, 'r')
  try {
    const { size } = fstatSync(file)
    const [start, end] = [Buffer.alloc(MAGIC.length), Buffer.alloc(END)]
    readSync(file, start, 0, start.length, 0)
    readSync(file, end, 0, END, Math.max(0, size - END))
    const isWhole = start.toString('latin1') === MAGIC && end.toString('latin1', END - MAGIC.length) === MAGIC
    if (!isWhole || end.readUInt32LE(0) + END + MAGIC.length > size) {
      tell(`${path}, byte ${Math.max(0, size - END)}: no footer of a Parquet file stands there`)
    }
  } finally {
    closeSync(file)
  }
}
