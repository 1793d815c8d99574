/**
 * Runs one job in the foreground for `fetch`, `crawl`, `run`, `resume` and `retry`: says how it opened, shows how it is
 * doing, obeys signals, prints events, and says how it ended. What the job does is none of its business.
 */
import { jobOf, readEvents } from '../job/index.ts'
import type { Job, JobKind, ResolvedOptions, Summary } from '../job/index.ts'
import { SluiceError } from '../model/errors.ts'
import type { PageRecord } from '../model/record.ts'
import { shellWord } from '../model/shell-word.ts'
import type { Cli } from './command.ts'
import { openChildDashboard } from './dashboard-child.ts'
import { createEventPrinter, DEFAULT_TYPES } from './event-printer.ts'
import type { EventPrinter } from './event-printer.ts'
import { EXITS, exitOfError } from './exit-codes.ts'
import { keepHeapSmall } from './heap.ts'
import { placeOfJob } from './job-argument.ts'
import { chooseProgress } from './progress/schedule.ts'
import type { ProgressKind } from './progress/schedule.ts'
import { createProgressView } from './progress/view.ts'
import type { ProgressView } from './progress/view.ts'
import { shortBytes, shortDuration, visible } from './render/format.ts'
import { renderOpening } from './render/opening.ts'
import { renderSummary } from './render/summary.ts'
import { sayReconnects } from './render/tail.ts'
import { sayError } from './say-error.ts'
import { serveRecords } from './serve-records.ts'
import { watchSignals } from './signals.ts'
import type { StdinUse } from './stdin-rule.ts'

export interface JobRun {
  readonly kind: JobKind
  readonly options: ResolvedOptions
  /** Directory that relative paths of the options refer to. */
  readonly cwd: string
  readonly stdin: StdinUse
}

/** After this long without a URL from standard input we say what we are waiting for. */
const STDIN_PATIENCE_MS = 1_000

/** Resolves with the exit code. */
export async function runJob(cli: Cli, run: JobRun): Promise<number> {
  keepHeapSmall()
  const { terminal, catalog } = cli
  const { options } = run
  const quiet = options.get<boolean>('quiet') === true
  const after = options.get<number>('after')
  const json = options.get<'settled' | 'all'>('json') ?? (after === undefined ? undefined : 'settled')
  const job = jobOf(run.kind, options, run.cwd, { durable: true })
  cli.jobFolder = job.folder
  const place = placeOfJob(job.folder, cli.cwd)
  const view = createProgressView({
    kind: chooseProgress(options.get<'auto' | ProgressKind>('progress') ?? 'auto', {
      redraw: terminal.redraw,
      accessible: terminal.accessible,
      quiet,
      json: json !== undefined,
    }),
    terminal,
    catalog,
    snapshot: () => job.snapshot(),
    now: () => performance.now(),
    wall: () => Date.now(),
    timer: startTimer,
  })
  const printer = json === undefined ? undefined : printEvents(cli, job, json)
  if (!quiet) sayWarnings(cli, job, view, options.get<boolean>('verbose') === true)
  if (!quiet && run.kind === 'tail') sayReconnects(job, (text) => view.say(text), catalog)
  const stopper = stopOnRequest(cli, job, view, quiet)
  let opened = false
  let closeDashboard = (): void => undefined
  let closeFeed = async (): Promise<void> => undefined
  try {
    const readsStdin = run.stdin !== 'never' && !quiet
    let isStdinSaid = false
    const forgetFirstLine = startTimer(() => {
      if (!readsStdin) return
      // An output needs the names of its columns, which come with the first line.
      isStdinSaid = true
      view.say(`${catalog.t('stdin.waiting')}\n`)
    }, STDIN_PATIENCE_MS)
    const opening = await job.open().finally(forgetFirstLine)
    opened = true
    if (printer !== undefined && after !== undefined) {
      for await (const event of readEvents(job.folder, after)) printer.past(event)
    }
    if (!quiet) {
      const facts = {
        opening,
        snapshot: await job.snapshot(),
        robots: String(options.get('robots')),
        contact: options.get<string>('contact'),
        subject: String(options.get<unknown[]>('seeds')?.[0] ?? ''),
        isAgain: options.get<boolean>('ifChanged') === true || options.get<boolean>('ifDue') === true,
      }
      for (const line of renderOpening(facts, catalog)) view.say(`${line}\n`)
      if (options.get<boolean>('paused') === true) {
        view.say(`${catalog.t('open.paused', { command: `sluice resume ${shellWord(place)}` })}\n`)
      }
    }
    const port = options.get<number>('ui')
    if (port !== undefined) {
      const { url, close } = await openChildDashboard(job.folder, port, catalog.language)
      closeDashboard = close
      view.say(`${catalog.t('ui.open', { job: job.name })}\n${url}\n`)
    }
    if (run.kind === 'tail') closeFeed = await serveRecords(cli, job, options, (text) => view.say(text))
    const forgetStdin = readsStdin && !isStdinSaid ? sayWaitingForStdin(cli, job, view) : () => undefined
    view.start()
    const summary = await job.run().finally(forgetStdin)
    view.stop()
    printer?.flush()
    const exitCode = stopper.readerGone() ? EXITS.readerGone.code : summary.exitCode
    if (!quiet) sayEnd(cli, summary, place, exitCode, options.get<number>('limit'))
    return exitCode
  } catch (error) {
    view.stop()
    printer?.flush()
    if (!(error instanceof SluiceError)) throw error
    const exit = exitOfError(error, opened)
    sayError(cli, error, exit, json !== undefined)
    if (exit === EXITS.limit.code) {
      terminal.say(`${catalog.t('end.continue', { command: `sluice resume ${shellWord(place)} --contact …` })}\n`)
    }
    return exit
  } finally {
    closeDashboard()
    stopper.forget()
    await closeFeed()
    await job.close()
  }
}

