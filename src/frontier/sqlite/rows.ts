/** Rows of `request` and `ledger` to and from columns, each under a checksum of its columns. Pure. */
import { crc32 } from 'node:zlib'
import type { Verdict, InputRef, Priority, RequestMeta } from '../../model/request.ts'
import { OUTCOMES } from '../../model/outcome.ts'
import type { PageRecord } from '../../model/record.ts'
import type { HopFacts, Row, RowKind } from '../schedule/rows.ts'
import { corrupt } from './errors.ts'

export type Column = string | number | null | Uint8Array

// `head`: bits 0-2 kind, 3-4 priority, 5 url is a JSON string (it holds lone surrogates, which UTF-8 cannot), from 6 depth.
const ESCAPED = 1 << 5
const DEPTH_SHIFT = 6

/** Facts of a request few have: as JSON in `info`. */
interface Info {
  m?: RequestMeta
  v?: Verdict
  h?: HopFacts
  /** Target fingerprint, hex. */
  t?: string
}

/** Names of sources by their number and back. */
export interface SourceNames {
  idOf(name: string): number
  nameOf(id: number): string
}

export const REQUEST_COLUMNS = 'id,lane,head,fp_hi,fp_lo,url,source,ordinal,info,sum'

/** Writes the columns of `REQUEST_COLUMNS` from `at` on. 32-bit words are stored signed: small integers to V8. */
export function putRequest(columns: Column[], at: number, row: Row, info: string | null, sources: SourceNames): void {
  const { id, lane, kind, priority, depth, input } = row
  const wellFormed = row.url.isWellFormed()
  const url = wellFormed ? row.url : JSON.stringify(row.url)
  const head = kind | (priority << 3) | (wellFormed ? 0 : ESCAPED) | (depth << DEPTH_SHIFT)
  const fpHi = row.fpHi | 0
  const fpLo = row.fpLo | 0
  const source = input === undefined ? null : sources.idOf(input.source)
  const ordinal = input === undefined ? null : input.ordinal
  columns[at] = id
  columns[at + 1] = lane
  columns[at + 2] = head
  columns[at + 3] = fpHi
  columns[at + 4] = fpLo
  columns[at + 5] = url
  columns[at + 6] = source
  columns[at + 7] = ordinal
  columns[at + 8] = info
  columns[at + 9] = requestSum(lane, head, fpHi, fpLo, url, source, ordinal, info)
}

export function infoOf({ meta, verdict, hop, target }: Row): string | null {
  if (meta === undefined && verdict === undefined && hop === undefined) return null
  const info: Info = {}
  if (meta !== undefined) info.m = meta
  if (verdict !== undefined) info.v = verdict
  if (hop !== undefined) info.h = hop
  if (target !== undefined) info.t = target.toString(16)
  return JSON.stringify(info)
}

/** @param columns as selected by `REQUEST_COLUMNS`. */
export function readRequest(columns: readonly Column[], sources: SourceNames, path: string): Row {
  const id = columns[0] as number
  const lane = columns[1] as number
  const head = columns[2] as number
  const fpHi = columns[3] as number
  const fpLo = columns[4] as number
  const url = columns[5] as string
  const source = columns[6] as number | null
  const ordinal = columns[7] as number | null
  const info = columns[8] as string | null
  if (requestSum(lane, head, fpHi, fpLo, url, source, ordinal, info) !== columns[9]) {
    throw corrupt(path, `row ${id} of the requests is damaged: its checksum does not match`)
  }
  const { m, v, h, t }: Info = info === null ? {} : (JSON.parse(info) as Info)
  const input: InputRef | undefined =
    source === null ? undefined : { source: sources.nameOf(source), ordinal: ordinal as number }
  return {
    id,
    kind: kindOf(head),
    lane,
    priority: ((head >> 3) & 3) as Priority,
    depth: head >>> DEPTH_SHIFT,
    fpHi: fpHi >>> 0,
    fpLo: fpLo >>> 0,
    url: (head & ESCAPED) === 0 ? url : (JSON.parse(url) as string),
    input,
    meta: m,
    verdict: v,
    hop: h,
    target: t === undefined ? undefined : BigInt(`0x${t}`),
  }
}

/** @param head column of a request */
export function kindOf(head: number): RowKind {
  return (head & 7) as RowKind
}

export const LEDGER_COLUMNS = 'seq,request,outcome,code,status,attempts,run,at,record,sum'

/** A settlement to be written. */
export interface LedgerItem {
  readonly row: number
  readonly record: PageRecord
  readonly json: string
  /** Wall-clock ms. */
  readonly at: number
}

/** Writes the columns of `LEDGER_COLUMNS` from `at` on. */
export function putLedger({ row, record, json, at: wall }: LedgerItem, columns: Column[], at: number): void {
  const { seq, run, attempt } = record
  const outcome = OUTCOMES.indexOf(record.outcome)
  columns[at] = seq
  columns[at + 1] = row
  columns[at + 2] = outcome
  columns[at + 3] = record.code ?? null
  columns[at + 4] = record.status ?? null
  columns[at + 5] = attempt
  columns[at + 6] = run
  columns[at + 7] = wall
  columns[at + 8] = json
  columns[at + 9] = ledgerSum(seq, row, outcome, json)
}

/** A settlement as read. */
export interface LedgerEntry {
  readonly seq: number
  readonly row: number
  readonly record: PageRecord
}

/** @param columns seq, request, outcome, record, sum. */
export function readLedger(columns: readonly Column[], path: string): LedgerEntry {
  const [seq, row, outcome, json, sum] = columns as [number, number, number, string, number]
  if (ledgerSum(seq, row, outcome, json) !== sum) {
    throw corrupt(path, `row ${seq} of the ledger is damaged: its checksum does not match`)
  }
  return { seq, row, record: JSON.parse(json) as PageRecord }
}

function requestSum(
  lane: number,
  head: number,
  fpHi: number,
  fpLo: number,
  url: string,
  source: number | null,
  ordinal: number | null,
  info: string | null,
): number {
  let sum = mix(mix(mix(mix(0, lane), head), fpHi), fpLo)
  if (source !== null) sum = mix(mix(sum, source), ordinal as number)
  sum = crc32(url, sum)
  return (info === null ? sum : crc32(info, sum)) | 0
}

function ledgerSum(seq: number, row: number, outcome: number, json: string): number {
  return crc32(json, mix(mix(mix(mix(0, seq), Math.floor(seq / 4294967296)), row), outcome)) | 0
}

/** One multiplication of FNV-1a a word: spreads every bit of the number over the sum. */
function mix(sum: number, word: number): number {
  const mixed = Math.imul(sum ^ word, 0x01000193)
  return (mixed ^ (mixed >>> 15)) >>> 0
}
