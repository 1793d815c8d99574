/**
 * What the operations on messages do to the tables, inside a transaction that is the caller's. Each first checks, then
 * writes: one that throws a `SluiceError` has written nothing. Counters move with the rows, so nothing is ever counted by
 * a scan.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { SluiceError } from '../model/errors.ts'
import type { ClaimedMessage, Delivery, Message, NewMessage, QueueStats, Reading, Verdict } from './queues.ts'
import { CLAIMED, DEAD, DELAYED, READY } from './schema.ts'

/** A row of `queue`. */
export interface QueueRow {
  readonly id: number
  readonly name: string
  readonly paused: number
  readonly delivery: Delivery
  readonly attempts: number
  readonly crashes: number
  readonly keep: number
  readonly newest: number
  readonly gone: number
}

/** Bodies that are handed out together. */
const MOST_BYTES = 8 * 1024 * 1024

interface MessageRow {
  readonly id: number
  readonly state: number
  readonly handout: number
  readonly attempt: number
  readonly crashes: number
  readonly expires: number | null
  readonly added: string
  readonly type: string
  readonly data: Uint8Array
}

/** In the order of the update. */
const COUNTERS = [
  ...(['n_ready', 'n_claimed', 'n_delayed', 'n_dead'] as const),
  ...(['added', 'done', 'failed', 'redelivered', 'expired', 'purged'] as const),
]
type Counter = (typeof COUNTERS)[number]
const COUNTER_OF: readonly Counter[] = ['n_ready', 'n_claimed', 'n_delayed', 'n_dead']
/** Leases, delays and expiries that are looked after in one step. */
const DUE_STEP = 1_000
const LONGEST_NAME = 100
const NAME = /^[\p{L}\p{N}_-][\p{L}\p{N}._-]*$/u

export class Messages {
  readonly #db: DatabaseSync
  readonly #statements = new Map<string, StatementSync>()

  constructor(db: DatabaseSync) {
    this.#db = db
  }

  /** Makes the queue where there is none. @throws SluiceError OPTION_INVALID for a name that is none */
  queue(name: string): QueueRow {
    const found = this.find(name)
    if (found !== undefined) return found
    if (!NAME.test(name) || name.length > LONGEST_NAME)
      throw new SluiceError('OPTION_INVALID', `${JSON.stringify(name.slice(0, LONGEST_NAME))} is no name of a queue`, {
        hint: `letters, digits, dots, dashes and underscores, at most ${LONGEST_NAME}`,
      })
    this.#run('INSERT INTO queue(name) VALUES(?)', name)
    return this.find(name) as QueueRow
  }

  find(name: string): QueueRow | undefined {
    return this.#sql('SELECT * FROM queue WHERE name=?').get(name) as QueueRow | undefined
  }

  stats(row: QueueRow): QueueStats {
    const { name, paused, delivery, attempts, crashes, keep, ...rest } = row as QueueRow & Record<Counter, number>
    const { n_ready: ready, n_claimed: claimed, n_delayed: delayed, n_dead: dead } = rest
    const { added, done, failed, redelivered, expired, purged } = rest
    const now = { ready, claimed, delayed, dead }
    const ever = { added, done, failed, redelivered, expired, purged }
    return { name, paused: paused === 1, delivery, attempts, crashes, keep, ...now, ...ever }
  }

  all(): readonly QueueRow[] {
    return this.#sql('SELECT * FROM queue ORDER BY name').all() as unknown as QueueRow[]
  }

