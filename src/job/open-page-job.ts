/**
 * What a job that fetches pages is opened with, in the order in which it has to be: what can be refused without a trace,
 * the folder and its lock, the fetcher, sinks and extractors, the engine. What was opened is closed where a later step
 * fails.
 */
import { randomUUID } from 'node:crypto'
import { readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Bus } from '../engine/bus.ts'
import type { Consumer } from '../engine/context.ts'
import { Engine } from '../engine/engine.ts'
import type { Handler } from '../engine/handler.ts'
import type { ExtractorPool } from '../extract/extraction.ts'
import { createLikeness } from '../extract/alike.ts'
import { wordingOf } from '../extract/wording.ts'
import { scanPage } from '../extract/html.ts'
import type { Fetcher } from '../fetch/fetcher.ts'
import type { PartFolder } from '../fetch/part-folder.ts'
import type { Clock } from '../model/clock.ts'
import type { ErrorCode } from '../model/errors.ts'
import { sumCounts } from '../model/outcome.ts'
import type { LiveSession } from '../session/live-session.ts'
import { readSitemap } from '../source/sitemap.ts'
import { createFingerprint } from '../url/fingerprint.ts'
import type { OpenedJob } from './base-job.ts'
import { userAgent } from './contact.ts'
import { readStored, writeStored } from './folder.ts'
import { inTurn } from './in-turn.ts'
import { renewHosts } from './live-settings.ts'
import { openCache } from './open-cache.ts'
import { closeEach, openEach, openFetcher, openFrontier, openGeoFiles, openSinks, haveColumns } from './open-backend.ts'
import type { OpenedSinks } from './open-backend.ts'
import { openPool } from './open-pool.ts'
import { openSession, planSession } from './open-session.ts'
import { changedOptions } from './options.ts'
import { originLogins } from './origin-logins.ts'
import { openParts, removeOrphans } from './parts.ts'
import { checkContactRule, engineSettings, revisitLimits, VERSION } from './prepare.ts'
import type { Pacing, Plan } from './prepare.ts'
import { openingOf } from './run-end.ts'
import { nextRun, readRunState } from './run-state.ts'
import { columnsOf } from './sources.ts'
import { startOver } from './start-over.ts'
import { storedJobOf } from './stored-job.ts'

/** Options that decide which URLs belong: when they change, queued URLs are looked at again. */
const SCOPE_OPTIONS = ['scope', 'include', 'exclude', 'depth', 'seeds']

export interface PageJobInit {
  readonly plan: Plan
  readonly clock: Clock
  readonly pacing: Pacing
  readonly bus: Bus
  readonly consumer: Consumer | undefined
  /** Makes the writer of standard output. */
  print(): (lines: string) => Promise<void> | void
  /** For the sinks: their server is waited for no longer. */
  readonly signal: AbortSignal
  /** Trouble that the run goes on with: an input that can be read another time, a proxy. */
  warn(code: ErrorCode, message: string): void
}

export interface OpenedPages extends OpenedJob {
  readonly fetcher: Fetcher
  readonly pool: ExtractorPool | undefined
  readonly session: LiveSession | undefined
  readonly parts: PartFolder
  readonly engine: Engine
}

