/** The live block of a terminal (UX.md 3.5), from a snapshot: lines without a newline, none wider than the terminal. */
import type { Snapshot } from '../../job/job.ts'
import type { Catalog } from '../../locales/catalog.ts'
import { codesRow, doneRow, leftRow, nowRow, shareOf, totalOf } from '../render/counts.ts'
import { cut, labelled, padEnd, shortDuration } from '../render/format.ts'
import { recordsText } from '../render/tail.ts'
import type { Paint } from '../terminal.ts'

export interface BlockOptions {
  readonly catalog: Catalog
  readonly columns: number
  readonly paint: Paint
}

const BAR_CELLS = 26
const WARNINGS_SHOWN = 3

export function renderBlock(snapshot: Snapshot, { catalog, columns, paint }: BlockOptions): string[] {
  if (snapshot.kind === 'tail') return [cut(` ${paint('bold', recordsText(snapshot, catalog))}`, columns)]
  const rows = [nowRow(snapshot, catalog), doneRow(snapshot, catalog, paint)]
  const codes = codesRow(snapshot, catalog)
  if (codes !== undefined) rows.push(codes)
  rows.push(leftRow(snapshot, catalog))
  const lines = [
    headLine(snapshot, catalog, paint),
    ...labelled(rows, columns, (label) => paint('dim', label)),
    ...etaLines(snapshot, catalog),
    ...snapshot.warnings
      .slice(0, WARNINGS_SHOWN)
      .map(({ code, message }) => ` ${paint('yellow', '!')} ${code}: ${message}`),
  ]
  return lines.map((line) => cut(line, columns))
}

function headLine(snapshot: Snapshot, catalog: Catalog, paint: Paint): string {
  const { t, number } = catalog
  const total = totalOf(snapshot)
  const state =
    snapshot.status === 'paused' || snapshot.status === 'draining' ? `   ${t(`state.${snapshot.status}`)}` : ''
  if (total === null) {
    const found = t(snapshot.kind === 'crawl' ? 'live.found' : 'live.read', { found: snapshot.known })
    const done = t('live.doneOf', { done: snapshot.doneTotal })
    return ` ${paint('bold', found)}   ${done}${etaText(snapshot, catalog)}${state}`
  }
  const share = shareOf(snapshot, total)
  // Rounded down: a bar that says 100 % has nothing left.
  const percent = catalog.percent(Math.floor(share * 1000) / 1000)
  const figures = `${number(snapshot.doneTotal)} / ${number(total)}`
  return ` ${paint('bold', percent)} ${paint('cyan', padEnd(bar(share), BAR_CELLS))}  ${figures}${etaText(snapshot, catalog)}${state}`
}

const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉']

export function bar(share: number): string {
  const eighths = Math.floor(share * BAR_CELLS * 8)
  return '█'.repeat(Math.floor(eighths / 8)) + EIGHTHS[eighths % 8]
}

function etaText({ eta, kind }: Snapshot, { t }: Catalog): string {
  if (eta === null) return ''
  const time = shortDuration(eta.ms)
  return `   ${kind === 'crawl' ? t('live.etaCrawl', { time }) : t('live.eta', { time })}`
}

/** Said only where one host ends clearly later than the others: it then decides when the job ends. */
function etaLines({ eta }: Snapshot, { t }: Catalog): string[] {
  if (eta === null || eta.key === null || eta.othersMs === null || eta.othersMs >= eta.ms * 0.9) return []
  return [` ${t('live.etaHost', { host: eta.key, time: shortDuration(eta.othersMs) })}`]
}
