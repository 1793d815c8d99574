/**
 * Page records, or items, as rows of a table on a database server: the latest per (job, key). Each batch and the number of
 * its last settlement (`_sluice_commit`) are one transaction. Where the answer to a COMMIT is lost, that number tells
 * whether the batch is stored; where the server is away, the batch waits in `write`. A row that the database refuses is
 * left out and reported; the rest of its batch is stored. Knows no driver.
 */
import { reasonOf, SluiceError } from '../../model/errors.ts'
import { hasItems } from '../item-fields.ts'
import { ServerRetry } from '../server-retry.ts'
import { decodePosition, encodePosition, type SeqPosition } from '../seq-position.ts'
import type { JobInfo, RefusedItem, Sink, SinkRecord } from '../sink.ts'
import { changed, DATA_HINT, RIVAL_HINT } from '../store-error.ts'
import { storableKey } from './cell.ts'
import { COMMIT_COLUMNS, COMMIT_TABLE, ownerOf, tableName } from './commit-table.ts'
import type { Cells, Rows } from './rows.ts'
import type { RowPlan } from './row-plan.ts'
import { ServerItems } from './server-items.ts'
import { ServerPages } from './server-pages.ts'
import { ensureTable } from './server-table.ts'
import type { Insert, SqlConnection, SqlServer } from './server.ts'

export interface ServerSinkOptions {
  /** Default `pages`, or `items` where the job has an extractor. */
  readonly table?: string | undefined
  /** Milliseconds for which the server may be away before the job halts. Default 120,000. */
  readonly giveUpMs?: number | undefined
}

/** A new job finds out soon that its server is not there; one that has stored rows waits as it would while it runs. */
const FIRST_OPEN_MS = 10_000

export function serverSink(server: SqlServer, options: ServerSinkOptions): Sink {
  const table = options.table === undefined ? undefined : tableName(options.table)
  const name = table === undefined ? server.name : `${server.name}#${table}`
  return new ServerSink(server, name, table, options.giveUpMs)
}

class ServerSink implements Sink {
  readonly name: string
  readonly wantsBodies = false
  readonly #server: SqlServer
  readonly #table: string | undefined
  readonly #giveUpMs: number | undefined
  #retry: ServerRetry
  #connection: SqlConnection | undefined
  #job!: JobInfo
  #plan!: RowPlan
  #owner = ''
  #seq = 0
  #refused: RefusedItem[] = []

  constructor(server: SqlServer, name: string, table: string | undefined, giveUpMs: number | undefined) {
    this.name = name
    this.#server = server
    this.#table = table
    this.#giveUpMs = giveUpMs
    this.#retry = this.#newRetry(undefined)
  }

