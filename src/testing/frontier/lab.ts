/** A frontier on the bench: opens, closes and kills it, and says in one line what tests say often. */
import assert from 'node:assert/strict'
import type {
  AddResult,
  Claim,
  ClaimResult,
  ClaimWant,
  Frontier,
  FrontierStats,
  KeyDefaults,
  LedgerRow,
  OpenedFrontier,
  ScanQuery,
} from '../../frontier/frontier.ts'
import type { Clock } from '../../model/clock.ts'
import type { ErrorCode } from '../../model/errors.ts'
import { sumCounts } from '../../model/outcome.ts'
import type { OutcomeWord } from '../../model/outcome.ts'
import type { PageRecord } from '../../model/record.ts'
import type { HopRequest, NewRequest } from '../../model/request.ts'
import { fakeClock } from '../clock.ts'
import type { FakeClock } from '../clock.ts'

/** What a frontier is opened with. */
export interface OpenOptions {
  readonly clock: Clock
  readonly defaults: (key: string) => KeyDefaults
  readonly inputFp: (source: string, ordinal: number) => bigint
  readonly jobCap?: number
}

/** One storage and the ways to reach it. */
export interface FrontierUnderTest {
  /** True: what was committed is there after `kill`. */
  readonly persistent: boolean
  open(options: OpenOptions): Promise<OpenedFrontier>
  /** The process dies: the next `open` finds what was committed at this moment. */
  kill(): Promise<void>
  remove(): Promise<void>
}

export interface LabOptions {
  readonly delayMs?: number
  readonly conns?: number
  readonly cap?: number
  readonly jobCap?: number
  readonly byKey?: Readonly<Record<string, Partial<KeyDefaults>>>
}

const LEASE_MS = 60_000

export class Lab {
  readonly clock: FakeClock = fakeClock({ startMs: 1_000 })
  readonly #storage: FrontierUnderTest
  #options: LabOptions = {}
  #opened: OpenedFrontier | undefined
  #seq = 0
  #closed = true

  constructor(storage: FrontierUnderTest) {
    this.#storage = storage
  }

  get frontier(): Frontier {
    assert.ok(this.#opened !== undefined, 'not open')
    return this.#opened.frontier
  }

  get opened(): OpenedFrontier {
    assert.ok(this.#opened !== undefined, 'not open')
    return this.#opened
  }

  async open(options: LabOptions = this.#options): Promise<void> {
    this.#options = options
    const { delayMs = 0, conns = 1, cap = null, jobCap, byKey } = options
    this.#opened = await this.#storage.open({
      clock: this.clock,
      defaults: (key) => ({ delayMs, conns, cap, ...byKey?.[key] }),
      inputFp: (source, ordinal) => fpOf(`input ${source} ${ordinal}`),
      ...(jobCap === undefined ? {} : { jobCap }),
    })
    this.#closed = false
    this.#seq = Math.max(this.#seq, (await this.frontier.stats()).seq)
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.frontier.close()
  }

  async reopen(): Promise<void> {
    await this.close()
    await this.open()
  }

  /** Dies without a word and starts again. */
  async crash(): Promise<void> {
    this.#closed = true
    await this.#storage.kill()
    await this.open()
  }

