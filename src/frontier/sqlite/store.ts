/**
 * The store behind the embedded frontier: collects what it is told and writes it in groups, one transaction each. The
 * newest rows stay in a window in memory, so that what was just added is handed out without being read back. Decides
 * nothing; see `restore.ts` for the way back from the file.
 */
import type { LedgerRow, RobotsState, ScanQuery, Slice } from '../frontier.ts'
import type { TimerHandle } from '../../model/clock.ts'
import type { SluiceError } from '../../model/errors.ts'
import type { NewEvent } from '../../model/event.ts'
import type { PageRecord } from '../../model/record.ts'
import type { RequestMeta } from '../../model/request.ts'
import type { Row, RowState } from '../schedule/rows.ts'
import type { Standing, StateOf, Store } from '../store.ts'
import { storeError } from './errors.ts'
import { RowReader } from './row-reader.ts'
import { scanLedger, scanLeft } from './scan.ts'
import type { StoreParts } from './store-parts.ts'
import { Writer } from './writer.ts'

/** Rows that wait at most before they are committed. */
const GROUP_ROWS = 1_000
/** What waits is committed after this time. */
const GROUP_MS = 20
/** Newest rows kept in memory; a power of two above GROUP_ROWS, since rows not committed are only here. */
const WINDOW = 2_048

export class SqliteStore implements Store {
  readonly #parts: StoreParts
  readonly #writer: Writer
  readonly #reader: RowReader
  readonly #window: (Row | undefined)[] = Array<Row | undefined>(WINDOW)
  #lastRow: number
  #failure: SluiceError | undefined
  #timer: TimerHandle | undefined
  #flushedAt: number
  #group: { promise: Promise<void>; resolve: () => void; reject: (error: unknown) => void } | undefined

  constructor(parts: StoreParts) {
    this.#parts = parts
    this.#writer = new Writer(parts)
    this.#reader = new RowReader(parts.db, parts.path, parts.sources)
    this.#lastRow = parts.lastRow
    this.#flushedAt = parts.clock.now() - GROUP_MS
  }

  get lastRow(): number {
    return this.#lastRow
  }

  get failure(): SluiceError | undefined {
    return this.#failure
  }

  append(row: Row): void {
    this.#lastRow = row.id
    this.#window[row.id & (WINDOW - 1)] = row
    this.#writer.request(row)
    // Only a settle of a page with very many links gets here without a flush between.
    if (this.#writer.rows >= WINDOW / 2) this.#writer.spillRows()
  }

  rows(ids: readonly number[]): Row[] {
    const found = Array<Row>(ids.length)
    let missing: number[] | undefined
    for (let i = 0; i < ids.length; i++) {
      const id = ids[i] as number
      const row = this.#window[id & (WINDOW - 1)]
      if (row !== undefined && row.id === id) found[i] = row
      else (missing ??= []).push(id)
    }
    if (missing === undefined) return found
    // Queued again a moment ago: its new meta is not in the file yet.
    if (missing.some((id) => this.#writer.isRequeued(id))) this.flush()
    const read = this.#guard(() => this.#reader.read(missing, this.#parts.again))
    for (let i = 0; i < ids.length; i++) found[i] ??= read.get(ids[i] as number) as Row
    return found
  }

  standing(seqs: readonly number[]): (Standing | undefined)[] {
    return this.#guard(() => this.#reader.standing(seqs))
  }

  findSettled(fpHi: number, fpLo: number): number {
    this.flush()
    return this.#guard(() => this.#reader.findSettled(fpHi, fpLo))
  }

  state(row: number, state: RowState | undefined): void {
    this.#writer.state(row, state)
  }

  laneAdded(lane: number): void {
    this.#writer.lane(lane)
  }

  bucketChanged(bucket: number): void {
    this.#writer.bucket(bucket)
    this.#arm()
  }

  robotsChanged(bucket: number, state: RobotsState, until: number): void {
    this.#writer.robots(bucket, state, until)
  }

  settled(row: number, record: PageRecord, json: string | undefined): void {
    this.#writer.settled(row, record, json ?? JSON.stringify(record))
  }

  requeued(row: number, seq: number, meta: RequestMeta | undefined): void {
    this.#parts.again.set(row)
    const slot = row & (WINDOW - 1)
    if (this.#window[slot]?.id === row) this.#window[slot] = undefined
    this.#writer.requeued(row, seq, meta)
  }

  inputsChanged(source: string): void {
    this.#writer.input(source)
  }

  position(name: string, value: Uint8Array): void {
    this.#writer.position(name, value)
  }

  event(event: NewEvent): void {
    this.#writer.event(event)
  }

  claimsChanged(): void {
    this.#writer.claims()
    this.#arm()
  }

  flush(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    if (this.#failure !== undefined) throw this.#failure
    if (this.#writer.isEmpty) return
    // Only adds wait for groups; what else was written does not make the next one wait.
    if (this.#writer.rows > 0) this.#flushedAt = this.#parts.clock.now()
    this.#guard(() => this.#writer.commit(false))
    const group = this.#group
    this.#group = undefined
    group?.resolve()
    this.#parts.checkpointer.committed()
  }

  durable(): Promise<void> {
    if (this.#writer.isEmpty) return Promise.resolve()
    // Nothing was written lately: there is no group to wait for.
    const idle = this.#parts.clock.now() - this.#flushedAt >= GROUP_MS
    if (idle || this.#writer.rows >= GROUP_ROWS) {
      this.flush()
      return this.#parts.checkpointer.room()
    }
    this.#arm()
    if (this.#group === undefined) {
      let resolve!: () => void
      let reject!: (error: unknown) => void
      const promise = new Promise<void>((onDone, onFailed) => {
        resolve = onDone
        reject = onFailed
      })
      this.#group = { promise, resolve, reject }
    }
    return this.#group.promise
  }

  scan(query: ScanQuery, stateOf: StateOf): Slice<LedgerRow> {
    this.flush()
    const { schedule, done } = this.#parts
    return this.#guard(() =>
      query.what === 'ledger'
        ? scanLedger(this.#reader, schedule, query)
        : scanLeft(this.#reader, this, schedule, done, query, stateOf),
    )
  }

  async close(): Promise<void> {
    this.#timer?.cancel()
    this.#timer = undefined
    const { db, checkpointer, onClosed } = this.#parts
    try {
      await checkpointer.stop()
      if (this.#failure === undefined) {
        this.#guard(() => {
          this.#writer.commit(true)
          db.exec('PRAGMA wal_checkpoint(TRUNCATE)')
        })
      }
      this.#group?.resolve()
    } finally {
      db.close()
      onClosed()
    }
  }

  /** What fails here fails for good: the memory runs ahead of the file from now on. */
  #guard<T>(work: () => T): T {
    try {
      return work()
    } catch (error) {
      this.#failure = storeError(error, this.#parts.path)
      this.#group?.reject(this.#failure)
      this.#group = undefined
      throw this.#failure
    }
  }

  #arm(): void {
    this.#timer ??= this.#parts.clock.setTimer(() => {
      this.#timer = undefined
      try {
        this.flush()
      } catch {
        // Whoever waits for the group has been told, and every later call is.
      }
    }, GROUP_MS)
  }
}
