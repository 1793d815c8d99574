/** Applies what was decided about claims: the ways out of `claimed` in the life of a URL (frontier.ts). */
import type { RobotsState, SettleBatch, Settlement } from './frontier.ts'
import type { HopRequest } from '../model/request.ts'
import type { Adder } from './adder.ts'
import type { Parts } from './parts.ts'
import type { LiveClaim } from './schedule/claims.ts'
import {
  GATE_HOP,
  HOP,
  isGate,
  isHop,
  LED_TO_KNOWN,
  newState,
  split,
  splitHi,
  splitLo,
  UNDELIVERED,
} from './schedule/rows.ts'
import type { Row, RowState } from './schedule/rows.ts'
import type { Placement } from './schedule/scheduler.ts'

/** How long an origin whose robots.txt cannot be had is left alone (RFC 9309 2.3.1.4). */
const DENIED_MS = 3_600_000

type Of<Do extends Settlement['do']> = Extract<Settlement, { do: Do }>

export class Settler {
  readonly #parts: Parts
  readonly #adder: Adder

  constructor(parts: Parts, adder: Adder) {
    this.#parts = parts
    this.#adder = adder
  }

  /** Applies a batch; returns the claims that were lost. */
  settle({ outcomes, links, positions, events, seq = 0 }: SettleBatch): string[] {
    const { schedule, store, counters, now } = this.#parts
    const at = now()
    const stale: string[] = []
    for (const outcome of outcomes) {
      const claim = schedule.claims.get(outcome.id)
      if (claim === undefined) stale.push(outcome.id)
      else this.#apply(claim, outcome, at)
    }
    if (links !== undefined && links.length > 0) this.#adder.addLinks(links)
    if (positions !== undefined) for (const [name, value] of positions) store.position(name, value)
    if (events !== undefined) {
      for (const event of events) {
        store.event(event)
        if (event.id > counters.seq) counters.seq = event.id
      }
    }
    if (seq > counters.seq) {
      counters.seq = seq
      store.claimsChanged()
    }
    if (outcomes.length > stale.length) store.claimsChanged()
    return stale
  }

  /** The lease ran out: one death more, back to the head, its key's clock as if it had ended now. */
  expire(claim: LiveClaim, now: number): void {
    const { schedule, store } = this.#parts
    const key = schedule.lanes.key[claim.lane] as number
    if (claim.holding) {
      schedule.free(claim, now, now, schedule.buckets.interval[key] as number)
      store.bucketChanged(key)
    }
    schedule.drop(claim, now)
    const place = placeOf(claim)
    if (claim.holds) {
      const state = schedule.stateOf(place)
      state.crashes++
      state.alone = false
      if (state.sent && !this.#parts.repeatUnsafe) state.verdict = UNDELIVERED
      state.sent = false
      store.state(claim.row, state)
      store.claimsChanged()
    }
    schedule.requeue(place, 'head', now)
  }

  /** Settles a gate that cannot be fetched: its origin is denied for a while. */
  denyGate(claim: LiveClaim, wall: number, now: number): void {
    const { schedule } = this.#parts
    const gate = isHop(claim.kind) ? (schedule.states.get(claim.row) as RowState).root : claim.row
    const origin = schedule.gates.originOf(gate) ?? ''
    const fetchedAt = new Date(wall).toISOString()
    const robots: RobotsState = { origin, verdict: 'deny', status: 0, body: '', fetchedAt, validForMs: DENIED_MS }
    this.#gate(claim, robots, now)
  }

  #apply(claim: LiveClaim, outcome: Settlement, now: number): void {
    switch (outcome.do) {
      case 'done':
        this.#done(claim, outcome, now)
        return
      case 'gate':
        this.#gate(claim, outcome.robots, now)
        return
      case 'retry':
        this.#retry(claim, outcome, now)
        return
      case 'follow':
        this.#follow(claim, outcome.hop, now)
        return
      case 'release':
        this.#release(claim, outcome, now)
    }
  }

