/** Rows of figures that the live view, `status` and the end have in common. */
import type { Snapshot } from '../../job/job.ts'
import type { Catalog } from '../../locales/catalog.ts'
import { OUTCOMES } from '../../model/outcome.ts'
import type { Paint } from '../terminal.ts'
import { shortBytes, shortDuration, shortRate } from './format.ts'

interface Row {
  readonly label: string
  readonly fields: readonly string[]
}

/** Inputs in all, as far as anybody can say: while a list is still read its length is unknown. */
export function totalOf(snapshot: Snapshot): number | null {
  if (snapshot.kind === 'crawl') return null
  if (snapshot.total !== null) return Math.max(snapshot.total, snapshot.known)
  return snapshot.reading ? null : snapshot.known
}

/** Share that is done, 0..1; 1 for an empty list. */
export function shareOf(snapshot: Snapshot, total: number): number {
  return total === 0 ? 1 : Math.min(1, snapshot.doneTotal / total)
}

export function nowRow(snapshot: Snapshot, { t }: Catalog): Row {
  return {
    label: t('label.now'),
    fields: [
      `${shortRate(snapshot.perSecond)} req/s`,
      `${shortBytes(snapshot.bytesPerSecond)}/s`,
      `p50 ${shortDuration(snapshot.p50Ms)}`,
      `p95 ${shortDuration(snapshot.p95Ms)}`,
      t('live.connections', { count: snapshot.sockets }),
    ],
  }
}

/** The six words, always all of them: their sum is what is done. */
export function doneRow(snapshot: Snapshot, { t, number }: Catalog, paint: Paint): Row {
  return {
    label: t('label.done'),
    fields: OUTCOMES.map((word) => {
      const text = `${word} ${number(snapshot.done[word])}`
      return word === 'failed' && snapshot.done.failed > 0 ? paint('red', text) : text
    }),
  }
}

/** Codes (named `outcome/CODE`) of trouble on the way to an answer. */
const NETWORK = /^failed\/(DNS_|CONNECT|EMPTY_REPLY|PROXY_|TLS_|TIMEOUT_|TRUNCATED|NOT_HTTP|BAD_FRAMING)/
const STATUSES_SHOWN = 6

export function codesRow(snapshot: Snapshot, { t, number }: Catalog): Row | undefined {
  const groups = new Map<string, number>()
  for (const [status, count] of Object.entries(snapshot.statuses)) {
    const name = status.startsWith('5') ? '5xx' : status
    groups.set(name, (groups.get(name) ?? 0) + count)
  }
  const shown = [...groups]
    .toSorted((a, b) => b[1] - a[1])
    .slice(0, STATUSES_SHOWN)
    .toSorted((a, b) => a[0].localeCompare(b[0]))
  let network = 0
  for (const [code, count] of Object.entries(snapshot.codes)) {
    if (NETWORK.test(code)) network += count
  }
  if (network > 0) shown.push(['net', network])
  if (shown.length === 0) return undefined
  return { label: t('label.codes'), fields: shown.map(([name, count]) => `${name} ${number(count)}`) }
}

export function leftRow(snapshot: Snapshot, { t, number }: Catalog): Row {
  const { queued, delayed, inFlight, following } = snapshot.left
  const fields = [
    `${t('left.queued')} ${number(queued)}`,
    `${t('left.delayed')} ${number(delayed)}`,
    `${t('left.inFlight')} ${number(inFlight)}`,
  ]
  if (following > 0) fields.push(`${t('left.following')} ${number(following)}`)
  return { label: t('label.left'), fields }
}
