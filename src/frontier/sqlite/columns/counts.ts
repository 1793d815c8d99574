/** What the columns add up to: by host, by cause, by time, by the rule that refused. Each is counted once a version. */
import { OUTCOMES } from '../../../model/outcome.ts'
import type { OutcomeWord } from '../../../model/outcome.ts'
import { LEFT } from './columns.ts'
import type { JobColumns } from './columns.ts'

export interface HostRow {
  readonly host: string
  readonly known: number
  readonly left: number
  readonly done: Readonly<Record<OutcomeWord, number>>
  /** Pace of the store's last commit, ms between requests. */
  readonly intervalMs: number
  readonly blockedUntil: number
  readonly nextAt: number
  /** Consecutive errors. */
  readonly errors: number
}

/** URLs of one host that ended with one code or status. */
export interface ErrorGroup {
  readonly outcome: OutcomeWord
  /** Code, or the status where there is none. */
  readonly code: string
  readonly host: string
  readonly urls: number
  /** Wall-clock ms. */
  readonly firstAt: number
  readonly lastAt: number
  /** Number of one of them. */
  readonly row: number
}

/** With the URL of one of them. */
export interface ErrorSample extends ErrorGroup {
  readonly sample: string
}

/** Settlements within one slice of time. */
export interface SeriesPoint {
  /** Wall-clock ms at which the slice begins. */
  readonly at: number
  readonly done: Readonly<Record<OutcomeWord, number>>
}

export interface Series {
  readonly sliceMs: number
  readonly points: readonly SeriesPoint[]
}

/** URLs that one rule refused. */
export interface Refused {
  readonly code: string
  /** In the words of the record: `robots.txt line 3: Disallow: /x (group *)`, `exclude: *.pdf`. */
  readonly rule: string
  readonly urls: number
}

/** id, next_at, blocked_until, interval, errors. */
type KeyColumns = readonly [number, number, number, number, number]

const SHORTEST_SLICE_MS = 100
const BAD = new Set((['failed', 'denied', 'skipped', 'gone'] as const).map((word) => OUTCOMES.indexOf(word)))

export class Counts {
  readonly #columns: JobColumns
  /** Sums by key, until the columns change. */
  #byKey: { readonly version: string; readonly sums: KeySums } | undefined
  #series: { readonly version: string; readonly series: Series } | undefined
  #errors: { readonly version: string; readonly groups: ErrorGroup[] } | undefined

  constructor(columns: JobColumns) {
    this.#columns = columns
  }

  /** Hosts by the order in which they were found, with their counts. */
  hosts(): HostRow[] {
    const { db, names } = this.#columns
    const { known, left, done } = this.#sums()
    const of = (word: OutcomeWord): Uint32Array => done[OUTCOMES.indexOf(word)] as Uint32Array
    const [ok, unchanged, gone] = [of('ok'), of('unchanged'), of('gone')]
    const [denied, failed, skipped] = [of('denied'), of('failed'), of('skipped')]
    const statement = db.prepare('SELECT id,next_at,blocked_until,interval,errors FROM key WHERE kind = 0')
    statement.setReturnArrays(true)
    const rows: HostRow[] = []
    for (const [key, nextAt, blockedUntil, intervalMs, errors] of statement.all() as unknown as KeyColumns[]) {
      // The key is newer than the rows that were read.
      if (key >= known.length) continue
      rows.push({
        host: names[key] as string,
        known: known[key] as number,
        left: left[key] as number,
        done: {
          ok: ok[key] as number,
          unchanged: unchanged[key] as number,
          gone: gone[key] as number,
          denied: denied[key] as number,
          failed: failed[key] as number,
          skipped: skipped[key] as number,
        },
        intervalMs,
        blockedUntil,
        nextAt,
        errors,
      })
    }
    return rows
  }

