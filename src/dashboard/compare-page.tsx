/** Compare: this job against another one, or a run against another; what is new, gone or changed, items field by field. */
import { useEffect, useState } from 'preact/hooks'
import { Command, shellWord } from './command.tsx'
import { filter, filters, link } from './place.ts'
import { frame, get } from './server.ts'
import { Complaint, Facet, Table } from './table.tsx'
import type { Page } from './types.ts'
import { number, shortBytes, t } from './words.ts'

interface Jobs {
  readonly job: string
  readonly jobs: readonly { readonly job: string; readonly runs: number }[]
}

interface Facts {
  readonly outcome: string
  readonly code?: string
  readonly status?: number
  readonly title?: string
}

interface Row {
  readonly change: string
  readonly name: string
  readonly url?: string
  readonly before?: Facts
  readonly now?: Facts
  readonly value?: unknown
  readonly fields?: Readonly<Record<string, { readonly before?: unknown; readonly now?: unknown }>>
}

interface Side {
  readonly run: number
  readonly urls: number
  readonly bytes: number
  readonly meanMs: number
}

interface Answer extends Page<Row> {
  readonly told: number
  readonly figures: {
    readonly before: Side
    readonly now: Side
    readonly urls: Readonly<Record<'new' | 'gone' | 'changed' | 'moved' | 'same', number>>
    readonly items?: {
      readonly by?: string
      readonly new: number
      readonly gone: number
      readonly changed: number
      readonly same: number
    }
  }
}

export function ComparePage() {
  const [jobs, setJobs] = useState<Jobs | undefined>(undefined)
  const [reason, setReason] = useState('')
  useEffect(() => {
    get<Jobs>('/api/compare/jobs').then(setJobs, (error: Error) => setReason(error.message))
  }, [])
  if (jobs === undefined) return reason === '' ? <p class="empty">{t('ui.loading')}</p> : <Complaint reason={reason} />
  const sides = jobs.jobs.flatMap(({ job, runs }) => [
    job,
    ...Array.from({ length: runs - 1 }, (_, n) => `${job}@${runs - 1 - n}`),
  ])
  const others = sides.filter((side) => side !== jobs.job)
  if (others.length === 0) return <p class="empty">{t('ui.nothingToCompare')}</p>
  const before = filters.value.get('before') ?? ''
  const now = filters.value.get('now') ?? jobs.job
  return (
    <>
      <div class="tools">
        <Choice name="before" label={t('ui.before')} value={before} sides={['', ...sides]} />
        <Choice name="now" label={t('ui.nowSide')} value={now} sides={sides} />
        {before === '' ? null : <Command text={`sluice diff ${shellWord(before)} ${shellWord(now)}`} />}
      </div>
      {before === '' || before === now ? (
        <p class="empty">{t('ui.chooseSides')}</p>
      ) : (
        <Differences key={before + now} />
      )}
    </>
  )
}

function Choice({
  name,
  label,
  value,
  sides,
}: {
  readonly name: string
  readonly label: string
  readonly value: string
  readonly sides: readonly string[]
}) {
  return (
    <label>
      {label}{' '}
      <select
        name={name}
        value={value}
        onChange={(event) => filter({ [name]: event.currentTarget.value, offset: '', change: '' })}
      >
        {sides.map((side) => (
          <option key={side} value={side}>
            {side}
          </option>
        ))}
      </select>
    </label>
  )
}

function Differences() {
  return (
    <Table<Row, Answer>
      path="/api/compare"
      caption={t('ui.compare')}
      keyOf={(row) => row.change + row.name}
      above={(answer) => <Figures answer={answer} />}
      columns={[
        { title: t('ui.change'), sort: 'change', cell: ({ change }) => <span class="line">{change}</span> },
        {
          title: t('ui.what'),
          sort: 'name',
          cell: ({ url, name }) =>
            url === undefined ? (
              <span class="value">{name}</span>
            ) : (
              <a class="url" {...link(`/url?url=${encodeURIComponent(url)}`)}>
                {url}
              </a>
            ),
        },
        { title: t('ui.before'), cell: (row) => <Told row={row} side="before" /> },
        { title: t('ui.nowSide'), cell: (row) => <Told row={row} side="now" /> },
      ]}
    />
  )
}

function Told({ row, side }: { readonly row: Row; readonly side: 'before' | 'now' }) {
  if (row.fields !== undefined) {
    return (
      <dl class="fields">
        {Object.entries(row.fields).map(([name, values]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{values[side] === undefined ? '–' : JSON.stringify(values[side])}</dd>
          </div>
        ))}
      </dl>
    )
  }
  if (row.value !== undefined) {
    const isHere = (row.change === 'item.new') === (side === 'now')
    return <span class="value">{isHere ? JSON.stringify(row.value).slice(0, 300) : '–'}</span>
  }
  const facts = row[side]
  if (facts === undefined) return <span class="quiet">–</span>
  return (
    <span class="value">{[facts.outcome, facts.status ?? facts.code, facts.title].filter(Boolean).join(' · ')}</span>
  )
}

function Figures({ answer: { figures, told } }: { readonly answer: Answer }) {
  const { before, now, urls, items } = figures
  const counts: Record<string, number> = { new: urls.new, gone: urls.gone, changed: urls.changed, moved: urls.moved }
  if (items !== undefined)
    Object.assign(counts, { 'item.new': items.new, 'item.gone': items.gone, 'item.changed': items.changed })
  const all = Object.values(counts).reduce((sum, count) => sum + count, 0)
  const chosen = Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0))
  return (
    <>
      <dl class="cards">
        {Object.entries({ ...counts, same: urls.same }).map(([name, count]) => (
          <div class="card" key={name}>
            <dt>{name}</dt>
            <dd data-figure={name.replace('.', '-')}>{number(count)}</dd>
          </div>
        ))}
        <div class="card">
          <dt>{t('ui.bytesIn')}</dt>
          <dd>
            {shortBytes(before.bytes)} → {shortBytes(now.bytes)}
          </dd>
        </div>
        <div class="card">
          <dt>{t('ui.meanTime')}</dt>
          <dd>
            {number(before.meanMs)} → {number(now.meanMs)} ms
          </dd>
        </div>
      </dl>
      <Facet name="change" label={t('ui.change')} counts={chosen} />
      {told < all ? <p class="quiet">{t('ui.firstOf', { told, all })}</p> : null}
      {frame.value?.live === true ? <p class="quiet">{t('ui.stillRunning')}</p> : null}
    </>
  )
}
