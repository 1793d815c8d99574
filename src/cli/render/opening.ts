/** What is said when a job opens: new, continued, recovered or finished already (UX.md 3.5). */
import type { Opening, Snapshot } from '../../job/job.ts'
import type { Catalog, MessageKey } from '../../locales/catalog.ts'
import { shortDuration } from './format.ts'
import { tailOpening } from './tail.ts'

export interface OpeningFacts {
  readonly opening: Opening
  readonly snapshot: Snapshot
  readonly robots: string
  readonly contact: string | undefined
  /** A finished job that fetches again what it has: `--if-changed`, `--if-due`. */
  readonly isAgain?: boolean
  /** First input, as it was given; a tail names it. */
  readonly subject?: string
}

export function renderOpening(facts: OpeningFacts, catalog: Catalog): string[] {
  const { opening, snapshot, robots, contact, subject = '' } = facts
  const { t } = catalog
  const { job } = snapshot
  if (snapshot.kind === 'tail') return tailOpening(opening, snapshot, subject, catalog)
  const left = { done: opening.doneTotal, left: opening.left }
  switch (opening.how) {
    case 'new':
      return [newLine(snapshot, robots, contact, t)]
    case 'finished':
      if (facts.isAgain === true) return [t('open.finishedAgain', { job, done: opening.doneTotal })]
      return [t('open.finished', { job, done: opening.doneTotal }), t('open.finishedHint')]
    case 'recovered': {
      const commit = ` ${t('open.lastCommit', { ago: shortDuration(opening.lastCommitAgoMs) })}`
      return [
        (opening.requeued === 0 ? t('open.recoveredNone') : t('open.recovered', { count: opening.requeued })) + commit,
        t('open.recoveredJob', { job, ...left }),
        ...changeLines(opening, t),
      ]
    }
    case 'continued': {
      const { stopped } = opening
      const first =
        stopped === null
          ? t('open.continued', { job, ...left })
          : t('open.continuedAfter', {
              job,
              ago: shortDuration(stopped.agoMs),
              reason: t(`stopped.${stopped.reason}` as MessageKey),
              ...left,
            })
      return [first, ...changeLines(opening, t), t('open.fresh', { job })]
    }
  }
}

function newLine(snapshot: Snapshot, robots: string, contact: string | undefined, t: Catalog['t']): string {
  const fields = [t('open.new', { job: snapshot.job })]
  const urls = snapshot.total ?? snapshot.known
  if (urls > 0) fields.push(t('open.urls', { count: urls }))
  if (snapshot.hosts > 0) fields.push(t('open.hosts', { count: snapshot.hosts }))
  fields.push(`robots ${robots}`)
  if (contact !== undefined) fields.push(t('open.contact', { contact }))
  return fields.join('   ')
}

function changeLines({ changes }: Opening, t: Catalog['t']): string[] {
  return changes.map(({ name, from, to }) => ` ${t('open.changed', { name, from, to })}`)
}