  async open(job: JobInfo, position: Uint8Array | undefined): Promise<void> {
    const stored = decodePosition(position, this.name)
    const usual = job.items === undefined ? 'pages' : 'items'
    const table = this.#table ?? usual
    const { dialect } = this.#server
    if (!dialect.isTableName(table)) {
      throw new SluiceError('OPTION_INVALID', `${dialect.database} cannot have a table ${JSON.stringify(table)}`, {
        hint: 'give it a shorter name',
      })
    }
    this.#job = job
    this.#owner = storableKey(dialect, ownerOf(job.id, table, 'pages'))
    this.#retry = this.#newRetry(job)
    const place = { server: this.#server, output: this.name, table, job, used: stored }
    this.#plan = job.items === undefined ? new ServerPages(place) : new ServerItems(place)
    await this.#patiently(
      (connection) => this.#prepare(connection, stored),
      position === undefined ? Math.min(FIRST_OPEN_MS, this.#giveUpMs ?? FIRST_OPEN_MS) : undefined,
    )
    this.#seq = job.committedSeq
  }

  async write(batch: readonly SinkRecord[]): Promise<Uint8Array | undefined> {
    this.#refused = []
    if (batch.length > 0) {
      const rows = await this.#rowsOf(batch)
      const seq = batch.reduce((highest, { record }) => Math.max(highest, record.seq), this.#seq)
      let isUnsure = false
      await this.#patiently(async (connection) => {
        const wasUnsure = isUnsure
        isUnsure = true
        await this.#transaction(connection, rows, seq, wasUnsure)
      })
      this.#seq = seq
    }
    return encodePosition(this.#seq, this.#job.items !== undefined && this.#plan.insert !== undefined)
  }

  refused(): readonly RefusedItem[] {
    return this.#refused
  }

  async close(): Promise<void> {
    const connection = this.#connection
    this.#connection = undefined
    await connection?.close().catch(() => undefined)
  }

  async #prepare(connection: SqlConnection, { stored }: SeqPosition): Promise<void> {
    const { dialect } = this.#server
    const commits = dialect.quoted(COMMIT_TABLE)
    await connection.lock()
    await ensureTable(connection, dialect, this.name, {
      name: COMMIT_TABLE,
      columns: COMMIT_COLUMNS,
      key: ['job'],
      own: COMMIT_COLUMNS,
      usedBefore: stored > 0,
    })
    const written = await this.#storedSeq(connection)
    if (Math.max(written, 0) < stored) throw changed(this.name, 'does not hold what this job stored in it', DATA_HINT)
    await this.#plan.prepare(connection)
    await connection.unlock()
    const { committedSeq } = this.#job
    if (written < 0) {
      const marks = `${dialect.mark(1)}, ${dialect.mark(2)}`
      await connection.run(`INSERT INTO ${commits} (job, seq) VALUES (${marks})`, [this.#owner, committedSeq])
      return
    }
    // The COMMIT of a process that was killed may arrive as late as this: then the number is another one, once.
    if (await this.#takeBack(connection, written)) return
    if (await this.#takeBack(connection, await this.#storedSeq(connection))) return
    throw changed(this.name, 'is being written to by another process under the name of this job', RIVAL_HINT)
  }

  /** Whether the number still was `written`: else nothing was changed. */
  async #takeBack(connection: SqlConnection, written: number): Promise<boolean> {
    const { committedSeq } = this.#job
    await connection.run('START TRANSACTION')
    if (written > committedSeq) await this.#plan.takeBack(connection)
    const isDone = await this.#advance(connection, written, committedSeq)
    await connection.run(isDone ? 'COMMIT' : 'ROLLBACK')
    return isDone
  }

  /** Rows of the batch; makes the table where its items are the first. */
  async #rowsOf(batch: readonly SinkRecord[]): Promise<Rows> {
    if (this.#plan instanceof ServerItems && this.#plan.insert === undefined && hasItems(batch)) {
      const plan = this.#plan
      plan.guess(batch)
      await this.#patiently(async (connection) => {
        await connection.lock()
        await plan.prepare(connection)
        await connection.unlock()
      })
    }
    return this.#plan.rows(batch)
  }