  /** What did not end well, grouped by cause and host, most first. */
  errors(): readonly ErrorGroup[] {
    const { version } = this.#columns
    if (this.#errors?.version !== version) this.#errors = { version, groups: this.#errorGroups() }
    return this.#errors.groups
  }

  /** Examples are read for those that are shown: there may be several groups a host. */
  withSamples(groups: readonly ErrorGroup[]): ErrorSample[] {
    const samples = this.#columns.urlsOf(groups.map(({ row }) => row))
    return groups.map((group) => ({ ...group, sample: samples.get(group.row) ?? '' }))
  }

  /** Settlements that stand, by time, in at most `points` slices of equal length. */
  series(points: number): Series {
    const { version } = this.#columns
    if (this.#series?.version !== version) this.#series = { version, series: this.#overTime(points) }
    return this.#series.series
  }

  #overTime(points: number): Series {
    const { rows, counted, state, at } = this.#columns
    let first = Number.POSITIVE_INFINITY
    let last = 0
    for (let row = 1; row <= rows; row++) {
      if (counted.values[row] === 0 || state.values[row] === LEFT) continue
      const t = at.values[row] as number
      if (t < first) first = t
      if (t > last) last = t
    }
    if (last === 0) return { sliceMs: SHORTEST_SLICE_MS, points: [] }
    const sliceMs = Math.ceil((last - first + 1) / points / SHORTEST_SLICE_MS) * SHORTEST_SLICE_MS
    const slices = Math.floor((last - first) / sliceMs) + 1
    const counts = Array.from({ length: slices }, () => new Uint32Array(OUTCOMES.length))
    for (let row = 1; row <= rows; row++) {
      const word = state.values[row] as number
      if (counted.values[row] === 0 || word === LEFT) continue
      const slice = counts[Math.floor(((at.values[row] as number) - first) / sliceMs)] as Uint32Array
      slice[word] = (slice[word] as number) + 1
    }
    return {
      sliceMs,
      points: counts.map((slice, i) => ({
        at: first + i * sliceMs,
        done: Object.fromEntries(OUTCOMES.map((word, n) => [word, slice[n]])) as Record<OutcomeWord, number>,
      })),
    }
  }

  /** What rules refused, by origin ('' for what was out of scope: it never got to a host), most first. */
  refused(): Map<string, Refused[]> {
    const { rows, counted, state, refusal, refusals, code, codes, lane, originOf } = this.#columns
    const counts = new Map<number, number>()
    for (let row = 1; row <= rows; row++) {
      const rule = refusal.values[row] as number
      if (rule === 0 || counted.values[row] === 0 || state.values[row] === LEFT) continue
      const group = ((lane.values[row] as number) * 65_536 + rule) * 65_536 + (code.values[row] as number)
      counts.set(group, (counts.get(group) ?? 0) + 1)
    }
    const found = new Map<string, Map<string, Refused>>()
    for (const [group, urls] of counts) {
      const origin = originOf[Math.floor(group / 2 ** 32)] ?? ''
      const rule = refusals.texts[Math.floor(group / 65_536) % 65_536] as string
      const word = codes.texts[group % 65_536] as string
      let rules = found.get(origin)
      if (rules === undefined) found.set(origin, (rules = new Map()))
      const name = `${word} ${rule}`
      rules.set(name, { code: word, rule, urls: (rules.get(name)?.urls ?? 0) + urls })
    }
    return new Map([...found].map(([origin, rules]) => [origin, [...rules.values()].sort((a, b) => b.urls - a.urls)]))
  }

  #sums(): KeySums {
    const { version } = this.#columns
    if (this.#byKey?.version !== version) this.#byKey = { version, sums: sumsOf(this.#columns) }
    return this.#byKey.sums
  }

  #errorGroups(): ErrorGroup[] {
    const columns = this.#columns
    const groups = new Map<
      number,
      { state: number; code: string; key: number; urls: number; first: number; last: number; row: number }
    >()
    for (let row = 1; row <= columns.rows; row++) {
      const state = columns.state.values[row] as number
      if (columns.counted.values[row] === 0 || !BAD.has(state)) continue
      const key = columns.key(row)
      const code = columns.code.values[row] as number
      const status = code === 0 ? (columns.status.values[row] as number) : 0
      const group = ((key * 8 + state) * 65_536 + code) * 1024 + status
      const at = columns.at.values[row] as number
      const found = groups.get(group)
      if (found === undefined) {
        const name = code === 0 ? String(status) : (columns.codes.texts[code] as string)
        groups.set(group, { state, code: name, key, urls: 1, first: at, last: at, row })
      } else {
        found.urls++
        if (at < found.first) found.first = at
        if (at > found.last) found.last = at
      }
    }
    const most = [...groups.values()].sort((a, b) => b.urls - a.urls)
    return most.map(({ state, code, key, urls, first, last, row }) => ({
      outcome: OUTCOMES[state] as OutcomeWord,
      code,
      host: columns.names[key] ?? '',
      urls,
      firstAt: first,
      lastAt: last,
      row,
    }))
  }
}

interface KeySums {
  readonly known: Uint32Array
  readonly left: Uint32Array
  /** By outcome, by key. */
  readonly done: readonly Uint32Array[]
}

function sumsOf(columns: JobColumns): KeySums {
  const keys = columns.names.length
  const sums = {
    known: new Uint32Array(keys),
    left: new Uint32Array(keys),
    done: OUTCOMES.map(() => new Uint32Array(keys)),
  }
  for (let row = 1; row <= columns.rows; row++) {
    if (columns.counted.values[row] === 0) continue
    const key = columns.key(row)
    sums.known[key] = (sums.known[key] as number) + 1
    const state = columns.state.values[row] as number
    const counts = state === LEFT ? sums.left : (sums.done[state] as Uint32Array)
    counts[key] = (counts[key] as number) + 1
  }
  return sums
}
