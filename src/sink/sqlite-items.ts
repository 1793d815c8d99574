/**
 * The table of items in SQLite: the latest item per (job, key), one row each. A page that is extracted again replaces
 * what it gave before, and what it no longer gives is removed. Rows that a batch overwrites or removes are kept in an
 * undo table until the next batch, so that a batch whose commit never came can be taken back whole. Knows no
 * connection and no transaction: every method runs inside one of its caller's.
 *
 *     <columns of the items> | _key  _url  _run  _seq | _page  _job  _more
 *
 * `_more` takes, as JSON, the fields that have no column.
 */
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'
import { SluiceError } from '../model/errors.ts'
import type { ItemColumn } from '../model/item.ts'
import {
  columnNames,
  type Fields,
  fieldsOf,
  firstColumns,
  hasItems,
  itemKey,
  MORE,
  moreOf,
  warnOfMore,
} from './item-fields.ts'
import type { JobInfo, SinkRecord } from './sink.ts'
import { isUnique, quoted } from './sqlite-schema.ts'
import { changed } from './store-error.ts'

/** Columns of the sink's own, behind those of the items. */
const OWN: Readonly<Record<string, string>> = {
  _key: 'TEXT NOT NULL',
  _url: 'TEXT NOT NULL',
  _run: 'INTEGER NOT NULL',
  _seq: 'INTEGER NOT NULL',
  _page: 'TEXT NOT NULL',
  _job: 'TEXT NOT NULL',
  [MORE]: 'TEXT',
}

/** Numbers of integer columns stay exact up to 2^53; booleans are 0 and 1, as in SQLite's own functions. */
const SQL_TYPES: Readonly<Record<ItemColumn['type'], string>> = {
  text: 'TEXT',
  integer: 'INTEGER',
  number: 'REAL',
  boolean: 'INTEGER',
  json: 'TEXT',
}

interface Column {
  readonly name: string
  /** '' where no schema says: values keep the type they come with. */
  readonly type: string
}

export class ItemTable {
  readonly #db: DatabaseSync
  readonly #path: string
  readonly #table: string
  readonly #undo: string
  readonly #job: JobInfo
  /** Fields that have a column; undefined until the first items tell. */
  #fields: readonly string[] | undefined
  #known: ReadonlySet<string> = new Set()
  #warned = false
  #statements!: Statements

  constructor(db: DatabaseSync, path: string, table: string, job: JobInfo) {
    this.#db = db
    this.#path = path
    this.#table = table
    this.#undo = `_sluice_undo_${table}`
    this.#job = job
  }

  /** True once the table is there. */
  get exists(): boolean {
    return this.#fields !== undefined
  }

