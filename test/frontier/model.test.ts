import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Claim, Settlement } from '../../src/frontier/frontier.ts'
import { fpOf, gate, Lab, request } from '../../src/testing/frontier/lab.ts'
import type { FrontierUnderTest } from '../../src/testing/frontier-suite.ts'
import { CONNS, DELAYS, Model } from './model.ts'
import { memoryStorage, sqliteStorage } from './storages.ts'

/** One step: what, and three numbers it makes of what it likes. */
type Step = readonly [op: number, a: number, b: number, c: number]

const LEASE_MS = 20_000
const KEYS = Object.keys(DELAYS)
const number = fc.nat({ max: 1 << 20 })
const steps = fc.array(fc.tuple(fc.nat({ max: 99 }), number, number, number), {
  minLength: 1,
  maxLength: 500,
  size: 'max',
})

function urlOf(n: number): string {
  const port = n % 5 === 0 ? ':81' : ''
  return `http://${KEYS[n % KEYS.length] as string}${port}/${n % 61}`
}

class Driver {
  readonly lab: Lab
  readonly model = new Model()
  readonly #persistent: boolean
  readonly #claims: Claim[] = []
  #hops = 0

  constructor(storage: FrontierUnderTest) {
    this.lab = new Lab(storage)
    this.#persistent = storage.persistent
  }

  open(): Promise<void> {
    const byKey = Object.fromEntries(
      KEYS.map((key) => [key, { delayMs: DELAYS[key] as number, conns: CONNS[key] as number }]),
    )
    return this.lab.open({ byKey })
  }

  async step([op, a, b, c]: Step): Promise<void> {
    const { clock } = this.lab
    if (op < 20) await this.#add(a, b, c)
    else if (op < 22) await this.#gate(a)
    else if (op < 50) await this.#claim(a)
    else if (op < 65) await this.#end(a, b)
    else if (op < 85) await this.#settle(a, b, c)
    else if (op < 87) await this.#extend(a)
    else if (op < 88) await this.#block(a, b)
    else if (op < 97) clock.advance(a % 700)
    else if (op < 98) clock.advance(LEASE_MS)
    else if (this.#persistent) await this.#reopen(op === 98)
    this.model.check(await this.lab.frontier.stats())
  }

  async #add(a: number, b: number, c: number): Promise<void> {
    const urls = Array.from({ length: 1 + (b % 4) }, (_, i) => urlOf(a + i * 7))
    const delayMs = c % 9 === 0 ? 1 + (c % 3_000) : 0
    const at = this.lab.clock.now()
    const promise = this.lab.frontier.add(urls.map((url) => request(url, { priority: (c % 4) as 0, delayMs })))
    // The model's times are those of the call; waiting for the commit moves the clock.
    const expected = urls.map((url) =>
      this.model.add(url, 'plain', c % 4, undefined, delayMs > 0 ? Math.ceil(at + delayMs) : 0) ? 0 : 1,
    )
    assert.deepEqual([...(await this.lab.settled(promise)).status], expected)
  }

