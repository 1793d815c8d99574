/** Queues finished URLs again: `retry` (chosen by facet) and the conditional re-run of `--if-changed`. */
import type { Frontier, LedgerRow, ScanQuery } from '../frontier/frontier.ts'
import { CODES, SluiceError } from '../model/errors.ts'
import { OUTCOMES } from '../model/outcome.ts'
import type { OutcomeWord } from '../model/outcome.ts'
import { isUnsafe } from '../model/request.ts'
import type { NewRequest, RequestMeta } from '../model/request.ts'
import { nearest, parseDuration } from '../model/options.ts'
import { nextInterval } from '../policy/revisit.ts'
import type { RevisitLimits } from '../policy/revisit.ts'
import type { RetryQuery } from './job.ts'
import { RUN_POSITION, writeRunState } from './run-state.ts'
import type { RunState } from './run-state.ts'

/** Rows a slice: one commit of the frontier. */
const SLICE = 1_000

type Reader = Pick<Frontier, 'scan'>

export interface Facets {
  readonly scan: Omit<ScanQuery, 'what' | 'after' | 'limit'>
  /** A code pattern with `*`, matched here. */
  readonly code: RegExp | undefined
  /** Requests too that may have done something already. */
  readonly isUnsafeToo: boolean
}

/** Codes of requests that were never written to anybody. */
const UNSENT: ReadonlySet<string | undefined> = new Set([
  'DNS_NOT_FOUND',
  'DNS_FAILED',
  'CONNECT_FAILED',
  'TIMEOUT_DNS',
  'TIMEOUT_CONNECT',
  'TIMEOUT_TLS',
  'TLS_FAILED',
])

/** An unsafe request that was, or may have been, delivered. */
function mayHaveActed({ meta, record }: LedgerRow): boolean {
  if (!isUnsafe(meta?.method) || record === undefined) return false
  if (record.outcome === 'skipped') return record.code === 'CANCELLED'
  return !UNSENT.has(record.code) || record.chain !== undefined
}

export function parseFacets(query: RetryQuery, wallNow: number): Facets {
  const { outcome, status, host, code, since, unsafe } = query
  if (outcome !== undefined && !OUTCOMES.includes(outcome as OutcomeWord)) {
    throw new SluiceError('OPTION_INVALID', `--outcome: ${outcome} is not one of ${OUTCOMES.join(', ')}`, {
      hint: 'for example --outcome failed',
    })
  }
  if (status !== undefined && !/^[1-5](\d\d|xx)$/i.test(status)) {
    throw new SluiceError('OPTION_INVALID', `--status: ${status} is neither a status nor a class`, {
      hint: 'for example --status 503 or --status 5xx',
    })
  }
  const codes = code === undefined ? undefined : codePattern(code)
  return {
    scan: {
      ...(outcome === undefined ? {} : { outcome: outcome as OutcomeWord }),
      ...(status === undefined ? {} : { status: status.toLowerCase() }),
      ...(host === undefined ? {} : { key: host }),
      ...(since === undefined ? {} : { since: sinceMs(since, wallNow) }),
    },
    code: codes,
    isUnsafeToo: unsafe === true,
  }
}

/** @throws SluiceError `OPTION_INVALID` where no code is like it */
function codePattern(code: string): RegExp {
  const known = Object.keys(CODES)
  const pattern = /^[A-Z0-9_*]+$/.test(code) ? new RegExp(`^${code.replaceAll('*', '.*')}$`) : undefined
  if (pattern !== undefined && known.some((name) => pattern.test(name))) return pattern
  const near = nearest(code, known)
  throw new SluiceError('OPTION_INVALID', `--code: ${code} is no code, and no pattern of one`, {
    hint: near === undefined ? "for example --code 'TIMEOUT_*'" : `did you mean ${near}?`,
  })
}

/** An ISO date, or a duration back from now (`2h`). @throws SluiceError `OPTION_INVALID` for a time to come */
function sinceMs(text: string, wallNow: number): number {
  const date = Date.parse(text)
  if (!/^\d{4}-/.test(text) || Number.isNaN(date)) return wallNow - parseDuration(text, '--since')
  if (date <= wallNow) return date
  throw new SluiceError('OPTION_INVALID', `--since: ${text} is in the future`, { hint: 'for example --since 2h' })
}

async function* slices(
  reader: Reader,
  facets: Facets,
  after: number | undefined,
): AsyncGenerator<{ rows: LedgerRow[]; next: number | null }> {
  let cursor = after
  for (;;) {
    const slice = await reader.scan({
      what: 'ledger',
      limit: SLICE,
      ...facets.scan,
      ...(cursor === undefined ? {} : { after: cursor }),
    })
    const rows = slice.rows.filter(
      (row) =>
        (facets.code === undefined || facets.code.test(row.record?.code ?? '')) &&
        (facets.isUnsafeToo || !mayHaveActed(row)),
    )
    yield { rows, next: slice.next }
    if (slice.next === null) return
    cursor = slice.next
  }
}

