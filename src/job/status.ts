/** Looking at a job from outside: read-only, live or stopped, without its lock. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { openReader } from '../frontier/sqlite/read.ts'
import type { Reader } from '../frontier/sqlite/read.ts'
import { sqliteFrontier } from '../frontier/sqlite/index.ts'
import { systemClock } from '../engine/clock.ts'
import { EXTRACTION_POSITION } from '../engine/extraction-report.ts'
import type { ExtractionFigures } from '../engine/extraction-report.ts'
import { robotsCause } from '../engine/robots-gate.ts'
import type { LedgerRow, RobotsState } from '../frontier/frontier.ts'
import { shortDuration } from '../model/duration.ts'
import { SluiceError } from '../model/errors.ts'
import type { PrintedEvent } from '../model/event.ts'
import type { PageRecord } from '../model/record.ts'
import { shellWord } from '../model/shell-word.ts'
import { robotsFor } from '../robots/match.ts'
import { parseRobots } from '../robots/parse.ts'
import { canonicalize } from '../url/canonicalize.ts'
import { createFingerprint } from '../url/fingerprint.ts'
import { originOf } from '../url/key.ts'
import { requestControl } from './control.ts'
import { nameOf, readStored } from './folder.ts'
import type { StoredJob } from './folder.ts'
import type { JobKind, RetryQuery, Snapshot, Summary, Why } from './job.ts'
import { countMatching, requeueMatching } from './requeue.ts'
import { readRunState, RUN_POSITION, writeRunState } from './run-state.ts'
import { snapshotOf } from './summary.ts'
import { AGENT } from './prepare.ts'

export interface Status extends Snapshot {
  readonly live: boolean
  readonly owner?: { readonly pid: number; readonly host: string; readonly startedAt: string }
}

function storedOf(folder: string): StoredJob {
  const stored = readStored(folder)
  if (stored !== undefined) return stored
  throw new SluiceError('OPTION_INVALID', `${folder} is not a job folder`, {
    hint: 'name a folder that ends in .sluice',
  })
}

/** Counters of a job; of a live one as its owner sees them this moment. */
export async function openStatus(folder: string): Promise<Status> {
  const stored = storedOf(folder)
  const live = (await requestControl(folder, 'snapshot', {})) as Snapshot | undefined
  const reader = openReader(folder, { clock: systemClock() })
  try {
    const owner = reader.owner()
    if (live !== undefined) return { ...live, live: true, ...(owner === undefined ? {} : { owner }) }
    const state = readRunState(reader.positions())
    const last = readSummary(folder)
    const snapshot = snapshotOf({
      job: stored.name,
      kind: stored.kind,
      folder,
      run: state?.run ?? 0,
      status: statusOf(state?.status),
      total: last?.total ?? null,
      stats: reader.stats(),
      engine: undefined,
      startedAt: 0,
      now: 0,
      eta: null,
      warnings: last?.warnings ?? [],
    })
    // Hosts that have nothing left are not counted by the frontier: the run that fetched from them has said how many.
    const figures = reader.positions().get(EXTRACTION_POSITION)
    const extraction = figures === undefined ? null : (JSON.parse(Buffer.from(figures).toString()) as ExtractionFigures)
    return { ...snapshot, extraction, hosts: Math.max(snapshot.hosts, last?.hosts ?? 0), live: false }
  } finally {
    reader.close()
  }
}

function statusOf(status: string | undefined): Snapshot['status'] {
  switch (status) {
    case 'finished':
    case 'limit':
      return status
    // It says running, and nobody answers: the process died.
    case 'running':
    case 'halted':
      return 'crashed'
    default:
      return 'interrupted'
  }
}

/** Last `summary.json`, or undefined where there is none. */
export function readSummary(folder: string): Summary | undefined {
  const path = join(folder, 'summary.json')
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Summary) : undefined
}

