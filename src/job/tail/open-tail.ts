/** What a tail is opened with: folder and lock, the fetcher of a stream, sinks that take records, and one commit over them. */
import { randomBytes, randomUUID } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Bus } from '../../engine/bus.ts'
import { EXTRACTION_POSITION } from '../../engine/extraction-report.ts'
import type { ExtractionFigures } from '../../engine/extraction-report.ts'
import { StreamCommit } from '../../engine/stream-commit.ts'
import type { Fetcher } from '../../fetch/fetcher.ts'
import type { Clock } from '../../model/clock.ts'
import { SluiceError } from '../../model/errors.ts'
import { columnsOf } from '../../source/stream/item.ts'
import { createFingerprint } from '../../url/fingerprint.ts'
import type { Fingerprint } from '../../url/fingerprint.ts'
import type { OpenedJob } from '../base-job.ts'
import { userAgent } from '../contact.ts'
import { readStored, writeStored } from '../folder.ts'
import { inTurn } from '../in-turn.ts'
import { closeEach, openEach, openFetcher, openFrontier, openSinks } from '../open-backend.ts'
import type { OpenedSinks } from '../open-backend.ts'
import { changedOptions } from '../options.ts'
import { createPacing, VERSION } from '../prepare.ts'
import { openingOf } from '../run-end.ts'
import { nextRun, readRunState } from '../run-state.ts'
import { startOver } from '../start-over.ts'
import { storedJobOf } from '../stored-job.ts'
import { Referrers } from './referrers.ts'
import type { TailPlan } from './tail-plan.ts'

export interface TailInit {
  readonly plan: TailPlan
  readonly clock: Clock
  readonly bus: Bus
  /** Makes the writer of standard output. */
  print(): (lines: string) => Promise<void> | void
  /** For the sinks: their server is waited for no longer. */
  readonly signal: AbortSignal
  warn(code: string, message: string): void
  /** A commit failed. */
  onError(error: unknown): void
}

export interface OpenedTail extends OpenedJob {
  /** undefined: the source is a file. */
  readonly fetcher: Fetcher | undefined
  readonly fingerprint: Fingerprint
  readonly commit: StreamCommit
  readonly view: Referrers | undefined
}

/** Name of the source: where its cursor is kept. */
export function sourceName({ path, url }: TailPlan): string {
  return path === undefined ? `stream:${url}` : `tail:${path}`
}

export async function openTail({ plan, clock, bus, print, signal, warn, onError }: TailInit): Promise<OpenedTail> {
  const { options, folder, cwd, path, subject, ledgerUrl, name, url, parse } = plan
  if (folder !== undefined && options.get<boolean>('fresh') === true) startOver(folder, options, cwd)
  const known = folder === undefined ? undefined : readStored(folder)
  const stored = folder === undefined ? undefined : storedJobOf(plan, subject, known, clock.wall())
  const fingerprint = await createFingerprint(BigInt(`0x${stored?.seed ?? randomBytes(8).toString('hex')}`))
  const pacing = createPacing(options)
  const backend = await openFrontier(folder, options, clock, fingerprint, (key) => pacing.defaults(key))
  let fetcher: Fetcher | undefined
  let opened: OpenedSinks | undefined
  try {
    if (folder !== undefined && stored !== undefined) writeStored(folder, stored)
    const before = await backend.frontier.stats()
    const last = readRunState(backend.positions)
    const state = nextRun(last, before, { at: clock.wall(), ifChanged: false })
    const spoolFolder = join(folder ?? tmpdir(), folder === undefined ? `sluice-${randomUUID()}` : 'spool')
    if (path === undefined) {
      const agent = userAgent(VERSION, options.get<string>('contact'), options.get<string>('userAgent'))
      fetcher = await openFetcher(options, clock, agent, 1, spoolFolder, [ledgerUrl], {
        warn: (message) => warn('PROXY_FAILED', message),
      })
    }
    const sinks = await openSinks(options, cwd, folder, true)
    for (const sink of sinks.sinks) if (sink.wantsBodies || sink.wantsExchange === true) throw needsItems(sink.name)
    await openEach(sinks.sinks, backend.positions, {
      name: name,
      id: stored?.id ?? randomUUID(),
      run: state.run,
      committedSeq: before.seq,
      columns: [],
      items: { columns: columnsOf(parse) },
      signal,
      warn: (message) => warn('OUTPUT', message),
    })
    opened = sinks
    const view =
      options.get('view') === undefined || folder === undefined
        ? undefined
        : new Referrers(folder, name, clock, backend.positions)
    const figures = backend.positions.get(EXTRACTION_POSITION)
    const commit = new StreamCommit({
      url: url,
      source: sourceName(plan),
      run: state.run,
      clock: clock,
      frontier: backend.frontier,
      sinks: sinks.sinks,
      bus: bus,
      print: sinks.stdout ? print() : undefined,
      view,
      seq: before.seq,
      figures:
        figures === undefined
          ? { items: 0, rejected: 0, pages: 0, failed: 0, fields: [] }
          : (JSON.parse(Buffer.from(figures).toString()) as ExtractionFigures),
      onError,
    })
    const changes = known === undefined || stored === undefined ? [] : changedOptions(known.options, stored.options)
    const opening = openingOf(backend, before, last, clock.wall(), changes)
    return { backend, sinks, fetcher, spoolFolder, fingerprint, commit, view, opening, state, before }
  } catch (error) {
    // What failed first is told.
    await inTurn([() => fetcher?.close(), () => closeEach(opened?.sinks ?? []), () => backend.frontier.close()]).catch(
      () => undefined,
    )
    throw error
  }
}

function needsItems(name: string): SluiceError {
  return new SluiceError('OPTION_INVALID', `--out ${name} takes pages; a tail has records`, {
    hint: 'give a .ndjson, .csv or .sqlite file, or - for stdout',
  })
}