export async function countMatching(reader: Reader, query: RetryQuery, wallNow: number): Promise<number> {
  let count = 0
  for await (const { rows } of slices(reader, parseFacets(query, wallNow), undefined)) count += rows.length
  return count
}

/** Queues exactly the matching URLs again. Their ledger rows stay; the next settlement is the latest one. */
export async function requeueMatching(frontier: Frontier, query: RetryQuery, wallNow: number): Promise<number> {
  let count = 0
  // Collected first: a row that is queued again must not be met twice by the scan that finds it.
  const chosen: LedgerRow[] = []
  for await (const { rows } of slices(frontier, parseFacets(query, wallNow), undefined)) chosen.push(...rows)
  for (let i = 0; i < chosen.length; i += SLICE) {
    const result = await frontier.add(chosen.slice(i, i + SLICE).map((row) => again(row, row.meta)))
    count += result.added
  }
  return count
}

export interface Revisits {
  /** Pages that were queued again. */
  readonly queued: number
  /** Pages whose time has not come. */
  readonly waiting: number
  /** Until the first of them is due, ms; null where none waits. */
  readonly nextInMs: number | null
}

/**
 * Queues every URL that was answered again, or those that are due, with the validators of its last answer. Restartable:
 * the row it has got to is committed with each slice.
 */
export async function requeueAnswered(
  frontier: Frontier,
  { run, requeueAfter, due, fromSeq }: RunState,
  wall: () => number,
): Promise<Revisits> {
  const after = typeof requeueAfter === 'number' && requeueAfter > 0 ? requeueAfter : undefined
  let [queued, waiting, nextAt] = [0, 0, Infinity]
  for await (const { rows, next } of slices(frontier, { scan: {}, code: undefined, isUnsafeToo: false }, after)) {
    const requests: NewRequest[] = []
    for (const row of rows) {
      if (!isAskedAgain(row, run)) continue
      const every = due === undefined ? undefined : intervalOf(row, due)
      // What failed is due at once.
      const dueAt = row.record?.outcome === 'failed' ? 0 : Date.parse(row.record?.t ?? '') + (every ?? 0)
      if (due !== undefined && dueAt > due.at) {
        waiting++
        nextAt = Math.min(nextAt, dueAt)
      } else requests.push(again(row, { ...validators(row), ...(every === undefined ? {} : { every }) }))
    }
    queued += requests.length
    const state = {
      run,
      status: 'running' as const,
      at: wall(),
      requeueAfter: next,
      ...(fromSeq === undefined ? {} : { fromSeq }),
      ...(due === undefined ? {} : { due }),
    }
    await frontier.add(requests, new Map([[RUN_POSITION, writeRunState(state)]]))
  }
  return { queued, waiting, nextInMs: waiting === 0 ? null : Math.max(0, nextAt - wall()) }
}

function isAskedAgain({ record, meta }: LedgerRow, run: number): boolean {
  if (record === undefined || record.run >= run || isUnsafe(meta?.method)) return false
  return record.outcome !== 'skipped' && record.outcome !== 'denied'
}

/** From its last visit to its next. */
function intervalOf({ record, meta }: LedgerRow, limits: RevisitLimits): number {
  const outcome = record?.outcome
  const visit = outcome === 'ok' ? 'changed' : outcome === 'failed' ? 'none' : 'same'
  return nextInterval(meta?.every, visit, limits)
}

/** Those of the last good answer: one that failed since says nothing of it. */
function validators(row: LedgerRow): RequestMeta {
  const { etag, lastModified, digest, outcome } = row.record ?? {}
  if (outcome === 'failed' && row.meta !== undefined) return row.meta
  const { etag: _etag, lastModified: _lastModified, digest: _digest, ...meta } = row.meta ?? {}
  if (outcome !== 'ok' && outcome !== 'unchanged') return meta
  const known = digest ?? row.meta?.digest
  return {
    ...meta,
    ...(etag === undefined ? {} : { etag }),
    ...(lastModified === undefined ? {} : { lastModified }),
    ...(known === undefined ? {} : { digest: known }),
  }
}

function again(row: LedgerRow, meta: RequestMeta | undefined): NewRequest {
  return {
    url: row.url,
    key: row.key,
    fp: row.fp,
    ref: row.ref,
    dedupe: 'force',
    depth: row.depth,
    ...(meta === undefined ? {} : { meta }),
    ...(row.groups === undefined ? {} : { groups: row.groups }),
    ...(row.input === undefined ? {} : { input: row.input }),
  }
}
