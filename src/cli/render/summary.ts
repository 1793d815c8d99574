/** The block at the end of a run (UX.md 3.5), from the summary: what came of every URL, how long it took, what to do next. */
import { cellsOf } from './width.ts'
import type { Percentiles, Summary } from '../../job/job.ts'
import type { Catalog } from '../../locales/catalog.ts'
import { OUTCOMES } from '../../model/outcome.ts'
import { shellWord } from '../../model/shell-word.ts'
import type { Paint } from '../terminal.ts'
import { cut, labelled, padEnd, padStart, shortBytes, shortDuration } from './format.ts'
import { totalOf } from './counts.ts'
import { tailEnd } from './tail.ts'

export interface SummaryOptions {
  readonly catalog: Catalog
  /** The job as a command names it here. */
  readonly place: string
  readonly columns: number
  readonly paint: Paint
  /** Sentences and `label: value` lines instead of tables. */
  readonly plain: boolean
  /** What the process exits with: a signal's code where one came. */
  readonly exitCode: number
  /** `--limit` of the job. */
  readonly limit?: number | undefined
}

export function renderSummary(summary: Summary, options: SummaryOptions): string[] {
  if (summary.kind === 'tail') return tailEnd(summary, options.catalog, options.exitCode)
  if (summary.end === 'interrupted' || summary.end === 'terminated') return renderSaved(summary, options)
  const { columns } = options
  const lines = [
    headline(summary, options),
    ...politenessLine(summary, options),
    ...revisitsLine(summary, options),
    ...cacheLine(summary, options),
    '',
    ...(options.plain ? plainTables(summary, options) : tables(summary, options)),
    ...(options.plain
      ? detailRows(summary, options).map(({ label, fields }) => `${label}: ${fields.join(', ')}`)
      : labelled(detailRows(summary, options), columns, (label) => options.paint('dim', label))),
  ]
  return lines.map((line) => (options.plain ? line.trimEnd() : cut(line.trimEnd(), columns)))
}

/** After a signal: that nothing is lost, and the line that continues. */
function renderSaved(summary: Summary, { catalog, place, exitCode }: SummaryOptions): string[] {
  const { t } = catalog
  const total = totalOf(summary)
  const done = summary.doneTotal
  const left = summary.left.total
  return [
    total === null ? t('end.saved', { done, left }) : t('end.savedOf', { done, left, total }),
    `${t('end.continue', { command: `sluice resume ${shellWord(place)}` })}   exit ${exitCode}`,
  ]
}

function headline(summary: Summary, { catalog, columns, paint, exitCode }: SummaryOptions): string {
  const { t } = catalog
  const time = shortDuration(summary.elapsedMs)
  const title = t(`end.${headlineOf(summary)}`, { job: summary.job, time, left: summary.left.total })
  if (exitCode === 0) return paint('bold', title)
  const reason = summary.failed.length === 0 ? `exit ${exitCode}` : `exit ${exitCode}: ${summary.failed.join(', ')}`
  const gap = columns - cellsOf(title) - cellsOf(reason) - 1
  return `${paint('bold', title)}${' '.repeat(Math.max(3, gap))}${paint('red', reason)}`
}

function headlineOf({ end }: Summary): 'finished' | 'limit' | 'guard' | 'paused' | 'halted' {
  return end === null || end === 'interrupted' || end === 'terminated' ? 'halted' : end
}

function politenessLine({ politeness }: Summary, { catalog }: SummaryOptions): string[] {
  if (politeness === null) return []
  const { efficiency, boundMs, key } = politeness
  return [
    catalog.t('end.politeness', { percent: catalog.percent(efficiency), bound: shortDuration(boundMs), host: key }),
  ]
}

function revisitsLine({ revisits }: Summary, { catalog }: SummaryOptions): string[] {
  if (revisits === undefined) return []
  const { queued, waiting, nextInMs } = revisits
  const line = catalog.t('end.revisits', { queued, waiting })
  return [nextInMs === null ? line : `${line}; ${catalog.t('end.revisitNext', { time: shortDuration(nextInMs) })}`]
}

function cacheLine({ cache }: Summary, { catalog }: SummaryOptions): string[] {
  return cache === undefined ? [] : [catalog.t('end.cache', { fresh: cache.fresh, revalidated: cache.revalidated })]
}

const PHASES = ['total', 'wait', 'dns', 'connect', 'firstByte'] as const
const QUANTILES = ['p50', 'p90', 'p99', 'max'] as const satisfies readonly (keyof Percentiles)[]

/** Of this run: what earlier ones have come to is told apart. */
function figuresOf({ thisRun, done, doneTotal }: Summary): Pick<Summary, 'done' | 'doneTotal'> {
  return thisRun ?? { done, doneTotal }
}

function shareOfDone(count: number, summary: Summary, catalog: Catalog): string {
  const { doneTotal } = figuresOf(summary)
  return catalog.percent(doneTotal === 0 ? 0 : count / doneTotal)
}

