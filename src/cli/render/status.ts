/** `sluice status`: where a job stands, live or not. */
import type { Snapshot } from '../../job/job.ts'
import type { Catalog } from '../../locales/catalog.ts'
import { shellWord } from '../../model/shell-word.ts'
import type { Paint } from '../terminal.ts'
import { codesRow, doneRow, leftRow, nowRow, shareOf, totalOf } from './counts.ts'
import { cut, labelled, shortDuration } from './format.ts'
import { recordsText } from './tail.ts'

export type StatusFacts = Snapshot & {
  readonly live: boolean
  readonly owner?: { readonly pid: number; readonly host: string; readonly startedAt: string } | undefined
}

export interface StatusOptions {
  readonly catalog: Catalog
  /** The job as a command names it here. */
  readonly place: string
  readonly columns: number
  readonly paint: Paint
}

export function renderStatus(status: StatusFacts, { catalog, place, columns, paint }: StatusOptions): string[] {
  const { t, number } = catalog
  const total = totalOf(status)
  const progress =
    status.kind === 'tail'
      ? recordsText(status, catalog)
      : total === null
        ? t(status.kind === 'crawl' ? 'plain.found' : 'plain.read', { found: status.known, done: status.doneTotal })
        : `${catalog.percent(Math.floor(shareOf(status, total) * 1000) / 1000)}   ${number(status.doneTotal)} / ${number(total)}`
  const head = [`${status.job} (${status.kind})`, status.status, t('status.run', { run: String(status.run) })]
  if (status.live && status.owner !== undefined) head.push(`pid ${status.owner.pid} @ ${status.owner.host}`)
  const rows = [doneRow(status, catalog, paint), leftRow(status, catalog)]
  const codes = codesRow(status, catalog)
  if (codes !== undefined) rows.splice(1, 0, codes)
  if (status.live) rows.unshift(nowRow(status, catalog))
  const lines = [
    paint('bold', head.join('   ')),
    ` ${progress}`,
    ...labelled(rows, columns, (label) => paint('dim', label)),
  ]
  if (status.live && status.eta !== null) lines.push(` ${t('live.eta', { time: shortDuration(status.eta.ms) })}`)
  for (const { code, message } of status.warnings) lines.push(` ! ${code}: ${message}`)
  if (!status.live && status.left.total > 0) {
    lines.push(` ${t('end.continue', { command: `sluice resume ${shellWord(place)}` })}`)
  }
  return lines.map((line) => cut(line, columns))
}