export async function openPageJob({
  plan,
  clock,
  pacing,
  bus,
  consumer,
  print,
  signal,
  warn,
}: PageJobInit): Promise<OpenedPages> {
  const { options, folder, inputs, cwd, name } = plan
  const columns = await columnsOf(inputs.sources, haveColumns(options), signal)
  const geo = await openGeoFiles(options, cwd, clock, (message) => warn('INPUT_UNREADABLE', message))
  const publicLimit = await checkContactRule(plan)
  const fresh = folder !== undefined && options.get<boolean>('fresh') === true
  const planned = await planSession(options, cwd, fresh ? undefined : folder, clock)
  if (fresh) startOver(folder, options, cwd)
  const known = folder === undefined ? undefined : readStored(folder)
  const stored = folder === undefined ? undefined : storedJobOf(plan, inputs.subject, known, clock.wall())
  const fingerprint = await createFingerprint(BigInt(`0x${stored?.seed ?? '0'}`))
  const spoolFolder = join(folder ?? tmpdir(), folder === undefined ? `sluice-${randomUUID()}` : 'spool')
  // Not before the frontier has locked the folder.
  let parts: PartFolder | undefined
  const partsOf = (): PartFolder => (parts ??= openParts(options, folder ?? spoolFolder))
  const backend = await openFrontier(
    folder,
    options,
    clock,
    fingerprint,
    (key) => pacing.defaults(key),
    () => partsOf().grown,
  )
  let fetcher: Fetcher | undefined
  let pool: ExtractorPool | undefined
  let session: LiveSession | undefined
  let opened: OpenedSinks | undefined
  try {
    if (folder !== undefined && stored !== undefined) writeStored(folder, stored)
    const changes = known === undefined || stored === undefined ? [] : changedOptions(known.options, stored.options)
    if (backend.existed) await renewHosts(backend.frontier, pacing, Object.keys(options.get<object>('hosts') ?? {}))
    const before = await backend.frontier.stats()
    const state = nextRun(readRunState(backend.positions), before, {
      at: clock.wall(),
      ifChanged: options.get<boolean>('ifChanged') === true,
      due: revisitLimits(options),
    })
    const concurrency =
      options.get<number>('concurrency') ?? defaultConcurrency(options.get<number>('perHost') as number)
    const scopeChanged = changes.some((change) => SCOPE_OPTIONS.includes(change.name))
    const logins = originLogins(folder)
    const settings = engineSettings(plan, pacing, state.run, concurrency, publicLimit, scopeChanged, planned, logins)
    const agent = userAgent(VERSION, options.get<string>('contact'), options.get<string>('userAgent'))
    const parts = partsOf()
    await removeOrphans(parts, backend.frontier, before)
    const cache = await openCache(options, cwd, folder, clock, (message) =>
      bus.emit('warning.raised', { code: 'CACHE', message }),
    )
    fetcher = await openFetcher(options, clock, agent, concurrency, spoolFolder, inputs.seeds, {
      parts,
      logins,
      cache,
      warn: (message) => warn('PROXY_FAILED', message),
    })
    session = planned === undefined ? undefined : openSession(planned, fetcher, clock, folder)
    const sinks = await openSinks(options, cwd, folder)
    pool = await openPool(options, cwd, clock)
    await openEach(sinks.sinks, backend.positions, {
      name: name,
      id: stored?.id ?? randomUUID(),
      run: state.run,
      committedSeq: before.seq,
      columns,
      items: pool === undefined ? undefined : { columns: pool.columns },
      signal,
      // At once, not with the next commit: a sink that waits for its server holds that up.
      warn: (message) => bus.emit('warning.raised', { code: 'OUTPUT', message }),
    })
    opened = sinks
    const widened = backend.positions.get('scope')
    const engine = new Engine(
      {
        settings,
        clock: clock,
        frontier: backend.frontier,
        fetcher,
        session,
        scanner: scanPage,
        wording: wordingOf,
        likeness: options.get<boolean>('alike') === true ? createLikeness() : undefined,
        pool,
        handlers: options.get<Record<string, Handler>>('handlers') ?? {},
        readSitemap: (body, url) => readSitemap(body, url),
        fingerprint,
        sinks: sinks.sinks,
        sources: inputs.sources,
        positions: backend.positions,
        bus: bus,
        consumer: consumer,
        geoOf: geo === undefined ? undefined : (address) => geo.lookup(address),
        print: sinks.stdout ? print() : undefined,
        addressOf: fetcher.addressOf === undefined ? undefined : (url) => (fetcher as Fetcher).addressOf!(url),
        readFile: (path) => readFileSync(path),
        removeFile: (path) => {
          if (!parts.holds(path)) rmSync(path, { force: true })
        },
        removePart: (name) => parts.remove(name),
        seq: before.seq,
        settledBefore: sumCounts(before.done) - before.done.skipped,
      },
      widened === undefined ? [] : (JSON.parse(Buffer.from(widened).toString('utf8')) as string[]),
    )
    const opening = openingOf(backend, before, readRunState(backend.positions), clock.wall(), changes)
    return {
      ...{ backend, fetcher, pool, session, spoolFolder, parts, sinks, engine, opening, state, before },
      commit: engine.commit,
    }
  } catch (error) {
    // What failed first is told.
    await inTurn([
      () => session?.close(),
      () => fetcher?.close(),
      () => pool?.close(),
      () => closeEach(opened?.sinks ?? []),
      () => backend.frontier.close(),
    ]).catch(() => undefined)
    throw error
  }
}

/** Sockets are cheap; answers waiting in memory are not. Enough for a thousand polite hosts at once. */
function defaultConcurrency(perHost: number): number {
  return Math.max(256, perHost)
}