/** Why a URL is as it is, or how a host is paced: facts for people, in order. */
export async function explainUrl(folder: string, urlOrHost: string): Promise<Why> {
  const stored = storedOf(folder)
  const reader = openReader(folder, { clock: systemClock() })
  try {
    const canonical = canonicalize(urlOrHost)
    const isPaused = await pausedNow(folder, reader)
    if (!canonical.ok || !/^[a-z]+:\/\//i.test(urlOrHost)) return explainHost(reader, stored, urlOrHost, isPaused)
    const fingerprint = await createFingerprint(BigInt(`0x${stored.seed}`))
    // Rows are known by what they fill in, not by their URL.
    const isRow = stored.options['rows'] !== undefined
    const row = reader.find(canonical.url, isRow ? undefined : fingerprint.of(canonical.url))
    if (row === undefined) return unknownUrl(canonical.url)
    return explainRow(reader, row, canonical.url, stored.options['extract'], isPaused)
  } finally {
    reader.close()
  }
}

/** Of a live job as its owner says, of a stopped one as it ended. */
async function pausedNow(folder: string, reader: Reader): Promise<boolean> {
  const live = (await requestControl(folder, 'snapshot', {})) as Snapshot | undefined
  return live === undefined ? readRunState(reader.positions())?.status === 'paused' : live.status === 'paused'
}

function unknownUrl(url: string): Why {
  return {
    url,
    state: 'unknown',
    trail: [{ topic: 'found', text: 'never: no page that was fetched links to it, and it was in no input' }],
  }
}

/** @param extract option of the job: extractor modules. */
function explainRow(reader: Reader, row: LedgerRow, url: string, extract: unknown, isPaused: boolean): Why {
  const trail: { topic: string; text: string }[] = []
  const { record, meta } = row
  if (row.input !== undefined) {
    trail.push({
      topic: 'found',
      text: `in the input ${row.input.source}, line ${meta?.line ?? row.input.ordinal + 1}`,
    })
  } else if (meta?.from !== undefined) {
    trail.push({ topic: 'found', text: `on ${meta.from} (${meta.via ?? 'link'}), depth ${row.depth}` })
  }
  const origin = originOf(url)
  const robots = reader.key(row.key)?.robots.get(origin)
  if (robots !== undefined) trail.push({ topic: 'robots', text: robotsText(robots, url.slice(origin.length)) })
  if (record !== undefined) {
    if (record.message !== undefined) trail.push({ topic: 'reason', text: record.message })
    if (record.code?.startsWith('EXTRACT_') === true && Array.isArray(extract)) {
      const modules = extract.map((module) => ` --extract ${shellWord(String(module))}`).join('')
      trail.push({ topic: 'reproduce', text: `sluice inspect ${shellWord(record.final ?? record.url)}${modules}` })
    }
    if (record.chain !== undefined)
      trail.push({ topic: 'redirects', text: [...record.chain, record.final ?? ''].join(' -> ') })
    if (record.status !== undefined) trail.push({ topic: 'answer', text: answerText(record) })
    if (record.items !== undefined) {
      const rejected = record.rejected === undefined ? '' : `, ${record.rejected} rejected`
      trail.push({ topic: 'items', text: `${record.items} stored${rejected}` })
    }
    trail.push({
      topic: 'settled',
      text: `${record.t}, attempt ${record.attempt}, run ${record.run}, number ${record.seq}`,
    })
  } else {
    const text = isPaused ? 'for the job, which is paused' : waitingText(reader, row)
    trail.push({ topic: 'waiting', text })
  }
  if (row.crashes > 0) trail.push({ topic: 'crashes', text: `in flight at ${row.crashes} deaths of the process` })
  return {
    url,
    state: row.state,
    trail,
    ...(record === undefined ? {} : { outcome: record.outcome, code: record.code, record }),
  }
}

function robotsText(robots: RobotsState, path: string): string {
  const cause = robotsCause(robots)
  const answer =
    cause === undefined
      ? robots.status === 0
        ? 'could not be had'
        : robots.status
      : `could not be had: ${cause.message}`
  const had = `robots.txt ${answer}, asked ${robots.fetchedAt}`
  if (robots.verdict === 'allow') return `allowed: ${had}`
  if (robots.verdict === 'deny') return `denied: ${had}`
  const verdict = robotsFor(parseRobots(robots.body), AGENT).verdict(path)
  const rule = verdict.rule === undefined ? 'no rule matches' : `line ${verdict.line}: ${verdict.rule}`
  return `${verdict.allowed ? 'allowed' : 'DENIED'} by ${rule} in group ${verdict.group}; ${had}`
}

function answerText(record: PageRecord): string {
  const total = record.ms?.['total']
  return [
    `${record.status}`,
    record.mime,
    record.bytes === undefined ? undefined : `${record.bytes} bytes`,
    total === undefined ? undefined : `${total} ms`,
  ]
    .filter((part) => part !== undefined)
    .join(', ')
}

function waitingText(reader: Reader, row: LedgerRow): string {
  if (row.state === 'delayed')
    return `for its next try, after ${row.code ?? 'an error'}, in ${shortDuration(row.dueInMs ?? 0)}`
  if (row.state === 'following') return 'for the host its redirect leads to'
  const key = reader.key(row.key)
  if (key === undefined) return 'for its turn'
  return `for its host ${row.key}: ${key.queued} queued there, next start in ${shortDuration(key.readyInMs)}`
}

function explainHost(reader: Reader, stored: StoredJob, host: string, isPaused: boolean): Why {
  const name = host.toLowerCase()
  // Keys are hosts: a port in the question is not part of them.
  const state = reader.key(name) ?? reader.key(name.replace(/:\d+$/, ''))
  if (state === undefined)
    return { url: host, state: 'unknown', trail: [{ topic: 'host', text: 'no URL of this host is known' }] }
  const paused = `paused: nothing starts until it is resumed (sluice resume ${shellWord(stored.name)})`
  const trail = [
    ...(isPaused ? [{ topic: 'job', text: paused }] : []),
    { topic: 'left', text: `${state.queued} queued, ${state.inFlight} in flight, ${state.known} known` },
    {
      topic: 'interval',
      text: `${shortDuration(Math.max(state.delayMs, state.intervalMs))}; the job's delay is ${shortDuration(Number(stored.options['delay'] ?? 1000))}`,
    },
    {
      topic: 'next',
      text: state.readyInMs <= 0 ? 'may start now' : `may start in ${shortDuration(state.readyInMs)}`,
    },
  ]
  if (state.blockedForMs > 0)
    trail.push({
      topic: 'blocked',
      text: `for ${shortDuration(state.blockedForMs)} more (${
        state.errors > 0
          ? `it rests after ${state.errors} failures in a row; one request then looks whether it is back`
          : 'Retry-After'
      })`,
    })
  for (const robots of state.robots.values()) {
    const rules = robots.verdict === 'rules' ? robotsFor(parseRobots(robots.body), AGENT) : undefined
    const delay = rules?.crawlDelayMs === undefined ? '' : `, Crawl-delay ${shortDuration(rules.crawlDelayMs)}`
    const answer = robotsCause(robots)?.code ?? `status ${robots.status}`
    trail.push({ topic: 'robots', text: `${robots.origin}: ${robots.verdict}, ${answer}${delay}` })
  }
  return { url: host, state: isPaused ? 'paused' : state.readyInMs > 0 ? 'waiting' : 'ready', trail }
}

/** Durable events after an id, settlements included, in order. */
export async function* readEvents(folder: string, afterId: number): AsyncGenerator<PrintedEvent> {
  const stored = storedOf(folder)
  const reader = openReader(folder, { clock: systemClock() })
  try {
    yield* mergeEvents(reader, stored.name, afterId)
  } finally {
    reader.close()
  }
}

/** Number of the last durable event. */
export function lastEventId(folder: string): number {
  storedOf(folder)
  const reader = openReader(folder, { clock: systemClock() })
  try {
    return reader.lastId()
  } finally {
    reader.close()
  }
}

/** Ledger rows and event rows share one counter: merged by it. */
function* mergeEvents(reader: Reader, job: string, afterId: number): Generator<PrintedEvent> {
  const limit = 1_000
  let rows = reader.ledger({ afterSeq: afterId, limit })
  let events = reader.events({ afterId, limit })
  for (;;) {
    const row = rows[0]
    const event = events[0]
    if (row === undefined && event === undefined) return
    if (event === undefined || (row !== undefined && row.record.seq < event.id)) {
      const record = (row as { record: PageRecord }).record
      yield { v: 1, id: record.seq, type: 'request.settled', job, ...record }
      rows.shift()
      if (rows.length === 0) rows = reader.ledger({ afterSeq: record.seq, limit })
    } else {
      yield { v: 1, id: event.id, type: event.type, t: event.t, job, ...event.data }
      events.shift()
      if (events.length === 0) events = reader.events({ afterId: event.id, limit })
    }
  }
}

/** Queues matching URLs of a stopped job again (under its lock), or counts them. */
export async function retryStopped(folder: string, query: RetryQuery, dryRun: boolean): Promise<number> {
  const stored = storedOf(folder)
  const clock = systemClock()
  const fingerprint = await createFingerprint(BigInt(`0x${stored.seed}`))
  const delayMs = Number(stored.options['delay'] ?? 1000)
  const conns = Number(stored.options['perHost'] ?? 1)
  const opened = await sqliteFrontier({
    path: folder,
    clock,
    durability: 'kill',
    defaults: () => ({ delayMs, conns }),
    inputFp: (source, ordinal) => fingerprint.ofInput(source, ordinal),
  })
  try {
    if (dryRun) return await countMatching(opened.frontier, query, clock.wall())
    const state = readRunState(opened.positions)
    const count = await requeueMatching(opened.frontier, query, clock.wall())
    if (count > 0 && state?.status === 'finished') {
      // Settlements to come belong to a new run.
      const { seq } = await opened.frontier.stats()
      const next = { run: state.run + 1, status: 'requeued' as const, at: clock.wall(), fromSeq: seq }
      await opened.frontier.add([], new Map([[RUN_POSITION, writeRunState(next)]]))
    }
    return count
  } finally {
    await opened.frontier.close()
  }
}

/** What a stored job needs to go on: `resume` takes no flags again. */
export async function resumeOptions(
  folder: string,
): Promise<{ kind: JobKind; options: Readonly<Record<string, unknown>>; cwd: string; name: string }> {
  const stored = storedOf(folder)
  return { kind: stored.kind, options: { ...stored.options, job: folder }, cwd: stored.cwd, name: nameOf(folder) }
}
