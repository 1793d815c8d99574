/** What is said of a tail: how it opens, stands and ends. It has no pages to count, only records. */
import type { Job, JobEvent, Opening, Snapshot, Summary } from '../../job/job.ts'
import type { Catalog } from '../../locales/catalog.ts'
import { OUTCOMES } from '../../model/outcome.ts'
import { shortDuration, visible } from './format.ts'

/** `12,345 records, 3 could not be read` */
export function recordsText({ extraction }: Snapshot, { t }: Catalog): string {
  const records = t('tail.records', { count: extraction?.items ?? 0 })
  const rejected = extraction?.rejected ?? 0
  return rejected === 0 ? records : `${records}, ${t('tail.rejected', { count: rejected })}`
}

/** @param url of the source, as it was given */
export function tailOpening(opening: Opening, snapshot: Snapshot, url: string, catalog: Catalog): string[] {
  const { t } = catalog
  const { job } = snapshot
  const records = recordsText(snapshot, catalog)
  if (opening.how === 'new') return [t('tail.new', { job, url: visible(url) })]
  return [t(opening.how === 'recovered' ? 'tail.recovered' : 'tail.continued', { job, records })]
}

/** One line of figures, the same in every language: `02:13:37 access records=12345 rejected=0`. */
export function tailLine({ job, extraction, status }: Snapshot, clock: string): string {
  const state = status === 'running' ? '' : ` ${status}`
  return `${clock} ${job} records=${extraction?.items ?? 0} rejected=${extraction?.rejected ?? 0}${state}`
}

export function tailEnd(summary: Summary, catalog: Catalog, exitCode: number): string[] {
  const { t } = catalog
  const { job, end, outputs } = summary
  const records = recordsText(summary, catalog)
  const lines =
    end === 'finished'
      ? [
          `${t('tail.over', { job, outcome: outcomeOf(summary), records })}${exitCode === 0 ? '' : `   exit ${exitCode}`}`,
        ]
      : [
          t('tail.saved', { job, records }),
          `${t('end.continue', { command: `sluice resume ${job}` })}   exit ${exitCode}`,
        ]
  if (outputs.length > 0) lines.push(` ${t('end.output')}  ${outputs.join('   ')}`)
  return lines
}

/** The word of the one URL, with its code or status: `denied 401`. */
function outcomeOf({ done, why, statuses }: Summary): string {
  const word = OUTCOMES.find((one) => done[one] > 0) ?? 'ok'
  const code = word === 'failed' || word === 'denied' || word === 'skipped' ? (why[word][0]?.code ?? '') : ''
  const reason = code === '' ? (Object.keys(statuses)[0] ?? '') : code
  return `${word} ${reason}`.trimEnd()
}

/** Says each pause before a new connection. */
export function sayReconnects(job: Job, say: (text: string) => void, { t }: Catalog): void {
  job.on('request.retried', ({ code, afterMs, attempt }: JobEvent<'request.retried'>) =>
    say(`${t('tail.reconnect', { code, time: shortDuration(afterMs), attempt })}\n`),
  )
}
