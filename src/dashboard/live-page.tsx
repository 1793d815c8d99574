/** Live: what the job does this moment, what it has done, and the controls. */
import { useEffect, useState } from 'preact/hooks'
import { Command } from './command.tsx'
import { Findings } from './findings.tsx'
import type { Finding } from './findings.tsx'
import { GrowthPlot } from './growth-plot.tsx'
import type { GrowthAnswer } from './growth-plot.tsx'
import { link } from './place.ts'
import { Plot } from './plot.tsx'
import { complaint, frame, get, post } from './server.ts'
import { AddUrls } from './steer.tsx'
import { OUTCOMES } from './types.ts'
import type { Frame, Series } from './types.ts'
import { duration, number, percent, shortBytes, t } from './words.ts'

export function LivePage() {
  const now = frame.value
  const [series, setSeries] = useState<Series | undefined>(undefined)
  const [growth, setGrowth] = useState<GrowthAnswer | undefined>(undefined)
  const [findings, setFindings] = useState<readonly Finding[]>([])
  const seq = now?.seq
  useEffect(() => {
    const aborter = new AbortController()
    get<GrowthAnswer>('/api/growth', aborter.signal).then(setGrowth, () => undefined)
    get<{ findings: readonly Finding[] }>('/api/findings', aborter.signal).then(
      (answer) => setFindings(answer.findings),
      () => undefined,
    )
    get<Series>('/api/series', aborter.signal).then(setSeries, () => undefined)
    return () => aborter.abort()
  }, [seq])
  if (now === undefined) return <p class="empty">{t('ui.loading')}</p>
  return (
    <>
      {now.readOnly ? <p class="quiet">{t('ui.readOnly')}</p> : <Controls now={now} />}
      <Findings findings={findings} />
      <Progress now={now} />
      <dl class="cards">
        <Card name="known" label={t('ui.known')} value={number(now.known)} />
        <Card name="done" label={t('ui.done')} value={number(now.doneTotal)} />
        <Card name="left" label={t('ui.left')} value={number(now.left.total)} />
        <Card name="inFlight" label={t('ui.inFlight')} value={number(now.left.inFlight)} />
        <Card name="hosts" label={t('ui.hosts')} value={number(now.hosts)} />
        {now.live ? (
          <>
            <Card name="rate" label={t('ui.rate')} value={number(Math.round(now.perSecond * 10) / 10)} />
            <Card name="bytes" label={t('ui.bytesPerSecond')} value={`${shortBytes(now.bytesPerSecond)}/s`} />
            <Card
              name="latency"
              label={t('ui.latency')}
              value={`${number(Math.round(now.p50Ms))} / ${number(Math.round(now.p95Ms))} ms`}
            />
            <Card name="eta" label={t('ui.eta')} value={now.eta === null ? '–' : duration(now.eta.ms)} />
          </>
        ) : null}
      </dl>
      {series === undefined ? null : <Plot series={series} />}
      {growth === undefined || growth.points.length < 2 ? null : <GrowthPlot growth={growth} />}
      <Reasons now={now} />
    </>
  )
}

function Card({ name, label, value }: { readonly name: string; readonly label: string; readonly value: string }) {
  return (
    <div class="card">
      <dt>{label}</dt>
      <dd data-figure={name}>{value}</dd>
    </div>
  )
}

/** The outcomes as one bar of what is known. */
function Progress({ now }: { readonly now: Frame }) {
  const share = now.known === 0 ? 0 : now.doneTotal / now.known
  const words = OUTCOMES.filter((word) => now.done[word] > 0)
  return (
    <section aria-label={t('ui.progress')}>
      <p class="share">
        <strong data-figure="share">{percent(Math.floor(share * 1000) / 1000)}</strong>{' '}
        {t('ui.ofKnown', { done: now.doneTotal, known: now.known })}
      </p>
      <div class="bar" role="img" aria-label={words.map((word) => `${word} ${number(now.done[word])}`).join(', ')}>
        {words.map((word) => (
          <span key={word} class={word} style={{ flexGrow: now.done[word] }} />
        ))}
        <span class="left" style={{ flexGrow: now.left.total }} />
      </div>
      <ul class="legend">
        {OUTCOMES.map((word) => (
          <li key={word}>
            <a {...link(`/urls?state=${word}`)}>
              <span class={`dot ${word}`} aria-hidden="true" /> {word}{' '}
              <b data-figure={word}>{number(now.done[word])}</b>
            </a>
          </li>
        ))}
        <li>
          <a {...link('/urls?state=left')}>
            <span class="dot left" aria-hidden="true" /> {t('ui.left')} <b>{number(now.left.total)}</b>
          </a>
        </li>
      </ul>
    </section>
  )
}

/** Every control shows the command that does the same. */
function Controls({ now }: { readonly now: Frame }) {
  const folder = now.folder
  const isPaused = now.status === 'paused'
  const [isAsking, setAsking] = useState(false)
  if (!now.live) {
    return (
      <div class="controls">
        {t('ui.notRunning')} <Command text={`sluice resume ${folder}`} /> <AddUrls />
      </div>
    )
  }
  return (
    <section class="controls" aria-label={t('ui.controls')}>
      <button
        type="button"
        data-control={isPaused ? 'resume' : 'pause'}
        onClick={() => post(isPaused ? '/api/resume' : '/api/pause')}
      >
        {isPaused ? `▶ ${t('ui.resume')}` : `❚❚ ${t('ui.pause')}`}
      </button>
      <Command text={`sluice ${isPaused ? 'resume' : 'pause'} ${folder}`} />
      {isAsking ? (
        <span role="alertdialog" aria-label={t('ui.stop')}>
          {t('ui.stopSure')}{' '}
          <button
            type="button"
            class="danger"
            data-control="stop-yes"
            onClick={() => {
              setAsking(false)
              void post('/api/stop')
            }}
          >
            {t('ui.stop')}
          </button>{' '}
          <button type="button" onClick={() => setAsking(false)}>
            {t('ui.cancel')}
          </button>
        </span>
      ) : (
        <button type="button" data-control="stop" onClick={() => setAsking(true)}>
          ■ {t('ui.stop')}
        </button>
      )}
      <Command text={`sluice stop ${folder}`} />
      <AddUrls />
      {complaint.value === '' ? null : (
        <p class="complaint" role="alert">
          {complaint.value}
        </p>
      )}
    </section>
  )
}

function Reasons({ now }: { readonly now: Frame }) {
  // `failed/DNS_NOT_FOUND`; what has no code is an answer.
  const codes = Object.entries(now.codes)
    .map(([name, count]) => [name.slice(name.indexOf('/') + 1), count] as const)
    .filter(([code]) => code !== '')
    .sort((a, b) => b[1] - a[1])
  const statuses = Object.entries(now.statuses).sort((a, b) => b[1] - a[1])
  return (
    <div class="columns">
      <Tally title={t('ui.codes')} entries={codes} to={(code) => `/urls?code=${encodeURIComponent(code)}`} />
      <Tally title={t('ui.statuses')} entries={statuses} to={(status) => `/urls?status=${status}`} />
    </div>
  )
}

function Tally({
  title,
  entries,
  to,
}: {
  readonly title: string
  readonly entries: readonly (readonly [string, number])[]
  readonly to: (name: string) => string
}) {
  if (entries.length === 0) return null
  return (
    <section>
      <h2>{title}</h2>
      <ul class="tally">
        {entries.slice(0, 10).map(([name, count]) => (
          <li key={name}>
            <a {...link(to(name))}>{name}</a> <b>{number(count)}</b>
          </li>
        ))}
      </ul>
    </section>
  )
}