  /**
   * Makes or checks the table. Columns that are missing are added; `usedBefore`: this job has stored in it.
   * @throws SluiceError `OPTION_INVALID`; `SINK_CHANGED` where what was stored is gone
   */
  prepare(usedBefore: boolean): void {
    const wanted = this.#job.items?.columns
    const present = columnsOf(this.#db, this.#table)
    if (present.length > 0) {
      this.#check(present, usedBefore)
      const columns = wanted === undefined ? present.filter(({ name }) => OWN[name] === undefined) : sqlColumns(wanted)
      for (const column of columns) this.#fit(column, present)
      this.#begin(columns.map(({ name }) => name))
    } else if (usedBefore) {
      throw changed(this.#path, `has no table ${this.#table} any more`)
    } else if (wanted !== undefined) {
      this.#create(sqlColumns(wanted))
    }
  }

  /** Takes back everything above the committed number: rows that were written go, rows that they replaced return. */
  takeBack(): void {
    if (!this.exists) return
    const { id, committedSeq } = this.#job
    const [table, undo] = [quoted(this.#table), quoted(this.#undo)]
    const names = columnsOf(this.#db, this.#undo)
      .map(({ name }) => quoted(name))
      .join(', ')
    this.#db.prepare(`DELETE FROM ${table} WHERE "_job" = ? AND "_seq" > ?`).run(id, committedSeq)
    this.#db
      .prepare(
        `INSERT OR REPLACE INTO ${table} (${names}) SELECT ${names} FROM ${undo} WHERE "_job" = ? AND "_seq" <= ?`,
      )
      .run(id, committedSeq)
    this.#statements.forget.run(id)
  }

  /** Stores the items of a batch. `before` is the highest number of the batches before it. */
  store(batch: readonly SinkRecord[], before: number): void {
    if (!this.exists) {
      if (!hasItems(batch)) return
      this.#create(firstColumns(batch).map((name) => ({ name, type: '' })))
    }
    this.#statements.forget.run(this.#job.id)
    for (const page of batch) if (page.items !== undefined) this.#replace(page, before)
  }

  /** The transaction that made the table was rolled back. */
  forgetTable(): void {
    this.#fields = undefined
  }

  #replace(page: SinkRecord, before: number): void {
    const { keepKey, keepPage, upsert, removeStale } = this.#statements
    const { id } = this.#job
    const { seq } = page.record
    for (const item of page.items ?? []) {
      const key = itemKey(page, item)
      keepKey.run(id, key, before)
      upsert.run(...this.#valuesOf(fieldsOf(item.json), page, key))
    }
    // What is left with a lower number was given by an earlier visit of this page and no longer is.
    keepPage.run(id, page.dedupeKey, before)
    removeStale.run(id, page.dedupeKey, seq)
  }

  #valuesOf(fields: Fields, { record, dedupeKey }: SinkRecord, key: string): SQLInputValue[] {
    const more = moreOf(fields, (name) => this.#known.has(name))
    if (more !== undefined && !this.#warned) {
      this.#warned = true
      warnOfMore(`${this.#path}#${this.#table}`, more, this.#job.warn)
    }
    const own = [key, record.url, record.run, record.seq, dedupeKey, this.#job.id, more ?? null]
    return [...(this.#fields ?? []).map((name) => valueOf(fields, name)), ...own]
  }

  #create(columns: readonly Column[]): void {
    const all = [...columns, ...Object.entries(OWN).map(([name, type]) => ({ name, type }))]
    const list = all.map(({ name, type }) => `${quoted(name)} ${type}`).join(', ')
    this.#db.exec(`CREATE TABLE ${quoted(this.#table)} (${list}, UNIQUE ("_job", "_key"))`)
    this.#begin(columns.map(({ name }) => name))
  }

  /** Everything besides the table itself: index, undo table, statements. */
  #begin(fields: readonly string[]): void {
    const table = quoted(this.#table)
    const undo = quoted(this.#undo)
    this.#db.exec(`CREATE INDEX IF NOT EXISTS ${quoted(`_sluice_page_${this.#table}`)} ON ${table} ("_job", "_page")`)
    this.#db.exec(`CREATE TABLE IF NOT EXISTS ${undo} AS SELECT * FROM ${table} WHERE 0`)
    const kept = new Set(columnsOf(this.#db, this.#undo).map(({ name }) => name))
    const columns = columnsOf(this.#db, this.#table).map(({ name }) => name)
    for (const name of columns) {
      if (!kept.has(name)) this.#db.exec(`ALTER TABLE ${undo} ADD COLUMN ${quoted(name)}`)
    }
    this.#fields = fields
    this.#known = new Set(fields)
    this.#statements = statementsOf(this.#db, table, undo, columns, [...fields, ...Object.keys(OWN)])
  }

  #check(present: readonly Column[], usedBefore: boolean): void {
    const names = new Set(present.map(({ name }) => name))
    const missing = Object.keys(OWN).filter((name) => !names.has(name))
    if (missing.length === 0 && isUnique(this.#db, this.#table, ['_job', '_key'])) return
    const what = missing.length > 0 ? `lacks the columns ${missing.join(', ')}` : 'has no unique key (_job, _key)'
    if (usedBefore) throw changed(this.#path, `has a table ${this.#table} that ${what}`)
    throw this.#refusal(`of another shape: it ${what}`)
  }

  /** Adds the column where it is missing; refuses one that would change the values. */
  #fit({ name, type }: Column, present: readonly Column[]): void {
    const found = present.find((column) => column.name.toLowerCase() === name.toLowerCase())
    if (found === undefined) {
      this.#db.exec(`ALTER TABLE ${quoted(this.#table)} ADD COLUMN ${quoted(name)} ${type}`)
    } else if (affinityOf(found.type) !== 'none' && affinityOf(type) !== 'none') {
      if (affinityOf(found.type) === affinityOf(type)) return
      throw this.#refusal(`whose column ${name} is ${found.type}, and the items have ${type} there`)
    }
  }

  #refusal(what: string): SluiceError {
    return new SluiceError('OPTION_INVALID', `${this.#path} has a table ${this.#table} ${what}`, {
      hint: 'name another table (--out sqlite:FILE#TABLE) or another file',
    })
  }
}

interface Statements {
  readonly upsert: StatementSync
  readonly removeStale: StatementSync
  readonly keepKey: StatementSync
  readonly keepPage: StatementSync
  readonly forget: StatementSync
}

function statementsOf(
  db: DatabaseSync,
  table: string,
  undo: string,
  columns: readonly string[],
  written: readonly string[],
): Statements {
  const all = columns.map(quoted).join(', ')
  const names = written.map(quoted)
  const updates = names.map((name) => `${name} = excluded.${name}`).join(', ')
  const keep = `INSERT INTO ${undo} (${all}) SELECT ${all} FROM ${table} WHERE "_job" = ? AND`
  return {
    upsert: db.prepare(
      `INSERT INTO ${table} (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')}) ON CONFLICT ("_job", "_key") DO UPDATE SET ${updates}`,
    ),
    removeStale: db.prepare(`DELETE FROM ${table} WHERE "_job" = ? AND "_page" = ? AND "_seq" < ?`),
    keepKey: db.prepare(`${keep} "_key" = ? AND "_seq" <= ?`),
    keepPage: db.prepare(`${keep} "_page" = ? AND "_seq" <= ?`),
    forget: db.prepare(`DELETE FROM ${undo} WHERE "_job" = ?`),
  }
}

function sqlColumns(columns: readonly ItemColumn[]): Column[] {
  const types = new Map(columns.map(({ name, type }) => [name, SQL_TYPES[type]]))
  return columnNames(types.keys()).map((name) => ({ name, type: types.get(name) ?? '' }))
}

function columnsOf(db: DatabaseSync, table: string): Column[] {
  const rows = db.prepare(`SELECT name, type FROM pragma_table_info(?)`).all(table)
  return rows.map((row) => ({ name: String(row['name']), type: String(row['type']) }))
}

/** Whether a column turns numbers into texts or texts into numbers (sqlite.org/datatype3.html, 3.1). */
function affinityOf(type: string): 'text' | 'number' | 'none' {
  if (/INT/i.test(type)) return 'number'
  if (/CHAR|CLOB|TEXT/i.test(type)) return 'text'
  return type === '' || /BLOB/i.test(type) ? 'none' : 'number'
}

/** Whole numbers are bound as integers: a column without a type would show 9 as 9.0. */
function valueOf(fields: Fields, name: string): SQLInputValue {
  const value = Object.hasOwn(fields, name) ? fields[name] : undefined
  if (value === undefined || value === null) return null
  if (typeof value === 'string') return value
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : value
  if (typeof value === 'boolean') return value ? 1n : 0n
  return JSON.stringify(value)
}