  async #gate(a: number): Promise<void> {
    const { origin } = new URL(urlOf(a))
    const expected = this.model.add(`${origin}/robots.txt`, 'gate', 0) ? 0 : 1
    assert.deepEqual([...(await this.lab.add([gate(origin)])).status], [expected])
  }

  async #claim(a: number): Promise<void> {
    const now = this.lab.clock.now()
    const max = 1 + (a % 6)
    this.model.expire(now)
    this.model.promote(now)
    const possible = this.model.ready(now)
    const { claims, nextReadyInMs } = await this.lab.claim({ max, leaseMs: LEASE_MS })
    for (const claim of claims) this.model.claim(claim, now, LEASE_MS)
    this.#claims.push(...claims)
    assert.ok(claims.length <= max)
    const alone = [...this.model.live.values()].some(({ row }) => row.crashes >= 3)
    if (claims.length >= max || alone) return
    assert.deepEqual(
      this.model.ready(now).map((row) => row.url),
      [],
      `of ${possible.length} some were left`,
    )
    if (nextReadyInMs !== null) assert.ok(nextReadyInMs >= 0)
    const waits = this.model.rows.some((row) => row.state === 'delayed')
    if (waits) assert.notEqual(nextReadyInMs, null)
  }

  async #end(a: number, b: number): Promise<void> {
    const claim = this.#pick(a)
    if (claim === undefined) return
    const started = b % 5 !== 0
    const paceMs = b % 3 === 0 ? b % 2_000 : 0
    this.model.end(claim.id, started ? paceMs : undefined, this.lab.clock.now())
    await this.lab.frontier.end([{ id: claim.id, paceMs, endedAgoMs: 0, started }])
  }

  async #settle(a: number, b: number, c: number): Promise<void> {
    const claim = this.#pick(a)
    if (claim === undefined) return
    const outcome = this.#decide(claim, b, c)
    const { stale } = await this.lab.frontier.settle({ outcomes: [outcome] })
    assert.deepEqual(stale, this.#apply(outcome) ? [] : [claim.id])
  }

  #decide(claim: Claim, b: number, c: number): Settlement {
    const { id } = claim
    if (b % 10 < 2) return { id, do: 'retry', afterMs: c % 4 === 0 ? 0 : c % 3_000, code: 'TIMEOUT_BODY' }
    if (b % 10 < 3) return { id, do: 'release', ...(c % 2 === 0 ? {} : { afterMs: c % 1_000 }) }
    if (b % 10 < 5) {
      const url = `http://${KEYS[c % KEYS.length] as string}/hop-${++this.#hops}`
      const root = claim.root ?? claim.fp
      const hop = (claim.hop ?? 0) + 1
      return {
        id,
        do: 'follow',
        hop: {
          url,
          key: new URL(url).hostname,
          fp: fpOf(`${root} ${hop}`),
          hop,
          chain: [...(claim.chain ?? []), claim.url],
        },
      }
    }
    if (claim.gate === true) {
      const origin = new URL(claim.rootUrl ?? claim.url).origin
      return {
        id,
        do: 'gate',
        robots: { origin, verdict: 'allow', status: 404, body: '', fetchedAt: '', validForMs: 1_000 },
      }
    }
    return { id, do: 'done', outcome: 'ok', record: this.lab.record(claim, 'ok', { status: 200 }) }
  }

  #apply(outcome: Settlement): boolean {
    const { model } = this
    const now = this.lab.clock.now()
    const row = model.settle(outcome.id)
    if (row === undefined) return false
    const root = row.root ?? row
    switch (outcome.do) {
      case 'retry':
        row.attempt++
        row.state = outcome.afterMs > 0 ? 'delayed' : 'queued'
        row.due = outcome.afterMs > 0 ? Math.ceil(now + outcome.afterMs) : 0
        break
      case 'release': {
        row.state = 'queued'
        const key = model.key(row.key)
        if ((outcome.afterMs ?? 0) > 0) key.nextAt = Math.max(key.nextAt, Math.ceil(now + (outcome.afterMs as number)))
        break
      }
      case 'follow':
        if (row.root !== undefined) row.state = 'done'
        root.state = 'following'
        model.add(outcome.hop.url, root.kind === 'gate' ? 'gate-hop' : 'hop', 0, root)
        break
      default:
        model.close(row)
    }
    return true
  }

  async #extend(a: number): Promise<void> {
    const claim = this.#pick(a)
    if (claim === undefined) return
    const now = this.lab.clock.now()
    this.model.expire(now)
    const live = this.model.live.get(claim.id)
    if (live !== undefined) live.until = now + LEASE_MS
    const { lost } = await this.lab.frontier.extend([claim.id], LEASE_MS)
    assert.deepEqual(lost, live === undefined ? [claim.id] : [])
  }

  async #block(a: number, b: number): Promise<void> {
    const name = KEYS[a % KEYS.length] as string
    const blockedForMs = b % 3_000
    this.model.key(name).blockedUntil = blockedForMs > 0 ? Math.ceil(this.lab.clock.now() + blockedForMs) : 0
    await this.lab.frontier.key(name, { blockedForMs })
  }

  async #reopen(clean: boolean): Promise<void> {
    // A death takes what was not committed; the model does not know of commits, so everything is.
    await this.lab.frontier.settle({ outcomes: [], positions: new Map([['p', new Uint8Array(1)]]) })
    if (clean) await this.lab.reopen()
    else await this.lab.crash()
    this.model.reopen(clean, this.lab.clock.now())
    this.model.promote(this.lab.clock.now())
  }

  #pick(a: number): Claim | undefined {
    // Mostly late ones: older claims are settled or lost.
    const recent = this.#claims.slice(-8)
    return recent[a % Math.max(1, recent.length)]
  }
}

async function holds(make: () => Promise<FrontierUnderTest>, runs: number): Promise<void> {
  await fc.assert(
    fc.asyncProperty(steps, async (list) => {
      const driver = new Driver(await make())
      try {
        await driver.open()
        for (const step of list) await driver.step(step)
        await driver.lab.audit()
      } finally {
        await driver.lab.end()
      }
    }),
    { numRuns: runs },
  )
}

test('the frontier in memory does what the model says over 10,000 random steps', () => holds(memoryStorage, 60))
test('the durable frontier does what the model says, through restarts and deaths', () =>
  holds(() => sqliteStorage(), 25))
test('the durable frontier does what the model says while everything is spilled to disk', () =>
  holds(() => sqliteStorage(1), 10))