  #done(claim: LiveClaim, { outcome, record, json }: Of<'done'>, now: number): void {
    const { schedule, store, counters, done } = this.#parts
    if (isGate(claim.kind)) {
      this.#closeGate(claim, now)
      return
    }
    schedule.drop(claim, now)
    const root = this.#close(claim)
    if (claim.kind === HOP) counters.following--
    done.set(root)
    counters.settle({ outcome, code: record.code ?? '', status: record.status ?? 0 })
    if (record.seq > counters.seq) counters.seq = record.seq
    store.settled(root, record, json)
  }

  #gate(claim: LiveClaim, robots: RobotsState, now: number): void {
    const { schedule, store } = this.#parts
    // Robots are kept with the key of the gate itself, wherever its redirects led.
    const gate = isHop(claim.kind) ? (schedule.states.get(claim.row) as RowState).root : claim.row
    const lane = schedule.states.get(gate)?.lane ?? claim.lane
    const key = schedule.lanes.key[lane] as number
    this.#closeGate(claim, now)
    const { buckets } = schedule
    const until = now + robots.validForMs
    let known = buckets.robots.get(key)
    if (known === undefined) buckets.robots.set(key, (known = new Map()))
    known.set(robots.origin, { state: robots, until })
    store.robotsChanged(key, robots, until)
  }

  #closeGate(claim: LiveClaim, now: number): void {
    const { schedule, done } = this.#parts
    schedule.drop(claim, now)
    const gate = this.#close(claim)
    done.set(gate)
    schedule.closeGate(gate, now)
  }

  /** Forgets what was known of the row and, for a hop, of its root, whose row it returns. */
  #close(claim: LiveClaim): number {
    const { schedule, store, done } = this.#parts
    const state = schedule.states.get(claim.row)
    if (state === undefined) return claim.row
    this.#forget(claim.row)
    if (!isHop(claim.kind)) return claim.row
    done.set(claim.row)
    schedule.states.delete(state.root)
    store.state(state.root, undefined)
    return state.root
  }

  #forget(row: number): void {
    if (this.#parts.schedule.states.delete(row)) this.#parts.store.state(row, undefined)
  }

  #retry(claim: LiveClaim, { afterMs, code }: Of<'retry'>, now: number): void {
    const { schedule, store } = this.#parts
    schedule.drop(claim, now)
    const place = placeOf(claim)
    const state = schedule.stateOf(place)
    state.attempt++
    state.code = code
    state.alone = false
    state.sent = false
    if (afterMs > 0) schedule.delay(place, Math.ceil(now + afterMs))
    else schedule.requeue(place, 'head', now)
    store.state(claim.row, state)
  }

  #release(claim: LiveClaim, { afterMs = 0, group }: Of<'release'>, now: number): void {
    const { schedule, store } = this.#parts
    const state = schedule.states.get(claim.row)
    if (state?.alone === true || state?.sent === true) {
      state.alone = false
      state.sent = false
      store.state(claim.row, state)
    }
    schedule.drop(claim, now)
    const key = schedule.lanes.key[claim.lane] as number
    if (afterMs > 0 && claim.lane !== 0) {
      const { buckets } = schedule
      const bucket =
        group === undefined || group === buckets.names[key] ? key : buckets.group(group) || buckets.key(group)
      if (bucket !== 0) {
        schedule.postpone(bucket, Math.ceil(now + afterMs), now)
        store.bucketChanged(bucket)
      }
    }
    schedule.requeue(placeOf(claim), 'head', now)
  }

  /** The hop goes to the head of its own key's queue; the root waits for it as `following`. */
  #follow(claim: LiveClaim, hop: HopRequest, now: number): void {
    const { schedule, store, seen, counters, done } = this.#parts
    schedule.drop(claim, now)
    const gate = isGate(claim.kind)
    let root = claim.row
    if (isHop(claim.kind)) {
      root = (schedule.states.get(claim.row) as RowState).root
      this.#forget(claim.row)
      done.set(claim.row)
    } else if (!gate) counters.following++
    const led = gate ? 'unknown' : this.#target(hop)
    const kind = gate ? GATE_HOP : HOP
    const lane = this.#adder.laneOf(hop.key, hop.url, hop.groups)
    const rootState = schedule.states.get(root) ?? schedule.stateOf(placeOf(claim))
    const id = store.lastRow + 1
    split(hop.fp)
    const row: Row = {
      id,
      kind,
      lane,
      priority: rootState.priority,
      depth: 0,
      fpHi: splitHi(),
      fpLo: splitLo(),
      url: hop.url,
      hop: { root, hop: hop.hop, chain: hop.chain, ...(hop.plain === true ? { plain: true } : {}) },
      target: led === 'new' ? hop.target : undefined,
    }
    store.append(row)
    if (led === 'new') {
      split(hop.target as bigint)
      seen.add(splitHi(), splitLo())
    }
    const state = newState(kind, lane, rootState.priority, root)
    if (led === 'known') state.verdict = LED_TO_KNOWN
    schedule.states.set(id, state)
    store.state(id, state)
    rootState.hop = id
    rootState.sent = false
    store.state(root, rootState)
    schedule.requeue({ row: id, kind, lane, priority: rootState.priority }, 'head', now)
  }

  #target({ target, url, chain }: HopRequest): 'new' | 'known' | 'unknown' {
    if (target === undefined) return 'unknown'
    split(target)
    if (!this.#parts.seen.has(splitHi(), splitLo())) return 'new'
    return chain.includes(url) ? 'unknown' : 'known'
  }
}

function placeOf({ row, kind, lane, priority }: LiveClaim): Placement {
  return { row, kind, lane, priority }
}
