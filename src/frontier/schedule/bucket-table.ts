/**
 * Politeness buckets: keys, and the further groups that gate as well. For each one its clock, its slots and its counts,
 * in typed arrays (a job may have a million of them). Decides nothing: the scheduler does.
 */
import type { KeyDefaults, RobotsState } from '../frontier.ts'
import { grownFloat64, grownInt32, grownUint8 } from './typed-arrays.ts'

/** Bits of `patched`: fields that were set and win over the defaults. */
export const PATCHED_DELAY = 1
export const PATCHED_CONNS = 2
export const PATCHED_CAP = 4

/** robots.txt of one origin, with the logical time until which it is valid. */
export interface StoredRobots {
  readonly state: RobotsState
  readonly until: number
}

export class BucketTable {
  readonly #defaults: (name: string) => KeyDefaults
  readonly #keys = new Map<string, number>()
  readonly #groups = new Map<string, number>()
  /** Names by id; id 0 is nobody. */
  readonly names: string[] = ['']
  readonly robots = new Map<number, Map<string, StoredRobots>>()
  isGroup: Uint8Array = new Uint8Array(64)
  patched: Uint8Array = new Uint8Array(64)
  nextAt: Float64Array = new Float64Array(64)
  blockedUntil: Float64Array = new Float64Array(64)
  /** Since when, or from when on, it may be claimed from: the order of the ready heap. */
  readyAt: Float64Array = new Float64Array(64)
  /** Breaks ties of `readyAt`: first come, first served. */
  ticket: Float64Array = new Float64Array(64)
  interval: Float64Array = new Float64Array(64)
  delay: Float64Array = new Float64Array(64)
  cap: Float64Array = new Float64Array(64)
  conns: Int32Array = new Int32Array(64)
  inFlight: Int32Array = new Int32Array(64)
  queued: Int32Array = new Int32Array(64)
  /** Rows queued, delayed or claimed. */
  left: Int32Array = new Int32Array(64)
  known: Int32Array = new Int32Array(64)
  errors: Int32Array = new Int32Array(64)
  /** Newest lane of a key; lanes of a key are linked. */
  lane: Int32Array = new Int32Array(64)
  /** First of the lanes that have something to give. */
  openLane: Int32Array = new Int32Array(64)

  constructor(defaults: (name: string) => KeyDefaults) {
    this.#defaults = defaults
  }

  get count(): number {
    return this.names.length - 1
  }

  /** Id of a key, or 0. */
  key(name: string): number {
    return this.#keys.get(name) ?? 0
  }

  group(name: string): number {
    return this.#groups.get(name) ?? 0
  }

  addKey(name: string): number {
    const id = this.#add(name)
    this.#keys.set(name, id)
    return id
  }

  addGroup(name: string): number {
    const id = this.#add(name)
    this.#groups.set(name, id)
    this.isGroup[id] = 1
    return id
  }

  defaultsOf(name: string): KeyDefaults {
    return this.#defaults(name)
  }

  /** Asks for the defaults again: options of a live job may change. */
  refresh(id: number): void {
    const patched = this.patched[id] as number
    if (patched === (PATCHED_DELAY | PATCHED_CONNS | PATCHED_CAP)) return
    const { delayMs, conns, cap } = this.#defaults(this.names[id] as string)
    if ((patched & PATCHED_DELAY) === 0) this.delay[id] = delayMs
    if ((patched & PATCHED_CONNS) === 0) this.conns[id] = conns
    if ((patched & PATCHED_CAP) === 0) this.cap[id] = cap ?? Number.POSITIVE_INFINITY
  }

  /** Earliest start by its own clock. */
  dueAt(id: number): number {
    return Math.max(this.nextAt[id] as number, this.blockedUntil[id] as number)
  }

  #add(name: string): number {
    const id = this.names.length
    this.names.push(name)
    const length = id + 1
    if (length > this.conns.length) this.#grow(length)
    this.refresh(id)
    return id
  }

  #grow(length: number): void {
    this.isGroup = grownUint8(this.isGroup, length)
    this.patched = grownUint8(this.patched, length)
    this.nextAt = grownFloat64(this.nextAt, length)
    this.blockedUntil = grownFloat64(this.blockedUntil, length)
    this.readyAt = grownFloat64(this.readyAt, length)
    this.ticket = grownFloat64(this.ticket, length)
    this.interval = grownFloat64(this.interval, length)
    this.delay = grownFloat64(this.delay, length)
    this.cap = grownFloat64(this.cap, length)
    this.conns = grownInt32(this.conns, length)
    this.inFlight = grownInt32(this.inFlight, length)
    this.queued = grownInt32(this.queued, length)
    this.left = grownInt32(this.left, length)
    this.known = grownInt32(this.known, length)
    this.errors = grownInt32(this.errors, length)
    this.lane = grownInt32(this.lane, length)
    this.openLane = grownInt32(this.openLane, length)
  }
}
