/**
 * Adding: every request becomes a queued row, a duplicate, or a verdict that records why it will not be fetched. A
 * listed input always gets a row of its own, once.
 */
import { ADDED, DUPLICATE, INVALID, JOB_CAP, KEY_CAP } from './frontier.ts'
import type { NewRequest, Priority, RequestMeta, Verdict } from '../model/request.ts'
import { originOf } from '../url/key.ts'
import type { Parts } from './parts.ts'
import { InputRanges } from './schedule/input-ranges.ts'
import { GATE, newState, PLAIN, split, splitHi, splitLo, VERDICT } from './schedule/rows.ts'
import type { RowKind } from './schedule/rows.ts'
import type { Standing } from './store.ts'

export interface AddCounts {
  readonly status: Uint8Array
  added: number
  duplicates: number
}

/** Characters of `meta` at most, as JSON (64 KiB for the store and for every record made of it). */
const META_LIMIT = 65_536

export class Adder {
  readonly #parts: Parts
  /** Metas are often one object for many requests: measured once. */
  #lastMeta: RequestMeta | undefined
  #lastName = ''
  #lastKey = 0

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** Adds requests `from` to below `to`. */
  add(requests: readonly NewRequest[], from: number, to: number, counts: AddCounts): void {
    const now = this.#parts.now()
    let forced: Map<number, Standing> | undefined
    for (let i = from; i < to; i++) {
      const request = requests[i] as NewRequest
      let status: number
      if (request.gate === true) status = this.#gate(request, now)
      else {
        if (request.dedupe === 'force') forced ??= this.#forced(requests, from, to)
        status = this.#one(request, now, forced)
      }
      counts.status[i] = status
      if (status === ADDED) counts.added++
      else if (status === DUPLICATE) counts.duplicates++
    }
  }

  /** Links of pages: nobody waits for how each of them fared. */
  addLinks(links: readonly NewRequest[]): void {
    this.add(links, 0, links.length, { status: new Uint8Array(links.length), added: 0, duplicates: 0 })
  }

