/**
 * Lanes: the requests of one key that share origin and groups wait in one lane, so that a gate (robots.txt) or a busy
 * group holds a lane and nothing else, and no queued row has to be read to know whether it may go. Nearly every key has
 * one lane. A lane has one queue a priority.
 */
import { originOf } from '../../url/key.ts'
import type { BucketTable } from './bucket-table.ts'
import { grownInt32, grownUint8 } from './typed-arrays.ts'

export const PRIORITIES = 4
const SLASH = 47
/** Lanes of a key that are compared before the map is asked. */
const NEAR = 3

const NO_GROUPS: readonly number[] = []

export class LaneTable {
  readonly #buckets: BucketTable
  /** Lanes by origin. */
  readonly #byOrigin = new Map<string, number | number[]>()
  readonly origins: string[] = ['']
  readonly #groups = new Map<number, readonly number[]>()
  key: Int32Array = new Int32Array(64)
  /** Next lane of the same key. */
  #sibling: Int32Array = new Int32Array(64)
  /** Bit p: the queue of priority p has rows. */
  filled: Uint8Array = new Uint8Array(64)
  /** 1: a gate lives on its origin. */
  gated: Uint8Array = new Uint8Array(64)
  /** 1: linked among the open lanes of its key. */
  open: Uint8Array = new Uint8Array(64)
  nextOpen: Int32Array = new Int32Array(64)
  #prevOpen: Int32Array = new Int32Array(64)

  constructor(buckets: BucketTable) {
    this.#buckets = buckets
  }

  get count(): number {
    return this.origins.length - 1
  }

  /** Ids of the groups that gate a lane as well. */
  groups(lane: number): readonly number[] {
    return this.#groups.size === 0 ? NO_GROUPS : (this.#groups.get(lane) ?? NO_GROUPS)
  }

  /** The lane of a URL, or 0 where there is none yet. */
  find(key: number, url: string, groups: readonly string[] | undefined): number {
    let lane = this.#buckets.lane[key] as number
    for (let n = 0; lane !== 0; n++, lane = this.#sibling[lane] as number) {
      if (n === NEAR) return this.#lookUp(key, originOf(url), groups)
      const origin = this.origins[lane] as string
      // A userinfo before the host makes this fail, and the map decides.
      if (url.startsWith(origin) && url.charCodeAt(origin.length) === SLASH && this.#sameGroups(lane, groups))
        return lane
    }
    return this.#lookUp(key, originOf(url), groups)
  }

  add(key: number, origin: string, groups: readonly number[]): number {
    const lane = this.origins.length
    const others = this.#byOrigin.get(origin)
    // One string object for all lanes of an origin.
    const shared =
      others === undefined
        ? origin
        : (this.origins[typeof others === 'number' ? others : (others[0] as number)] as string)
    this.origins.push(shared)
    const length = lane + 1
    this.key = grownInt32(this.key, length)
    this.#sibling = grownInt32(this.#sibling, length)
    this.filled = grownUint8(this.filled, length)
    this.gated = grownUint8(this.gated, length)
    this.open = grownUint8(this.open, length)
    this.nextOpen = grownInt32(this.nextOpen, length)
    this.#prevOpen = grownInt32(this.#prevOpen, length)
    this.key[lane] = key
    this.#sibling[lane] = this.#buckets.lane[key] as number
    this.#buckets.lane[key] = lane
    if (groups.length > 0) this.#groups.set(lane, groups)
    if (others === undefined) this.#byOrigin.set(shared, lane)
    else if (typeof others === 'number') this.#byOrigin.set(shared, [others, lane])
    else others.push(lane)
    return lane
  }

  lanesOf(origin: string): readonly number[] {
    const lanes = this.#byOrigin.get(origin)
    return lanes === undefined ? NO_GROUPS : typeof lanes === 'number' ? [lanes] : lanes
  }

  /** Links a lane among the open ones of its key, if it has something to give and no gate holds it. */
  linkIf(lane: number): void {
    if (this.open[lane] === 1 || this.gated[lane] === 1 || this.filled[lane] === 0) return
    const { openLane } = this.#buckets
    const key = this.key[lane] as number
    const first = openLane[key] as number
    this.open[lane] = 1
    this.#prevOpen[lane] = 0
    this.nextOpen[lane] = first
    if (first !== 0) this.#prevOpen[first] = lane
    openLane[key] = lane
  }

  unlink(lane: number): void {
    if (this.open[lane] === 0) return
    const next = this.nextOpen[lane] as number
    const previous = this.#prevOpen[lane] as number
    this.open[lane] = 0
    if (next !== 0) this.#prevOpen[next] = previous
    if (previous !== 0) this.nextOpen[previous] = next
    else this.#buckets.openLane[this.key[lane] as number] = next
  }

  #lookUp(key: number, origin: string, groups: readonly string[] | undefined): number {
    const lanes = this.#byOrigin.get(origin)
    if (lanes === undefined) return 0
    if (typeof lanes === 'number') return this.key[lanes] === key && this.#sameGroups(lanes, groups) ? lanes : 0
    for (const lane of lanes) if (this.key[lane] === key && this.#sameGroups(lane, groups)) return lane
    return 0
  }

  #sameGroups(lane: number, names: readonly string[] | undefined): boolean {
    const ids = this.groups(lane)
    if (names === undefined || names.length === 0) return ids.length === 0
    if (ids.length !== names.length) return false
    for (let i = 0; i < ids.length; i++) if (this.#buckets.names[ids[i] as number] !== names[i]) return false
    return true
  }
}
