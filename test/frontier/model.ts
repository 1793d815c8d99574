/** What a frontier is, in the fewest words: sets of URLs by state and the times of their keys. No store, no speed. */
import assert from 'node:assert/strict'
import type { Claim, FrontierStats } from '../../src/frontier/frontier.ts'

export interface ModelRow {
  readonly url: string
  readonly key: string
  readonly origin: string
  readonly kind: 'plain' | 'gate' | 'hop' | 'gate-hop'
  readonly priority: number
  readonly order: number
  readonly root: ModelRow | undefined
  state: 'queued' | 'delayed' | 'claimed' | 'following' | 'done'
  /** Never claimed: it keeps its place by priority and age. */
  fresh: boolean
  attempt: number
  crashes: number
  due: number
}

export interface ModelKey {
  nextAt: number
  interval: number
  blockedUntil: number
  inFlight: number
}

export const DELAYS: Readonly<Record<string, number>> = { 'k0.test': 0, 'k1.test': 100, 'k2.test': 1_000, 'k3.test': 0 }
export const CONNS: Readonly<Record<string, number>> = { 'k0.test': 3, 'k1.test': 1, 'k2.test': 2, 'k3.test': 1 }

export class Model {
  readonly rows: ModelRow[] = []
  readonly live = new Map<string, { row: ModelRow; until: number; holding: boolean }>()
  readonly keys = new Map<string, ModelKey>()
  readonly #seen = new Map<string, ModelRow>()
  /** When the store was last opened after a death. */
  #heldFrom = 0

  key(name: string): ModelKey {
    let key = this.keys.get(name)
    if (key === undefined) this.keys.set(name, (key = { nextAt: 0, interval: 0, blockedUntil: 0, inFlight: 0 }))
    return key
  }

  add(url: string, kind: ModelRow['kind'], priority: number, root?: ModelRow, due = 0): boolean {
    const { hostname: key, origin } = new URL(url)
    if (kind === 'plain' && this.#seen.has(url)) return false
    if (kind === 'gate' && this.isGated(origin)) return false
    this.key(key)
    const row: ModelRow = {
      url,
      key,
      origin,
      kind,
      priority,
      order: this.rows.length,
      root,
      state: due > 0 ? 'delayed' : 'queued',
      fresh: kind === 'plain' && due === 0,
      attempt: 1,
      crashes: 0,
      due,
    }
    this.rows.push(row)
    if (kind === 'plain') this.#seen.set(url, row)
    return true
  }

  isGated(origin: string): boolean {
    return this.rows.some((row) => row.kind === 'gate' && row.origin === origin && row.state !== 'done')
  }

  promote(now: number): void {
    for (const row of this.rows) if (row.state === 'delayed' && row.due <= now) row.state = 'queued'
  }

  expire(now: number): void {
    for (const [id, { row, until, holding }] of this.live) {
      if (until > now) continue
      if (holding) this.end(id, this.key(row.key).interval, now)
      this.live.delete(id)
      row.state = 'queued'
      row.crashes++
    }
  }

  /** What may start now. */
  ready(now: number): ModelRow[] {
    const left = this.rows.filter((row) => row.state === 'queued' && this.#passes(row))
    return left.filter((row) => row.crashes < 3 && this.isReady(row.key, now))
  }

  isReady(name: string, now: number): boolean {
    const key = this.key(name)
    return key.inFlight < (CONNS[name] as number) && Math.max(key.nextAt, key.blockedUntil) <= now
  }

  /** Checks a claim and takes it over. */
  claim(claim: Claim, now: number, leaseMs: number): void {
    const row = this.rows.find(
      (each) =>
        each.url === claim.url &&
        each.state === 'queued' &&
        (each.kind === 'gate-hop' || each.kind === 'gate') === (claim.gate === true),
    )
    assert.ok(row !== undefined, `${claim.url} was not queued`)
    assert.ok(this.#passes(row), `${row.url} waits for a gate`)
    assert.ok(this.isReady(row.key, now), `${row.key} is not ready`)
    assert.equal(claim.attempt, row.attempt)
    assert.equal(claim.crashes, row.crashes)
    if (row.crashes >= 3) {
      const others = this.rows.filter((each) => each !== row && each.crashes < 3 && this.#passes(each))
      assert.ok(
        !others.some((each) => each.state === 'queued' || each.state === 'delayed') && this.live.size === 0,
        `${row.url} is not alone`,
      )
    } else if (row.fresh) {
      const before = this.rows.find((other) => {
        if (!other.fresh || other.state !== 'queued' || other.key !== row.key || !this.#passes(other)) return false
        return other.priority < row.priority || (other.priority === row.priority && other.order < row.order)
      })
      assert.equal(before?.url, undefined, `${row.url} went before its turn`)
    }
    row.fresh = false
    row.state = 'claimed'
    this.key(row.key).inFlight++
    this.live.set(claim.id, { row, until: now + leaseMs, holding: true })
  }

  /** Frees the slot; with a pace, the key's clock runs. */
  end(id: string, paceMs: number | undefined, now: number): void {
    const live = this.live.get(id)
    if (live === undefined || !live.holding) return
    live.holding = false
    const key = this.key(live.row.key)
    key.inFlight--
    if (paceMs === undefined) return
    key.interval = paceMs
    const wait = Math.max(DELAYS[live.row.key] as number, paceMs)
    if (wait > 0) key.nextAt = Math.max(key.nextAt, Math.ceil(now + wait))
  }

  /** Takes the claim out; undefined when it is lost. */
  settle(id: string): ModelRow | undefined {
    const live = this.live.get(id)
    if (live === undefined) return undefined
    this.end(id, undefined, 0)
    this.live.delete(id)
    return live.row
  }

  /** The row, and all it stood for, is over. */
  close(row: ModelRow): void {
    row.state = 'done'
    if (row.root !== undefined) row.root.state = 'done'
  }

  /** Another process has opened the store. */
  reopen(clean: boolean, now: number): void {
    for (const { row } of this.live.values()) {
      row.state = 'queued'
      if (!clean) row.crashes++
    }
    this.live.clear()
    if (!clean) this.#heldFrom = now
    for (const [name, key] of this.keys) {
      key.inFlight = 0
      const wait = Math.max(DELAYS[name] as number, key.interval)
      if (this.#heldFrom > 0 && wait > 0) key.nextAt = Math.max(key.nextAt, Math.ceil(this.#heldFrom + wait))
    }
  }

  check(stats: FrontierStats): void {
    const plain = this.rows.filter((row) => row.kind === 'plain')
    const count = (state: ModelRow['state']): number => plain.filter((row) => row.state === state).length
    const { known, queued, delayed, inFlight, following, gates } = stats
    assert.deepEqual(
      { known, queued, delayed, inFlight, following, done: stats.done.ok, gates },
      {
        known: plain.length,
        queued: count('queued'),
        delayed: count('delayed'),
        inFlight: count('claimed'),
        following: count('following'),
        done: count('done'),
        gates: this.rows.filter((row) => row.kind === 'gate' && row.state !== 'done').length,
      },
    )
  }

  #passes(row: ModelRow): boolean {
    return row.kind === 'gate' || row.kind === 'gate-hop' || !this.isGated(row.origin)
  }
}