function startTimer(callback: () => void, ms: number): () => void {
  const timer = setTimeout(callback, ms)
  timer.unref()
  return () => clearTimeout(timer)
}

function printEvents({ terminal }: Cli, job: Job, which: 'settled' | 'all'): EventPrinter {
  const printer = createEventPrinter(job.name, which, terminal.print, (flush) => void setImmediate(flush))
  if (which === 'all') job.onAny((event) => printer.live(event))
  else for (const type of DEFAULT_TYPES) job.on(type, (event) => printer.live(event))
  return printer
}

function sayWarnings({ terminal, catalog }: Cli, job: Job, view: ProgressView, verbose: boolean): void {
  job.on('warning.raised', ({ code, message: given }) => {
    const message = visible(given)
    const text = terminal.accessible
      ? catalog.t('plain.warning', { code, message })
      : `${terminal.paint('yellow', '!')} ${code}: ${message}`
    view.say(`${text}\n`)
  })
  if (verbose) job.on('request.settled', (record) => view.say(`${settledLine(record)}\n`))
}

/** `-v`: one line a URL. */
function settledLine(record: PageRecord): string {
  const { outcome, code, status, url, final, bytes, ms } = record
  const fields = [outcome.padEnd(9), String(status ?? code ?? '').padEnd(4), visible(url)]
  if (final !== undefined) fields.push('->', visible(final))
  if (bytes !== undefined) fields.push(shortBytes(bytes))
  if (ms?.['total'] !== undefined) fields.push(shortDuration(ms['total']))
  return fields.join(' ')
}

/** Signals and a reader that goes away end the job with its state saved. */
function stopOnRequest(
  cli: Cli,
  job: Job,
  view: ProgressView,
  quiet: boolean,
): { readerGone(): boolean; forget(): void } {
  const { t } = cli.catalog
  let gone = false
  const say = (text: string): void => {
    if (!quiet) view.say(`${text}\n`)
  }
  // What stopping runs into is what `run` rejects with.
  const stop = (reason: string, drainMs?: number): void => void job.stop(reason, drainMs).catch(() => undefined)
  const unwatch = watchSignals(
    process,
    {
      drain(signal) {
        say(t(signal === 'SIGINT' ? 'stop.drain' : 'stop.terminate'))
        stop(signal)
      },
      hurry() {
        say(t('stop.hurry'))
        stop('SIGINT', 0)
      },
      leave: (exitCode) => process.exit(exitCode),
    },
    () => performance.now(),
  )
  const onStdoutError = (error: NodeJS.ErrnoException): void => {
    if (error.code !== 'EPIPE' || gone) return
    gone = true
    stop('standard output was closed')
  }
  process.stdout.on('error', onStdoutError)
  return {
    readerGone: () => gone,
    forget() {
      unwatch()
      process.stdout.off('error', onStdoutError)
    },
  }
}

function sayWaitingForStdin({ catalog }: Cli, job: Job, view: ProgressView): () => void {
  return startTimer(() => {
    job.snapshot().then(
      ({ known }) => {
        if (known === 0) view.say(`${catalog.t('stdin.waiting')}\n`)
      },
      () => undefined,
    )
  }, STDIN_PATIENCE_MS)
}

function sayEnd(
  { terminal, catalog }: Cli,
  summary: Summary,
  place: string,
  exitCode: number,
  limit: number | undefined,
): void {
  const lines = renderSummary(summary, {
    limit,
    place,
    catalog,
    columns: terminal.columns(),
    paint: terminal.paint,
    plain: terminal.accessible,
    exitCode,
  })
  terminal.say(`${lines.join('\n')}\n`)
  if (summary.end === 'finished' && summary.known === 0) {
    terminal.say(`${terminal.paint('yellow', '!')} ${catalog.t('warn.empty')}\n`)
  }
}
