/** Queues finished URLs again: `retry` (chosen by facet) and the conditional re-run of `--if-changed`. */
import type { Frontier, LedgerRow, ScanQuery } from '../frontier/frontier.ts'
import { SluiceError } from '../model/errors.ts'
import { OUTCOMES } from '../model/outcome.ts'
import type { OutcomeWord } from '../model/outcome.ts'
import { isUnsafe } from '../model/request.ts'
import type { NewRequest, RequestMeta } from '../model/request.ts'
import { parseDuration } from '../model/options.ts'
import type { RetryQuery } from './job.ts'
import { RUN_POSITION, writeRunState } from './run-state.ts'

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
  if (status !== undefined && !/^\d(\d\d|xx)$/i.test(status)) {
    throw new SluiceError('OPTION_INVALID', `--status: ${status} is neither a status nor a class`, {
      hint: 'for example --status 503 or --status 5xx',
    })
  }
  return {
    scan: {
      ...(outcome === undefined ? {} : { outcome: outcome as OutcomeWord }),
      ...(status === undefined ? {} : { status: status.toLowerCase() }),
      ...(host === undefined ? {} : { key: host }),
      ...(since === undefined ? {} : { since: sinceMs(since, wallNow) }),
    },
    code: code === undefined ? undefined : new RegExp(`^${code.replace(/[^A-Za-z0-9_*]/g, '').replaceAll('*', '.*')}$`),
    isUnsafeToo: unsafe === true,
  }
}

/** An ISO date, or a duration back from now (`2h`). */
function sinceMs(text: string, wallNow: number): number {
  const date = Date.parse(text)
  return /^\d{4}-/.test(text) && !Number.isNaN(date) ? date : wallNow - parseDuration(text, '--since')
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

/**
 * Queues every URL that was answered again, with the validators of its last answer. Restartable: the row it has got to
 * is committed with each slice.
 */
export async function requeueAnswered(
  frontier: Frontier,
  run: number,
  wall: () => number,
  after: number | undefined,
): Promise<void> {
  for await (const { rows, next } of slices(frontier, { scan: {}, code: undefined, isUnsafeToo: false }, after)) {
    const requests = rows
      .filter(
        (row) =>
          row.record !== undefined &&
          row.record.outcome !== 'skipped' &&
          row.record.outcome !== 'denied' &&
          !isUnsafe(row.meta?.method) &&
          row.record.run < run,
      )
      .map((row) => again(row, validators(row)))
    const state = writeRunState({ run, status: 'running', at: wall(), requeueAfter: next })
    await frontier.add(requests, new Map([[RUN_POSITION, state]]))
  }
}

function validators(row: LedgerRow): RequestMeta {
  const { etag, lastModified, digest, outcome } = row.record ?? {}
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
    ...(meta === undefined || Object.keys(meta).length === 0 ? {} : { meta }),
    ...(row.groups === undefined ? {} : { groups: row.groups }),
    ...(row.input === undefined ? {} : { input: row.input }),
  }
}
