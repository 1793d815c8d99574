/** Progress where nobody watches a bar: a line for logs, whole sentences for screen readers, JSON for programs. */
import type { Snapshot } from '../../job/job.ts'
import type { Catalog } from '../../locales/catalog.ts'
import { OUTCOMES } from '../../model/outcome.ts'
import { shareOf, totalOf } from '../render/counts.ts'
import { shortRate, tightDuration } from '../render/format.ts'
import { recordsText, tailLine } from '../render/tail.ts'

/** One line of figures, the same in every language: `02:13:37 urls 41.2% 412318/1000000 118/s ok=… eta=1h52m`. */
export function renderLine(snapshot: Snapshot, clock: string): string {
  if (snapshot.kind === 'tail') return tailLine(snapshot, clock)
  const total = totalOf(snapshot)
  const progress =
    total === null
      ? `found=${snapshot.known} done=${snapshot.doneTotal}`
      : `${(Math.floor(shareOf(snapshot, total) * 1000) / 10).toFixed(1)}% ${snapshot.doneTotal}/${total}`
  const outcomes = OUTCOMES.map((word) => `${word}=${snapshot.done[word]}`).join(' ')
  const eta = snapshot.eta === null ? '' : ` eta=${tightDuration(snapshot.eta.ms)}`
  const state = snapshot.status === 'running' ? '' : ` ${snapshot.status}`
  return `${clock} ${snapshot.job} ${progress} ${shortRate(snapshot.perSecond)}/s ${outcomes}${eta}${state}`
}

/** `Still working. 41 percent. About 1 hour 52 minutes left. 527 failed.` */
export function renderSentence(snapshot: Snapshot, catalog: Catalog): string {
  const { t } = catalog
  if (snapshot.kind === 'tail') return `${t('tail.working')} ${recordsText(snapshot, catalog)}`
  const total = totalOf(snapshot)
  const parts = [t(snapshot.status === 'paused' ? 'plain.paused' : 'plain.working')]
  if (total === null) {
    parts.push(
      t(snapshot.kind === 'crawl' ? 'plain.found' : 'plain.read', { found: snapshot.known, done: snapshot.doneTotal }),
    )
  } else {
    parts.push(t('plain.percent', { percent: Math.floor(shareOf(snapshot, total) * 100) }))
  }
  if (snapshot.eta !== null) parts.push(t('plain.eta', { time: catalog.duration(snapshot.eta.ms) }))
  if (snapshot.done.failed > 0) parts.push(t('plain.failed', { count: snapshot.done.failed }))
  for (const { code, message } of snapshot.warnings) parts.push(t('plain.warning', { code, message }))
  return parts.join(' ')
}

export function renderJson(snapshot: Snapshot, t: string): string {
  const { job, ...rest } = snapshot
  return JSON.stringify({ v: 1, type: 'progress.reported', t, job, ...rest })
}

/** `02:13:37` of the local day. */
export function clockText(wallMs: number): string {
  const date = new Date(wallMs)
  return [date.getHours(), date.getMinutes(), date.getSeconds()].map((n) => String(n).padStart(2, '0')).join(':')
}
