/** Slices of the ledger and of what is left, for the owner of the job. Each call looks at a bounded number of rows. */
import type { LedgerRow, ScanQuery, Slice } from '../frontier.ts'
import { matches, statusRange } from '../ledger-filter.ts'
import { isCounted, joinFp } from '../schedule/rows.ts'
import type { Row } from '../schedule/rows.ts'
import type { Scheduler } from '../schedule/scheduler.ts'
import type { Bits } from '../schedule/typed-arrays.ts'
import type { StateOf, Store } from '../store.ts'
import type { RowReader } from './row-reader.ts'

/** Rows a call looks at: it must not hold up the event loop for long. */
const BOUND = 10_000
const PART = 500

export function scanLedger(reader: RowReader, schedule: Scheduler, query: ScanQuery): Slice<LedgerRow> {
  const { limit = 100, outcome, code, status } = query
  const { from, to } = status === undefined ? { from: 0, to: 0 } : statusRange(status)
  const rows: LedgerRow[] = []
  let after = query.after ?? 0
  for (let seen = 0; seen < BOUND; ) {
    const part = Math.min(PART, Math.max(16, limit - rows.length))
    const entries = reader.ledger({ after, limit: part, outcome, code, statusFrom: from, statusTo: to, standing: true })
    const requests = reader.read(entries.map((entry) => entry.row))
    for (const { seq, row, record } of entries) {
      const found: LedgerRow = {
        ...baseOf(requests.get(row) as Row, seq, schedule),
        state: 'done',
        attempts: record.attempt,
        crashes: 0,
        record,
      }
      if (matches(query, found)) {
        if (rows.length === limit) return { rows, next: after }
        rows.push(found)
      }
      after = seq
    }
    if (entries.length < part) return { rows, next: null }
    seen += entries.length
  }
  return { rows, next: after }
}

export function scanLeft(
  reader: RowReader,
  store: Store,
  schedule: Scheduler,
  done: Bits,
  query: ScanQuery,
  stateOf: StateOf,
): Slice<LedgerRow> {
  const { limit = 100 } = query
  const rows: LedgerRow[] = []
  let after = query.after ?? 0
  for (let seen = 0; seen < BOUND; ) {
    const ids: number[] = []
    let id = after
    while (ids.length < PART && ++id <= store.lastRow) if (!done.has(id)) ids.push(id)
    const requests = reader.read(ids)
    for (const row of ids) {
      const request = requests.get(row) as Row
      if (isCounted(request.kind)) {
        const { state, attempts, crashes, code, dueInMs } = stateOf(row)
        const found: LedgerRow = {
          ...baseOf(request, -row, schedule),
          state,
          attempts,
          crashes,
          ...(code === '' ? {} : { code: code as NonNullable<LedgerRow['code']> }),
          ...(dueInMs === undefined ? {} : { dueInMs }),
        }
        if (matches(query, found)) {
          if (rows.length === limit) return { rows, next: after }
          rows.push(found)
        }
      }
      after = row
    }
    if (ids.length < PART) return { rows, next: null }
    seen += ids.length
  }
  return { rows, next: after }
}

type Base = Pick<LedgerRow, 'ref' | 'url' | 'key' | 'fp' | 'depth' | 'meta' | 'input' | 'groups'>

function baseOf(row: Row, ref: number, { lanes, buckets }: Scheduler): Base {
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
