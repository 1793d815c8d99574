/**
 * The frontier in memory: the reference, and what `fetchAll` uses when nothing is to be kept. Durable means told: it
 * ends with the process.
 */
import { EmbeddedFrontier } from './embedded.ts'
import type { FrontierOptions } from './embedded.ts'
import type { LedgerRow, OpenedFrontier, ScanQuery, Slice } from './frontier.ts'
import { matches } from './ledger-filter.ts'
import type { PageRecord } from '../model/record.ts'
import type { RequestMeta } from '../model/request.ts'
import { Chains } from './schedule/chains.ts'
import { Counters } from './schedule/counters.ts'
import { isCounted, joinFp } from './schedule/rows.ts'
import type { Row } from './schedule/rows.ts'
import { Scheduler } from './schedule/scheduler.ts'
import { Bits } from './schedule/typed-arrays.ts'
import { SeenTable } from './seen/seen-table.ts'
import type { Standing, StateOf, Store } from './store.ts'

export type { FrontierOptions } from './embedded.ts'

/** A frontier that keeps nothing on disk. */
export function memoryFrontier(options: FrontierOptions): OpenedFrontier {
  const { clock, defaults, inputFp, jobCap = Number.POSITIVE_INFINITY } = options
  const schedule = new Scheduler(defaults, new Chains(), 1)
  const done = new Bits()
  const store = new MemoryStore(schedule, done)
  const openedAt = clock.now()
  const base = clock.wall()
  const frontier = new EmbeddedFrontier(
    {
      now: () => base + (clock.now() - openedAt),
      clock,
      schedule,
      seen: new SeenTable(),
      store,
      counters: new Counters(),
      done,
      inputs: new Map(),
      inputFp,
      jobCap,
      repeatUnsafe: options.repeatUnsafe === true,
    },
    null,
  )
  return { frontier, positions: store.positions, existed: false }
}

interface Settlement {
  readonly row: number
  readonly record: PageRecord
}

class MemoryStore implements Store {
  readonly failure = undefined
  readonly positions = new Map<string, Uint8Array>()
  readonly #schedule: Scheduler
  readonly #done: Bits
  readonly #rows: Row[] = []
  /** In the order of their numbers; only the standing ones count. */
  readonly #settled = new Map<number, Settlement>()
  readonly #latest = new Map<number, number>()

  constructor(schedule: Scheduler, done: Bits) {
    this.#schedule = schedule
    this.#done = done
  }

  get lastRow(): number {
    return this.#rows.length
  }

  append(row: Row): void {
    this.#rows.push(row)
  }

  rows(ids: readonly number[]): Row[] {
    return ids.map((id) => this.#rows[id - 1] as Row)
  }

  standing(seqs: readonly number[]): (Standing | undefined)[] {
    return seqs.map((seq) => {
      const settled = this.#settled.get(seq)
      if (settled === undefined) return undefined
      const { row, record } = settled
      return { row, outcome: record.outcome, code: record.code ?? '', status: record.status ?? 0 }
    })
  }

  findSettled(fpHi: number, fpLo: number): number {
    const row = this.#rows.find((known) => known.fpHi === fpHi && known.fpLo === fpLo && isCounted(known.kind))
    return row === undefined ? 0 : (this.#latest.get(row.id) ?? 0)
  }

  settled(row: number, record: PageRecord): void {
    this.#settled.set(record.seq, { row, record })
    this.#latest.set(row, record.seq)
  }

  requeued(row: number, seq: number, meta: RequestMeta | undefined): void {
    this.#settled.delete(seq)
    this.#latest.delete(row)
    this.#rows[row - 1] = { ...(this.#rows[row - 1] as Row), meta }
  }

  position(name: string, value: Uint8Array): void {
    this.positions.set(name, value)
  }

  scan(query: ScanQuery, stateOf: StateOf): Slice<LedgerRow> {
    return query.what === 'ledger' ? this.#scanLedger(query) : this.#scanLeft(query, stateOf)
  }

  durable(): Promise<void> {
    return Promise.resolve()
  }

  close(): Promise<void> {
    return Promise.resolve()
  }

  // The schedule in memory is all there is.
  state(): void {}
  laneAdded(): void {}
  bucketChanged(): void {}
  robotsChanged(): void {}
  inputsChanged(): void {}
  event(): void {}
  claimsChanged(): void {}
  flush(): void {}

  #scanLedger(query: ScanQuery): Slice<LedgerRow> {
    const { after = 0, limit = 100 } = query
    const rows: LedgerRow[] = []
    for (const [seq, { row, record }] of this.#settled) {
      if (seq <= after) continue
      const known = this.#rows[row - 1] as Row
      const found: LedgerRow = {
        ...this.#base(known, seq),
        state: 'done',
        attempts: record.attempt,
        crashes: 0,
        record,
      }
      if (!matches(query, found)) continue
      if (rows.length === limit) return { rows, next: (rows[limit - 1] as LedgerRow).ref }
      rows.push(found)
    }
    return { rows, next: null }
  }

  #scanLeft(query: ScanQuery, stateOf: StateOf): Slice<LedgerRow> {
    const { after = 0, limit = 100 } = query
    const rows: LedgerRow[] = []
    for (let id = after + 1; id <= this.#rows.length; id++) {
      const row = this.#rows[id - 1] as Row
      if (this.#done.has(id) || !isCounted(row.kind)) continue
      const { state, attempts, crashes, code, dueInMs } = stateOf(id)
      const found = {
        ...this.#base(row, -id),
        state,
        attempts,
        crashes,
        ...(code === '' ? {} : { code: code as never }),
        ...(dueInMs === undefined ? {} : { dueInMs }),
      }
      if (!matches(query, found)) continue
      if (rows.length === limit) return { rows, next: -(rows[limit - 1] as LedgerRow).ref }
      rows.push(found)
    }
    return { rows, next: null }
  }

  #base(row: Row, ref: number): Pick<LedgerRow, 'ref' | 'url' | 'key' | 'fp' | 'depth' | 'meta' | 'input' | 'groups'> {
    const { lanes, buckets } = this.#schedule
    const groups = lanes.groups(row.lane)
    return {
      ref,
      url: row.url,
      key: buckets.names[lanes.key[row.lane] as number] as string,
      fp: joinFp(row.fpHi, row.fpLo),
      depth: row.depth,
      ...(row.meta === undefined ? {} : { meta: row.meta }),
      ...(row.input === undefined ? {} : { input: row.input }),
      ...(groups.length === 0 ? {} : { groups: groups.map((group) => buckets.names[group] as string) }),
    }
  }
}
