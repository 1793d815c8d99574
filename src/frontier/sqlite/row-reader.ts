/** Reads requests and settlements back, many at a time; shared by the owner of a job and by its read-only viewers. */
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { OUTCOMES } from '../../model/outcome.ts'
import type { OutcomeWord } from '../../model/outcome.ts'
import type { PageRecord } from '../../model/record.ts'
import type { RequestMeta } from '../../model/request.ts'
import type { Row } from '../schedule/rows.ts'
import { VERDICT } from '../schedule/rows.ts'
import type { Standing } from '../store.ts'
import { Selector } from './inserter.ts'
import { unpackAdded, unpackSettled } from './packs.ts'
import type { AddedPack } from './packs.ts'
import { readLedger, readRequest, REQUEST_COLUMNS } from './rows.ts'
import type { Column, LedgerEntry, SourceNames } from './rows.ts'

/** What a scan of the ledger asks the database; the rest is decided on the rows. */
export interface LedgerRange {
  readonly after: number
  readonly limit: number
  readonly outcome: OutcomeWord | undefined
  readonly code: string | undefined
  readonly statusFrom: number
  readonly statusTo: number
  /** True: only settlements that stand. */
  readonly standing: boolean
}

const ONE = { limit: 1, outcome: undefined, code: undefined, statusFrom: 0, statusTo: 0, standing: false } as const
const STANDS = '(a.request IS NULL OR (a.pending = 0 AND a.seq = l.seq))'

/** The record of each request or row that has one, as JSON: the settlement that stands. */
export const STANDING_RECORDS = `SELECT l.record AS record FROM ledger l LEFT JOIN again a ON a.request = l.request WHERE ${STANDS} ORDER BY l.seq`

export class RowReader {
  readonly db: DatabaseSync
  readonly #path: string
  readonly #sources: SourceNames
  readonly #requests: Selector
  readonly #again: Selector
  readonly #standing: Selector
  #ledger: StatementSync | undefined

  constructor(db: DatabaseSync, path: string, sources: SourceNames) {
    this.db = db
    this.#path = path
    this.#sources = sources
    this.#requests = new Selector(db, `SELECT ${REQUEST_COLUMNS} FROM request WHERE id`)
    this.#again = new Selector(db, 'SELECT request,meta FROM again WHERE request')
    this.#standing = new Selector(
      db,
      `SELECT l.seq,l.request,l.outcome,l.code,l.status FROM ledger l LEFT JOIN again a ON a.request = l.request WHERE ${STANDS} AND l.seq`,
    )
  }

  /** Rows by id. `again` says which of them may have another meta; absent: ask for all. */
  read(ids: readonly number[], again?: { has(row: number): boolean }): Map<number, Row> {
    const sorted = [...new Set(ids)].sort((a, b) => a - b)
    const rows = new Map<number, Row>()
    this.#requests.each(sorted, (columns) =>
      rows.set(columns[0] as number, readRequest(columns, this.#sources, this.#path)),
    )
    const renewed = again === undefined ? sorted : sorted.filter((id) => again.has(id))
    this.#again.each(renewed, ([id, meta]) => {
      const row = rows.get(id as number)
      if (row === undefined) return
      rows.set(row.id, { ...row, meta: meta === null ? undefined : (JSON.parse(meta as string) as RequestMeta) })
    })
    return rows
  }

  standing(seqs: readonly number[]): (Standing | undefined)[] {
    const found = new Map<number, Standing>()
    this.#standing.each(seqs, ([seq, row, outcome, code, status]) => {
      found.set(seq as number, {
        row: row as number,
        outcome: OUTCOMES[outcome as number] as OutcomeWord,
        code: (code as string | null) ?? '',
        status: (status as number | null) ?? 0,
      })
    })
    return seqs.map((seq) => found.get(seq))
  }

  /** Settlements after a number, ascending. */
  ledger(range: LedgerRange): LedgerEntry[] {
    if (this.#ledger === undefined) {
      this.#ledger = this.db.prepare(
        `SELECT l.seq,l.request,l.outcome,l.record,l.sum FROM ledger l LEFT JOIN again a ON a.request = l.request
         WHERE l.seq > ?1 AND (?3 = 0 OR ${STANDS}) AND (?4 IS NULL OR l.outcome = ?4) AND (?5 IS NULL OR coalesce(l.code,'') = ?5)
         AND (?6 = 0 OR l.status BETWEEN ?6 AND ?7) ORDER BY l.seq LIMIT ?2`,
      )
      this.#ledger.setReturnArrays(true)
    }
    const { after, limit, standing, outcome, code, statusFrom, statusTo } = range
    const rows = this.#ledger.all(
      after,
      limit,
      standing ? 1 : 0,
      outcome === undefined ? null : OUTCOMES.indexOf(outcome),
      code ?? null,
      statusFrom,
      statusTo,
    ) as unknown as Column[][]
    return rows.map((columns) => readLedger(columns, this.#path))
  }

  /** The record of one settlement. */
  settlement(seq: number): PageRecord | undefined {
    const [entry] = this.ledger({ ...ONE, after: seq - 1 })
    return entry?.seq === seq ? entry.record : undefined
  }

  /** Calls `visit` for all packs of requests after a row, oldest first, until it returns true. */
  eachAdded(visit: (pack: AddedPack) => boolean | void, after = -1): void {
    this.#eachPack('added', (first, data, sum) => visit(unpackAdded(first, data, sum, this.#path)), after)
  }

  /** Calls `visit` with rows and the differences of their numbers from `first`, oldest first. */
  eachSettled(visit: (first: number, words: Uint32Array) => boolean | void): void {
    this.#eachPack('settled', (first, data, sum) => visit(first, unpackSettled(first, data, sum, this.#path)))
  }

  /** Row of a fingerprint that is known, or 0. Reads all packs. */
  findRow(fpHi: number, fpLo: number): number {
    let row = 0
    this.eachAdded(({ first, count, fps, heads }) => {
      for (let i = 0; i < count; i++) {
        if (fps[2 * i] !== fpLo || fps[2 * i + 1] !== fpHi || ((heads[i] as number) & 7) > VERDICT) continue
        row = first + i
        return true
      }
      return false
    })
    return row
  }

  /** Number of the latest settlement of a row, standing or not; 0 without one. Reads all packs. */
  findSeq(row: number): number {
    let seq = 0
    this.eachSettled((first, words) => {
      const count = words.length / 2
      for (let i = 0; i < count; i++) if (words[i] === row) seq = first + (words[count + i] as number)
    })
    return seq
  }

  findSettled(fpHi: number, fpLo: number): number {
    const row = this.findRow(fpHi, fpLo)
    return row === 0 ? 0 : this.findSeq(row)
  }

  #eachPack(
    table: 'added' | 'settled',
    visit: (first: number, data: Uint8Array, sum: number) => boolean | void,
    from = -1,
  ): void {
    const statement = this.db.prepare(`SELECT first,data,sum FROM ${table} WHERE first > ? ORDER BY first LIMIT 256`)
    statement.setReturnArrays(true)
    let after = from
    for (;;) {
      const packs = statement.all(after) as unknown as [number, Uint8Array, number][]
      for (const [first, data, sum] of packs) if (visit(first, data, sum) === true) return
      if (packs.length < 256) return
      after = (packs[packs.length - 1] as [number, Uint8Array, number])[0]
    }
  }
}
