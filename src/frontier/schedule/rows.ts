/** What the schedule and the stores mean by a row: one request, numbered from 1 in the order of the adds. */
import type { Verdict, InputRef, Priority, RequestMeta } from '../../model/request.ts'

/** Counted as known: to be fetched. */
export const PLAIN = 0
/** Counted as known: only to be settled. */
export const VERDICT = 1
/** robots.txt of an origin. */
export const GATE = 2
/** Redirect hop of a plain row. */
export const HOP = 3
/** Redirect hop of a gate. */
export const GATE_HOP = 4
export type RowKind = 0 | 1 | 2 | 3 | 4

export function isCounted(kind: RowKind): boolean {
  return kind === PLAIN || kind === VERDICT
}

export function isGate(kind: RowKind): boolean {
  return kind === GATE || kind === GATE_HOP
}

export function isHop(kind: RowKind): boolean {
  return kind === HOP || kind === GATE_HOP
}

export interface HopFacts {
  /** Row of the input (or gate) the chain began at. */
  readonly root: number
  readonly hop: number
  readonly chain: readonly string[]
  /** Asked for by a plain GET, whatever its root is asked for by. */
  readonly plain?: true
}

/** A stored request. Never changed after it was added, but for `meta` when it is queued again. */
export interface Row {
  readonly id: number
  readonly kind: RowKind
  /** Lane it waits in; 0 for verdicts. */
  readonly lane: number
  readonly priority: Priority
  readonly depth: number
  /** Halves of the fingerprint, unsigned. For hops: their own, not the target's. */
  readonly fpHi: number
  readonly fpLo: number
  readonly url: string
  readonly input?: InputRef | undefined
  readonly meta?: RequestMeta | undefined
  readonly verdict?: Verdict | undefined
  readonly hop?: HopFacts | undefined
  /** Fingerprint that this hop marked as seen. */
  readonly target?: bigint | undefined
}

/** No verdict; the process died with it while it ran alone; its redirect led to a known URL; it may have been delivered. */
export const UNDECIDED = 0
export const CRASHED = 1
export const LED_TO_KNOWN = 2
export const UNDELIVERED = 3

/** What is known of an unsettled row beyond its being queued. Rows without any have none. */
export interface RowState {
  readonly kind: RowKind
  readonly lane: number
  readonly priority: Priority
  /** Attempts that ended. */
  attempt: number
  crashes: number
  /** Logical ms until which it waits; 0: not delayed. */
  due: number
  /** Code of the last try. */
  code: string
  /** It runs, or was about to run, alone: set before it is handed out. */
  alone: boolean
  /** Unsafe, and handed out: set before it is, cleared when it is given back or settled. */
  sent: boolean
  verdict: 0 | 1 | 2 | 3
  /** Of a hop: row of its root. */
  readonly root: number
  /** Of a root or gate that was redirected: row of the hop now under way; 0 none. */
  hop: number
}

export function newState(kind: RowKind, lane: number, priority: Priority, root = 0): RowState {
  return {
    kind,
    lane,
    priority,
    attempt: 0,
    crashes: 0,
    due: 0,
    code: '',
    alone: false,
    sent: false,
    verdict: UNDECIDED,
    root,
    hop: 0,
  }
}

/** From this many deaths on a request is claimed alone. */
export const SUSPECT_CRASHES = 3

const fpBig = new BigUint64Array(1)
const fpHalves = new Uint32Array(fpBig.buffer)
const HIGH = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1 ? 1 : 0

/** Splits a fingerprint without arithmetic on bigints; read `splitHi` and `splitLo` at once after it. */
export function split(fp: bigint): void {
  fpBig[0] = fp
}

export function splitHi(): number {
  return fpHalves[HIGH] as number
}

export function splitLo(): number {
  return fpHalves[1 - HIGH] as number
}

export function joinFp(hi: number, lo: number): bigint {
  fpHalves[HIGH] = hi
  fpHalves[1 - HIGH] = lo
  return fpBig[0] as bigint
}