  async #transaction(connection: SqlConnection, rows: Rows, seq: number, isUnsure: boolean): Promise<void> {
    const before = this.#seq
    for (let isCareful = false; ; isCareful = true) {
      await connection.run('START TRANSACTION')
      // Waits for a transaction of ours that the server has not noticed the end of, so that the answer is final.
      if (!(await this.#advance(connection, before, seq))) {
        await connection.run('ROLLBACK')
        if (isUnsure && (await this.#storedSeq(connection)) === seq) return
        throw changed(this.name, 'was written to by another process under the name of this job', RIVAL_HINT)
      }
      try {
        this.#refused = []
        await this.#plan.keep(connection, before)
        await this.#insert(connection, rows, isCareful)
        await this.#plan.sweep(connection, before)
      } catch (error) {
        if (isCareful || this.#server.troubleOf(error) !== 'value') throw error
        await connection.run('ROLLBACK')
        continue
      }
      await connection.run('COMMIT')
      return
    }
  }

  /** Whether the number was the one we know, and now is the new one. */
  async #advance(connection: SqlConnection, from: number, to: number): Promise<boolean> {
    const { dialect } = this.#server
    const [a, b, c] = [dialect.mark(1), dialect.mark(2), dialect.mark(3)]
    const sql = `UPDATE ${dialect.quoted(COMMIT_TABLE)} SET seq = ${a} WHERE job = ${b} AND seq = ${c}`
    return (await connection.run(sql, [to, this.#owner, from])) === 1
  }

  /** -1: none. */
  async #storedSeq(connection: SqlConnection): Promise<number> {
    const { dialect } = this.#server
    const sql = `SELECT seq FROM ${dialect.quoted(COMMIT_TABLE)} WHERE job = ${dialect.mark(1)}`
    const [row] = await connection.rows(sql, [this.#owner])
    return row === undefined ? -1 : Number(row['seq'])
  }

  /** All at once; carefully: halves of what was refused, down to the rows that are at fault. */
  async #insert(connection: SqlConnection, rows: Rows, isCareful: boolean): Promise<void> {
    const { insert } = this.#plan
    if (insert === undefined) return
    const tooLarge = new Set<Cells>()
    for (const [index, cells] of rows.cells.entries()) {
      const reason = connection.tooLarge(cells)
      if (reason === undefined) continue
      tooLarge.add(cells)
      this.#refuse(rows, index, reason)
    }
    if (isCareful) return this.#bisect(connection, insert, rows, tooLarge, 0, rows.cells.length)
    const sendable = without(rows.cells, tooLarge)
    if (sendable.length > 0) await connection.insert(insert, sendable, this.#plan.replaces)
  }

  /** Rows from `start` to before `end`. */
  async #bisect(
    connection: SqlConnection,
    insert: Insert,
    rows: Rows,
    tooLarge: ReadonlySet<Cells>,
    start: number,
    end: number,
  ): Promise<void> {
    const sendable = without(rows.cells.slice(start, end), tooLarge)
    if (sendable.length === 0) return
    await connection.run('SAVEPOINT sluice')
    try {
      await connection.insert(insert, sendable, true)
    } catch (error) {
      if (this.#server.troubleOf(error) !== 'value') throw error
      await connection.run('ROLLBACK TO SAVEPOINT sluice')
      if (end - start === 1) {
        this.#refuse(rows, start, reasonOf(error))
        return
      }
      const middle = (start + end) >> 1
      await this.#bisect(connection, insert, rows, tooLarge, start, middle)
      await this.#bisect(connection, insert, rows, tooLarge, middle, end)
      return
    }
    await connection.run('RELEASE SAVEPOINT sluice')
  }

  #refuse(rows: Rows, index: number, reason: string): void {
    const message = `${this.#server.dialect.database}: ${reason}`
    this.#refused.push({ ...rows.originOf(index), path: '', message })
  }

  /** Runs it on a connection, as often as the server goes away meanwhile. */
  async #patiently(work: (connection: SqlConnection) => Promise<void>, giveUpMs?: number): Promise<void> {
    const isOpening = giveUpMs !== undefined
    try {
      await this.#retry.run(async () => {
        this.#connection ??= await this.#server.connect()
        try {
          await work(this.#connection)
        } catch (error) {
          // A new one begins without a transaction, a lock or an answer that comes late.
          await this.close()
          throw error
        }
      }, giveUpMs)
    } catch (error) {
      throw this.#sinkError(error, isOpening)
    }
  }

  #sinkError(error: unknown, isOpening: boolean): SluiceError {
    if (error instanceof SluiceError) return error
    const reason = reasonOf(error)
    const again = 'run the same command again once that is mended: the job continues where it stopped'
    switch (this.#server.troubleOf(error)) {
      case 'full':
        return new SluiceError('SINK_FULL', `no room in ${this.name}: ${reason}`, {
          hint: 'make room and run the same command again: the job continues where it stopped',
          cause: error,
        })
      case 'shape':
        return changed(this.name, `is not as this job left it (${reason})`, DATA_HINT)
      case 'denied':
        if (!isOpening) break
        return new SluiceError('OPTION_INVALID', `${this.name} refuses us: ${reason}`, {
          hint: 'check user, password and database of --out',
          cause: error,
        })
      default:
    }
    return new SluiceError('SINK_UNREACHABLE', `cannot write ${this.name}: ${reason}`, { hint: again, cause: error })
  }

  #newRetry(job: Pick<JobInfo, 'warn' | 'signal'> | undefined): ServerRetry {
    return new ServerRetry({
      server: this.name,
      isAway: (error) => !(error instanceof SluiceError) && this.#server.troubleOf(error) === 'away',
      warn: job?.warn,
      signal: job?.signal,
      ...(this.#giveUpMs === undefined ? {} : { giveUpMs: this.#giveUpMs }),
    })
  }
}

function without(rows: readonly Cells[], left: ReadonlySet<Cells>): readonly Cells[] {
  return left.size === 0 ? rows : rows.filter((cells) => !left.has(cells))
}