  #one(request: NewRequest, now: number, forced: Map<number, Standing> | undefined): number {
    const { seen, schedule } = this.#parts
    split(request.fp)
    const hi = splitHi()
    const lo = splitLo()
    const { input } = request
    if (seen.has(hi, lo)) {
      if (request.dedupe === 'force' && forced !== undefined) return this.#again(request, hi, lo, now, forced)
      if (input === undefined || request.reread === true || this.#inputs(input.source).has(input.ordinal))
        return DUPLICATE
      if (request.dedupe !== 'input') return this.#decide(request, { code: 'DUPLICATE' })
      // Another row like one before: known by its place.
      return this.#one(
        { ...request, fp: this.#parts.inputFp(input.source, input.ordinal), dedupe: 'once' },
        now,
        forced,
      )
    }
    if (this.#isTooLarge(request.meta)) {
      return input === undefined
        ? INVALID
        : this.#decide(
            { ...request, meta: {} },
            { code: 'ROW_INCOMPLETE', reason: 'its columns and its request are over 64 KiB' },
          )
    }
    if (request.verdict !== undefined) {
      seen.add(hi, lo)
      this.#verdict(request, hi, lo, request.verdict)
      return ADDED
    }
    const priority = request.priority ?? 1
    if (request.url === '' || request.key === '' || !(priority >= 0 && priority <= 3)) return INVALID
    const key = this.#key(request.key)
    const capped = this.#capped(key)
    if (capped !== undefined) {
      if (input !== undefined) this.#decide(request, capped.verdict)
      return capped.status
    }
    seen.add(hi, lo)
    const lane = this.#lane(key, request)
    const row = this.#append(PLAIN, lane, priority, request, hi, lo, undefined)
    schedule.buckets.known[key] = (schedule.buckets.known[key] as number) + 1
    const delayMs = request.delayMs ?? 0
    if (delayMs > 0) {
      schedule.delay({ row, kind: PLAIN, lane, priority }, Math.ceil(now + delayMs))
      this.#parts.store.state(row, schedule.states.get(row))
    } else schedule.enqueue(row, lane, priority, now)
    return ADDED
  }

  /** A listed input that will not be fetched gets a row under its own identity, so that it gets its record. */
  #decide(request: NewRequest, verdict: Verdict): number {
    const { source, ordinal } = request.input as NonNullable<NewRequest['input']>
    const { seen, inputFp } = this.#parts
    split(inputFp(source, ordinal))
    const hi = splitHi()
    const lo = splitLo()
    if (!seen.add(hi, lo)) return DUPLICATE
    this.#verdict(request, hi, lo, verdict)
    return ADDED
  }

  #verdict(request: NewRequest, hi: number, lo: number, verdict: Verdict): void {
    const row = this.#append(VERDICT, 0, request.priority ?? 1, request, hi, lo, verdict)
    this.#parts.schedule.enqueueVerdict(row)
  }

  #append(
    kind: RowKind,
    lane: number,
    priority: Priority,
    request: NewRequest,
    fpHi: number,
    fpLo: number,
    verdict: Verdict | undefined,
  ): number {
    const { store, counters } = this.#parts
    const { input, meta, url, depth = 0 } = request
    const id = store.lastRow + 1
    store.append({
      id,
      kind,
      lane,
      priority,
      depth,
      fpHi,
      fpLo,
      url,
      input,
      meta,
      verdict,
      hop: undefined,
      target: undefined,
    })
    if (kind !== GATE) counters.known++
    if (input !== undefined) {
      this.#inputs(input.source).add(input.ordinal)
      store.inputsChanged(input.source)
    }
    return id
  }

  #gate(request: NewRequest, now: number): number {
    const { schedule, store } = this.#parts
    const origin = originOf(request.url)
    if (schedule.gates.has(origin)) return DUPLICATE
    split(request.fp)
    const hi = splitHi()
    const lo = splitLo()
    const lane = this.#lane(this.#key(request.key), request)
    const row = this.#append(GATE, lane, 0, request, hi, lo, undefined)
    const state = newState(GATE, lane, 0)
    schedule.states.set(row, state)
    store.state(row, state)
    schedule.openGate(origin, row)
    schedule.requeue({ row, kind: GATE, lane, priority: 0 }, 'front', now)
    return ADDED
  }

  /** Settlements that are to be queued again, by number. */
  #forced(requests: readonly NewRequest[], from: number, to: number): Map<number, Standing> {
    const { store } = this.#parts
    const seqs: number[] = []
    for (let i = from; i < to; i++) {
      const { dedupe, ref } = requests[i] as NewRequest
      if (dedupe === 'force' && ref !== undefined && ref > 0) seqs.push(ref)
    }
    const found = new Map<number, Standing>()
    if (seqs.length > 0) {
      const standing = store.standing(seqs)
      for (let i = 0; i < seqs.length; i++) {
        const settled = standing[i]
        if (settled !== undefined) found.set(seqs[i] as number, settled)
      }
    }
    return found
  }

  /** A settled row is queued once more; one that is not settled is a duplicate. */
  #again(request: NewRequest, hi: number, lo: number, now: number, forced: Map<number, Standing>): number {
    const { store, done, counters, schedule } = this.#parts
    const seq = request.ref ?? store.findSettled(hi, lo)
    const settled = forced.get(seq) ?? (request.ref === undefined && seq > 0 ? store.standing([seq])[0] : undefined)
    if (settled === undefined || !done.has(settled.row)) return DUPLICATE
    const row = store.rows([settled.row])[0] as ReturnType<typeof store.rows>[number]
    // A verdict that is fetched after all would need a key; it has none.
    if (row.kind !== PLAIN) return DUPLICATE
    done.clear(row.id)
    counters.unsettle(settled)
    store.requeued(row.id, seq, request.meta ?? row.meta)
    const place = { row: row.id, kind: row.kind, lane: row.lane, priority: row.priority }
    const delayMs = request.delayMs ?? 0
    if (delayMs > 0) {
      schedule.delay(place, Math.ceil(now + delayMs))
      store.state(row.id, schedule.states.get(row.id))
    } else schedule.enqueue(row.id, row.lane, row.priority, now)
    return ADDED
  }

  #capped(key: number): { status: number; verdict: Verdict } | undefined {
    const { schedule, counters, jobCap } = this.#parts
    const { known, cap } = schedule.buckets
    if ((known[key] as number) >= (cap[key] as number)) {
      return {
        status: KEY_CAP,
        verdict: {
          code: 'LIMIT',
          reason: `at most ${cap[key] as number} URLs of ${schedule.buckets.names[key] as string}`,
        },
      }
    }
    if (counters.known >= jobCap)
      return { status: JOB_CAP, verdict: { code: 'LIMIT', reason: `at most ${jobCap} URLs in all` } }
    return undefined
  }

  #key(name: string): number {
    if (name === this.#lastName) return this.#lastKey
    const { buckets } = this.#parts.schedule
    let key = buckets.key(name)
    if (key === 0) {
      key = buckets.addKey(name)
      this.#parts.store.bucketChanged(key)
    }
    this.#lastName = name
    this.#lastKey = key
    return key
  }

  /** Lane of a URL under its key and groups. */
  laneOf(keyName: string, url: string, groups: readonly string[] | undefined): number {
    return this.#lane(this.#key(keyName), { url, groups })
  }

  #lane(
    key: number,
    { url, groups }: { readonly url: string; readonly groups?: readonly string[] | undefined },
  ): number {
    const { schedule, store } = this.#parts
    const { buckets } = schedule
    const known = schedule.lanes.find(key, url, groups)
    if (known !== 0) return known
    const ids = (groups ?? []).map((name) => {
      const id = buckets.group(name)
      if (id !== 0) return id
      const added = buckets.addGroup(name)
      store.bucketChanged(added)
      return added
    })
    const lane = schedule.addLane(key, originOf(url), ids)
    store.laneAdded(lane)
    return lane
  }

  #inputs(source: string): InputRanges {
    const { inputs } = this.#parts
    let ranges = inputs.get(source)
    if (ranges === undefined) inputs.set(source, (ranges = new InputRanges()))
    return ranges
  }

  #isTooLarge(meta: RequestMeta | undefined): boolean {
    if (meta === undefined || meta === this.#lastMeta) return false
    const isPlain = meta.columns === undefined && meta.body === undefined && meta.headers === undefined
    if (isPlain && (meta.from?.length ?? 0) < 16_384) {
      this.#lastMeta = meta
      return false
    }
    return JSON.stringify(meta).length > META_LIMIT
  }
}