/** Outcomes and times side by side where the terminal is wide enough, else one below the other. */
function tables(summary: Summary, { catalog, columns, paint }: SummaryOptions): string[] {
  const { t, number } = catalog
  const { done } = figuresOf(summary)
  const outcomes = [
    [t('end.outcome'), t('end.urls'), ''],
    ...OUTCOMES.map((word) => [word, number(done[word]), shareOfDone(done[word], summary, catalog)]),
  ]
  const times = [
    [t('end.time'), ...QUANTILES],
    ...PHASES.filter((phase) => summary.times[phase] !== undefined).map((phase) => {
      const row = summary.times[phase] as Percentiles
      return [t(`phase.${phase}`), ...QUANTILES.map((quantile) => shortDuration(row[quantile]))]
    }),
  ]
  const left = aligned(outcomes)
  const right = times.length > 1 ? aligned(times) : []
  const width = Math.max(...left.map((row) => cellsOf(row))) + 5
  const widest = Math.max(0, ...right.map((row) => cellsOf(row)))
  const heads = (line: string, i: number): string => (i === 0 ? paint('dim', line) : line)
  if (right.length === 0) return [...left.map(heads), '']
  if (1 + width + widest > columns) return [...left.map(heads), '', ...right.map(heads), '']
  return [...left.map((line, i) => heads(padEnd(line, width) + (right[i] ?? ''), i)), '']
}

/** Columns: the first to the left, the others to the right. */
function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => cellsOf(row[column]!))))
  return rows.map((row) =>
    ` ${row.map((cell, i) => (i === 0 ? padEnd(cell, widths[i]!) : padStart(cell, widths[i]!))).join('  ')}`.trimEnd(),
  )
}

function plainTables(summary: Summary, { catalog }: SummaryOptions): string[] {
  const { t, number } = catalog
  const { done } = figuresOf(summary)
  const lines = OUTCOMES.map((word) => `${word}: ${number(done[word])}, ${shareOfDone(done[word], summary, catalog)}`)
  for (const phase of PHASES) {
    const row = summary.times[phase]
    if (row === undefined) continue
    lines.push(
      `${t(`phase.${phase}`)}: ${QUANTILES.map((quantile) => `${quantile} ${shortDuration(row[quantile])}`).join(', ')}`,
    )
  }
  return lines
}

const REASONS_SHOWN = 4

function detailRows(
  summary: Summary,
  { catalog, place, limit }: SummaryOptions,
): { label: string; fields: string[] }[] {
  const { t, number } = catalog
  const rows: { label: string; fields: string[] }[] = []
  if (summary.thisRun !== null) {
    const words = OUTCOMES.filter((word) => summary.done[word] > 0)
    const counts = words.map((word) => `${word} ${number(summary.done[word])}`)
    rows.push({ label: t('end.allRuns', { count: summary.run }), fields: [counts.join(' | ')] })
  }
  for (const word of ['failed', 'denied', 'skipped'] as const) {
    const reasons = summary.why[word].slice(0, REASONS_SHOWN).map(({ code, urls, hosts }) => {
      const text = `${number(urls)} ${code}`
      return hosts > 0 ? `${text} (${t('end.hosts', { count: hosts })})` : text
    })
    if (reasons.length > 0) rows.push({ label: t('end.why', { outcome: word }), fields: [reasons.join(' | ')] })
  }
  const { extraction } = summary
  if (extraction !== null) {
    const { items, rejected } = summary.thisRun ?? extraction
    const counts = [t('end.itemsStored', { count: items })]
    if (rejected > 0) counts.push(t('end.itemsRejected', { count: rejected }))
    if (summary.thisRun !== null) counts.push(t('end.itemsOfAllRuns', { count: extraction.items }))
    rows.push({ label: t('end.items'), fields: counts })
    const fields = extraction.fields.slice(0, REASONS_SHOWN)
    if (fields.length > 0) {
      const texts = fields.map(
        ({ path, message, count }) => `${path === '' ? '*' : path}: ${message} (${number(count)})`,
      )
      rows.push({ label: t('end.fields'), fields: texts })
    }
  }
  const slowest = summary.slowest.map(({ key, intervalMs, p95Ms }) =>
    intervalMs > 0 ? `${key} ${shortDuration(intervalMs)}/${t('end.turn')}` : `${key} p95 ${shortDuration(p95Ms)}`,
  )
  if (slowest.length > 0 && summary.hosts > 1)
    rows.push({ label: t('end.slowest'), fields: [slowest.slice(0, 3).join(', ')] })
  rows.push({
    label: t('end.output'),
    fields: [
      ...summary.outputs,
      `${shortBytes(summary.bytes)} ${t('end.received')}`,
      `${t('end.summary')} ${place}.sluice/summary.json`,
    ],
  })
  const next = nextCommands(summary, shellWord(place), limit)
  if (next.length > 0) rows.push({ label: t('end.next'), fields: next })
  return rows
}

/** Commands that make sense now, with this job in them. */
function nextCommands(
  { end, done, doneTotal, known, left }: Summary,
  job: string,
  limit: number | undefined,
): string[] {
  const commands: string[] = []
  // The limit is one of the job's whole life: without a larger one it would end at once.
  const isUsedUp = end === 'limit' && limit !== undefined && doneTotal >= limit
  if (left.total > 0 && end !== 'finished')
    commands.push(`sluice resume ${job}${isUsedUp ? ` --limit ${2 * limit}` : ''}`)
  if (done.failed > 0) commands.push(`sluice retry ${job} --outcome failed`)
  if (known > 0) commands.push(`sluice why URL --job ${job}`)
  return commands
}