  async end(): Promise<void> {
    if (!this.#closed) await this.#opened?.frontier.close()
    await this.#storage.remove()
  }

  /** Waits for a promise that may wait for the clock. */
  async settled<T>(promise: Promise<T>): Promise<T> {
    const waiting = Symbol('waiting')
    const isOver = async (): Promise<boolean> =>
      (await Promise.race([promise.catch(() => undefined), turn().then(() => waiting)])) !== waiting
    while (!(await isOver())) await this.clock.advanceAsync(20)
    return promise
  }

  add(requests: readonly NewRequest[], positions?: ReadonlyMap<string, Uint8Array>): Promise<AddResult> {
    return this.settled(this.frontier.add(requests, positions))
  }

  addUrls(...urls: readonly string[]): Promise<AddResult> {
    return this.add(urls.map((url) => request(url)))
  }

  claim(want: Partial<ClaimWant> = {}): Promise<ClaimResult> {
    return this.frontier.claim({ max: 100, leaseMs: LEASE_MS, worker: 'lab', ...want })
  }

  async claims(want: Partial<ClaimWant> = {}): Promise<Claim[]> {
    return (await this.claim(want)).claims
  }

  /** The one claim there is. */
  async one(want: Partial<ClaimWant> = {}): Promise<Claim> {
    const claims = await this.claims(want)
    assert.equal(
      claims.length,
      1,
      `expected one claim, got ${claims.length}: ${claims
        .slice(0, 9)
        .map((claim) => claim.url.slice(0, 99))
        .join(' ')}`,
    )
    return claims[0] as Claim
  }

  async urls(want: Partial<ClaimWant> = {}): Promise<string[]> {
    return (await this.claims(want)).map((claim) => claim.url)
  }

  finish(claim: Claim, paceMs = 0, started = true): Promise<void> {
    return this.frontier.end([{ id: claim.id, paceMs, endedAgoMs: 0, started }])
  }

  record(claim: Claim, outcome: OutcomeWord, more: Partial<PageRecord> = {}): PageRecord {
    return {
      url: claim.rootUrl ?? claim.url,
      outcome,
      depth: claim.depth,
      attempt: claim.attempt,
      t: new Date(this.clock.wall()).toISOString(),
      run: 1,
      seq: ++this.#seq,
      ...more,
    }
  }

  /** Next number of a settlement or event. */
  nextSeq(): number {
    return ++this.#seq
  }

  async done(claim: Claim, outcome: OutcomeWord = 'ok', more: Partial<PageRecord> = {}): Promise<void> {
    const record = this.record(claim, outcome, more)
    const { stale } = await this.frontier.settle({ outcomes: [{ id: claim.id, do: 'done', outcome, record }] })
    assert.deepEqual(stale, [])
  }

  /** The whole life of a claim that goes well. */
  async fetchOk(claim: Claim, paceMs = 0): Promise<void> {
    await this.finish(claim, paceMs)
    await this.done(claim, 'ok', { status: 200 })
  }

  async retry(claim: Claim, afterMs: number, code: ErrorCode = 'TIMEOUT_BODY'): Promise<void> {
    await this.frontier.settle({ outcomes: [{ id: claim.id, do: 'retry', afterMs, code }] })
  }

  async follow(claim: Claim, hop: Partial<HopRequest> & Pick<HopRequest, 'url'>): Promise<void> {
    const number = hop.hop ?? (claim.hop ?? 0) + 1
    const chain = hop.chain ?? [...(claim.chain ?? []), claim.url]
    const root = claim.root ?? claim.fp
    await this.frontier.settle({
      outcomes: [
        {
          id: claim.id,
          do: 'follow',
          hop: { key: keyOf(hop.url), fp: fpOf(`hop ${root} ${number}`), ...hop, hop: number, chain },
        },
      ],
    })
  }

  async release(claim: Claim, afterMs?: number, group?: string): Promise<void> {
    await this.frontier.settle({
      outcomes: [
        {
          id: claim.id,
          do: 'release',
          ...(afterMs === undefined ? {} : { afterMs }),
          ...(group === undefined ? {} : { group }),
        },
      ],
    })
  }

  async scanAll(what: ScanQuery['what'], query: Partial<ScanQuery> = {}): Promise<LedgerRow[]> {
    const rows: LedgerRow[] = []
    let after: number | undefined
    for (;;) {
      const slice = await this.frontier.scan({ what, limit: 7, ...query, ...(after === undefined ? {} : { after }) })
      rows.push(...slice.rows)
      if (slice.next === null) return rows
      after = slice.next
    }
  }

  /** Counters add up, and say what a scan finds. */
  async audit(): Promise<FrontierStats> {
    const stats = await this.frontier.stats()
    const { known, queued, delayed, inFlight, following } = stats
    assert.equal(known, sumCounts(stats.done) + queued + delayed + inFlight + following, 'known = outcomes + left')
    const settled = await this.scanAll('ledger')
    const left = await this.scanAll('left')
    const count = (state: LedgerRow['state']): number => left.filter((row) => row.state === state).length
    assert.deepEqual(
      {
        settled: settled.length,
        queued: count('queued'),
        delayed: count('delayed'),
        inFlight: count('claimed'),
        following: count('following'),
      },
      { settled: sumCounts(stats.done), queued, delayed, inFlight, following },
    )
    const codes = new Map<string, number>()
    const statuses = new Map<number, number>()
    for (const { record } of settled) {
      const code = `${record?.outcome}/${record?.code ?? ''}`
      codes.set(code, (codes.get(code) ?? 0) + 1)
      if (record?.status !== undefined) statuses.set(record.status, (statuses.get(record.status) ?? 0) + 1)
    }
    assert.deepEqual(new Map([...stats.codes].sort()), new Map([...codes].sort()))
    assert.deepEqual(new Map([...stats.statuses].sort()), new Map([...statuses].sort()))
    return stats
  }
}

/** FNV-1a, 64 bits, with a finish that spreads it: good enough to tell the URLs of a test apart. */
export function fpOf(text: string): bigint {
  let hash = 0xcbf29ce484222325n
  for (const byte of new TextEncoder().encode(text)) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n)
  return BigInt.asUintN(64, (hash ^ (hash >> 29n)) * 0xbf58476d1ce4e5b9n)
}

export function keyOf(url: string): string {
  return new URL(url).hostname
}

export function request(url: string, more: Partial<NewRequest> = {}): NewRequest {
  return { url, key: more.key ?? keyOf(url), fp: fpOf(url), ...more }
}

export function gate(origin: string, more: Partial<NewRequest> = {}): NewRequest {
  const url = `${origin}/robots.txt`
  return { url, key: keyOf(url), fp: fpOf(`gate ${origin}`), gate: true, dedupe: 'force', ...more }
}

/** URLs of one host, numbered from 0. */
export function pages(count: number, host = 'a.test'): string[] {
  return Array.from({ length: count }, (_, i) => `http://${host}/${i}`)
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