  add({ id: queue, delivery, keep }: QueueRow, messages: readonly NewMessage[], now: number, wall: string): number[] {
    const ids: number[] = []
    for (const { body, type, ttlMs } of messages) {
      const { lastInsertRowid } = this.#run(
        'INSERT INTO message(queue,state,expires,lease,handout,attempt,crashes) VALUES(?,0,?,0,0,1,0)',
        queue,
        ttlMs === undefined ? null : Math.ceil(now + ttlMs),
      )
      const id = Number(lastInsertRowid)
      this.#run('INSERT INTO body(id,added,type,data) VALUES(?,?,?,?)', id, wall, type, body)
      ids.push(id)
    }
    const newest = ids.at(-1)
    if (newest !== undefined) this.#run('UPDATE queue SET newest=? WHERE id=?', newest, queue)
    this.#count(queue, { n_ready: ids.length, added: ids.length })
    if (delivery === 'broadcast') this.#trim(queue, keep)
    return ids
  }

  claim({ id: queue }: QueueRow, max: number, leaseMs: number, now: number): ClaimedMessage[] {
    const claimed = this.#ready(queue, max).map((row): ClaimedMessage => {
      const handout = row.handout + 1
      this.#run(
        'UPDATE message SET state=1, at=?, lease=?, handout=? WHERE id=?',
        Math.ceil(now + leaseMs),
        leaseMs,
        handout,
        row.id,
      )
      return { ...messageOf(row), claim: `${row.id}.${handout}`, leaseMs }
    })
    this.#count(queue, { n_ready: -claimed.length, n_claimed: claimed.length })
    return claimed
  }

  take({ id: queue }: QueueRow, max: number): Message[] {
    const taken = this.#ready(queue, max).map(messageOf)
    for (const { id } of taken) this.#delete(id)
    this.#count(queue, { n_ready: -taken.length, done: taken.length })
    return taken
  }

  /** Returns the claims that are stale. */
  settle(queue: QueueRow, claims: readonly string[], verdict: Verdict, now: number): string[] {
    const stale: string[] = []
    for (const claim of claims) {
      const row = this.#claimed(queue.id, claim)
      if (row === undefined) stale.push(claim)
      else if (verdict.as === 'done') {
        this.#delete(row.id)
        this.#count(queue.id, { n_claimed: -1, done: 1 })
      } else this.#giveBack(queue, row, verdict, now)
    }
    return stale
  }

  extend({ id: queue }: QueueRow, claims: readonly string[], leaseMs: number, now: number): string[] {
    return claims.filter((claim) => {
      const row = this.#claimed(queue, claim)
      if (row === undefined) return true
      this.#run('UPDATE message SET at=?, lease=? WHERE id=?', Math.ceil(now + leaseMs), leaseMs, row.id)
      return false
    })
  }

  isHeld({ id: queue }: QueueRow, claim: string): boolean {
    return this.#claimed(queue, claim) !== undefined
  }

  /** What has come due by now: leases, delays, times to live. False where more is left. */
  due(queue: QueueRow, now: number): boolean {
    const ended = this.#sql('SELECT * FROM message WHERE queue=? AND at<=? LIMIT ?').all(
      queue.id,
      now,
      DUE_STEP,
    ) as unknown as MessageRow[]
    for (const row of ended) {
      if (row.state === CLAIMED) this.#giveBack(queue, row, { as: 'lost' }, now)
      else this.#move(queue.id, row, READY, null)
    }
    const over = this.#sql(
      'SELECT id, state FROM message WHERE queue=? AND expires<=? AND state IN (0, 2) LIMIT ?',
    ).all(queue.id, now, DUE_STEP) as unknown as MessageRow[]
    for (const { id, state } of over) {
      this.#delete(id)
      this.#count(queue.id, { [COUNTER_OF[state] as Counter]: -1, expired: 1 })
      if (queue.delivery === 'broadcast') this.#gone(queue.id, id)
    }
    return ended.length < DUE_STEP && over.length < DUE_STEP
  }

  /** When the next lease, delay or time to live ends. */
  nextDue({ id: queue }: QueueRow): number | undefined {
    const row = this.#sql(`SELECT min(t) AS t FROM (
      SELECT min(at) AS t FROM message WHERE queue=?1 AND at IS NOT NULL UNION ALL
      SELECT min(expires) FROM message WHERE queue=?1 AND expires IS NOT NULL AND state IN (0, 2))`).get(queue)
    const at = row?.['t']
    return typeof at === 'number' ? at : undefined
  }

  read({ id: queue, gone }: QueueRow, after: number, max: number): Reading {
    const rows = this.#rows('m.queue=? AND m.state=0 AND m.id>? ORDER BY m.id LIMIT ?', queue, after, max)
    // Some before the last one that is gone may still be there: a gap ends before the first of them.
    const goneTo = Math.min(gone, (rows[0]?.id ?? Number.POSITIVE_INFINITY) - 1)
    return { messages: rows.map(messageOf), ...(goneTo > after ? { goneTo } : {}) }
  }

  list({ id: queue }: QueueRow, states: readonly number[], after: number, max: number): MessageRow[] {
    const chosen = `m.queue=? AND m.state IN (${states.join(',')}) AND m.id>? ORDER BY m.id LIMIT ?`
    return this.#rows(chosen, queue, after, max)
  }

  requeue({ id: queue }: QueueRow, ids: readonly number[] | undefined): number {
    const some = ids?.map((id) => this.#sql('SELECT * FROM message WHERE id=?').get(id) as MessageRow | undefined)
    const all = (): MessageRow[] =>
      this.#sql('SELECT * FROM message WHERE queue=? AND state=3').all(queue) as unknown as MessageRow[]
    const rows = (some ?? all()).filter(
      (row) => row?.state === DEAD && (row as unknown as { queue: number }).queue === queue,
    ) as MessageRow[]
    for (const row of rows) {
      this.#run('UPDATE message SET attempt=1, crashes=0 WHERE id=?', row.id)
      this.#move(queue, row, READY, null)
    }
    return rows.length
  }

  purge({ id: queue, newest }: QueueRow, what: 'all' | 'dead'): number {
    const states = what === 'dead' ? [DEAD] : [READY, CLAIMED, DELAYED, DEAD]
    let purged = 0
    for (const state of states) {
      this.#run('DELETE FROM body WHERE id IN (SELECT id FROM message WHERE queue=? AND state=?)', queue, state)
      const count = Number(this.#run('DELETE FROM message WHERE queue=? AND state=?', queue, state).changes)
      this.#count(queue, { [COUNTER_OF[state] as Counter]: -count, purged: count })
      purged += count
    }
    if (what === 'all') this.#gone(queue, newest)
    return purged
  }

  pause({ id }: QueueRow, paused: boolean): void {
    this.#run('UPDATE queue SET paused=? WHERE id=?', paused ? 1 : 0, id)
  }

  set(queue: QueueRow, settings: Partial<Pick<QueueRow, 'delivery' | 'attempts' | 'crashes' | 'keep'>>): void {
    const { ready, claimed, delayed, dead } = this.stats(queue)
    const { delivery, attempts, crashes, keep } = { ...queue, ...settings }
    if (delivery !== queue.delivery && ready + claimed + delayed + dead > 0)
      throw new SluiceError('OPTION_INVALID', `the queue ${queue.name} has messages: its delivery stays`, {
        hint: 'settle or purge them first, or use another queue',
      })
    this.#run(
      'UPDATE queue SET delivery=?, attempts=?, crashes=?, keep=? WHERE id=?',
      delivery,
      attempts,
      crashes,
      keep,
      queue.id,
    )
    if (delivery === 'broadcast') this.#trim(queue.id, keep)
  }

  remove(queue: QueueRow): void {
    this.purge(queue, 'all')
    this.#run('DELETE FROM queue WHERE id=?', queue.id)
  }

  /** After a start: no lease runs out for the time that nobody could settle in. */
  renewLeases(now: number): void {
    this.#run('UPDATE message SET at=max(at, ?+lease) WHERE state=1', Math.ceil(now))
  }

  meta(name: string): string | undefined {
    return this.#sql('SELECT value FROM meta WHERE name=?').get(name)?.['value'] as string | undefined
  }

  setMeta(name: string, value: string): void {
    this.#run('INSERT INTO meta VALUES(?,?) ON CONFLICT(name) DO UPDATE SET value=excluded.value', name, value)
  }

  /** A claim that did not end well: tried again, or a dead letter. */
  #giveBack(queue: QueueRow, row: MessageRow, verdict: Exclude<Verdict, { as: 'done' }>, now: number): void {
    const attempt = row.attempt + (verdict.as === 'failed' ? 1 : 0)
    const crashes = row.crashes + (verdict.as === 'lost' ? 1 : 0)
    this.#run('UPDATE message SET attempt=?, crashes=? WHERE id=?', attempt, crashes, row.id)
    if (verdict.as === 'failed') this.#count(queue.id, { failed: 1 })
    if (attempt > queue.attempts || crashes >= queue.crashes) return this.#move(queue.id, row, DEAD, null)
    const afterMs = verdict.as === 'lost' ? 0 : (verdict.afterMs ?? 0)
    if (verdict.as !== 'released') this.#count(queue.id, { redelivered: 1 })
    return afterMs > 0
      ? this.#move(queue.id, row, DELAYED, Math.ceil(now + afterMs))
      : this.#move(queue.id, row, READY, null)
  }

  #move(queue: number, { id, state: from }: MessageRow, to: number, at: number | null): void {
    this.#run('UPDATE message SET state=?, at=? WHERE id=?', to, at, id)
    this.#count(queue, { [COUNTER_OF[from] as Counter]: -1, [COUNTER_OF[to] as Counter]: 1 })
  }

  #claimed(queue: number, claim: string): MessageRow | undefined {
    const [, id, handout] = /^(\d{1,15})\.(\d{1,15})$/.exec(claim) ?? []
    if (id === undefined) return undefined
    const row = this.#sql('SELECT * FROM message WHERE id=? AND queue=? AND state=1 AND handout=?')
    return row.get(Number(id), queue, Number(handout)) as MessageRow | undefined
  }

  #ready(queue: number, max: number): MessageRow[] {
    return this.#rows('m.queue=? AND m.state=0 ORDER BY m.id LIMIT ?', queue, max)
  }

  #rows(chosen: string, ...values: readonly number[]): MessageRow[] {
    const rows = this.#sql(
      `SELECT m.*, b.added, b.type, b.data FROM message m JOIN body b ON b.id=m.id WHERE ${chosen}`,
    )
    const some: MessageRow[] = []
    let bytes = 0
    for (const row of rows.iterate(...values) as unknown as Iterable<MessageRow>) {
      some.push(row)
      bytes += row.data?.length ?? 0
      // One answer: whoever wants more asks again.
      if (bytes >= MOST_BYTES) break
    }
    return some
  }

  /** The oldest messages that are more than a broadcast queue keeps. */
  #trim(queue: number, keep: number): void {
    const ready = Number(this.#sql('SELECT n_ready FROM queue WHERE id=?').get(queue)?.['n_ready'])
    if (ready <= keep) return
    const old = this.#sql('SELECT id FROM message WHERE queue=? AND state=0 ORDER BY id LIMIT ?').all(
      queue,
      ready - keep,
    ) as unknown as { id: number }[]
    for (const { id } of old) this.#delete(id)
    this.#count(queue, { n_ready: -old.length, expired: old.length })
    this.#gone(queue, old.at(-1)?.id ?? 0)
  }

  #gone(queue: number, id: number): void {
    this.#run('UPDATE queue SET gone=max(gone, ?) WHERE id=?', id, queue)
  }

  #delete(id: number): void {
    this.#run('DELETE FROM message WHERE id=?', id)
    this.#run('DELETE FROM body WHERE id=?', id)
  }

  #count(queue: number, by: Partial<Record<Counter, number>>): void {
    const names = COUNTERS.filter((name) => (by[name] ?? 0) !== 0)
    if (names.length === 0) return
    const set = names.map((name) => `${name}=${name}+?`).join(', ')
    this.#run(`UPDATE queue SET ${set} WHERE id=?`, ...names.map((name) => by[name] as number), queue)
  }

  #run(sql: string, ...values: readonly (number | string | Uint8Array | null)[]): ReturnType<StatementSync['run']> {
    return this.#sql(sql).run(...values)
  }

  #sql(sql: string): StatementSync {
    let statement = this.#statements.get(sql)
    if (statement === undefined) this.#statements.set(sql, (statement = this.#db.prepare(sql)))
    return statement
  }
}

function messageOf({ id, type, data, attempt, crashes, added }: MessageRow): Message {
  return { id, type, body: data, attempt, crashes, addedAt: added }
}
