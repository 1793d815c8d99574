/** The tables: URLs, hosts, errors; one URL closely; the settings. */
import { useEffect, useState } from 'preact/hooks'
import { Command, shellWord } from './command.tsx'
import { OutcomeBar } from './outcome-bar.tsx'
import { filters, link, ofJob } from './place.ts'
import { complaint, frame, get, post } from './server.ts'
import { Facet, Table } from './table.tsx'
import type { ErrorRow, HostRow, Page, UrlPage, UrlRow, Why } from './types.ts'
import { duration, number, shortBytes, t, time } from './words.ts'

function State({ word }: { readonly word: string }) {
  return (
    <span class={`state ${word}`}>
      <span class={`dot ${word}`} aria-hidden="true" /> {word}
    </span>
  )
}

export function UrlsPage() {
  return (
    <Table<UrlRow, UrlPage>
      path="/api/urls"
      caption={t('ui.urls')}
      keyOf={(row) => row.url + (row.record?.t ?? '')}
      above={({ facets }) => (
        <>
          <Facet name="state" label={t('ui.outcome')} counts={facets.states} />
          <Facet name="code" label={t('ui.code')} counts={facets.codes} />
          <Chosen names={['host', 'status']} />
          <p>
            <a href={ofJob(`/api/urls.ndjson?${filters.value.toString()}`)} download>
              {t('ui.download')}
            </a>
          </p>
        </>
      )}
      columns={[
        {
          title: 'URL',
          sort: 'added',
          cell: ({ url }) => (
            <a class="url" {...link(`/url?url=${encodeURIComponent(url)}`)}>
              {url}
            </a>
          ),
        },
        { title: t('ui.outcome'), sort: 'settled', cell: ({ state }) => <State word={state} /> },
        { title: t('ui.status'), sort: 'status', numeric: true, cell: ({ record }) => record?.status ?? '' },
        { title: t('ui.code'), sort: 'code', cell: ({ record }) => record?.code ?? '' },
        { title: t('ui.host'), sort: 'host', cell: ({ host }) => host },
        { title: t('ui.attempts'), sort: 'attempts', numeric: true, cell: ({ record }) => record?.attempt ?? '' },
        {
          title: t('ui.size'),
          numeric: true,
          cell: ({ record }) => (record?.bytes === undefined ? '' : shortBytes(record.bytes)),
        },
        {
          title: t('ui.when'),
          cell: ({ record }) => (record === undefined ? '' : <span class="line">{time(record.t)}</span>),
        },
      ]}
    />
  )
}

/** Filters that were set by a link, each with a way to take it off. */
function Chosen({ names }: { readonly names: readonly string[] }) {
  const chosen = names.flatMap((name) => {
    const value = filters.value.get(name)
    return value === null ? [] : [{ name, value }]
  })
  return (
    <>
      {chosen.map(({ name, value }) => (
        <Facet key={name} name={name} label={name} counts={{ [value]: Number(frame.value?.statuses[value] ?? 0) }} />
      ))}
    </>
  )
}

export function HostsPage() {
  return (
    <Table<HostRow, Page<HostRow>>
      path="/api/hosts"
      caption={t('ui.hosts')}
      keyOf={(row) => row.host}
      columns={[
        {
          title: t('ui.host'),
          sort: 'host',
          cell: ({ host }) => <a {...link(`/urls?host=${encodeURIComponent(host)}`)}>{host}</a>,
        },
        { title: t('ui.known'), sort: 'known', numeric: true, cell: ({ known }) => number(known) },
        { title: t('ui.left'), sort: 'left', numeric: true, cell: ({ left }) => number(left) },
        { title: 'ok', sort: 'ok', numeric: true, cell: ({ done }) => number(done.ok + done.unchanged) },
        { title: 'failed', sort: 'failed', numeric: true, cell: ({ done }) => number(done.failed) },
        {
          title: t('ui.outcomes'),
          cell: ({ done, left }) => <OutcomeBar done={done} left={left} />,
        },
        { title: t('ui.interval'), sort: 'interval', numeric: true, cell: ({ intervalMs }) => duration(intervalMs) },
        { title: t('ui.errorsInRow'), sort: 'errors', numeric: true, cell: ({ errors }) => number(errors) },
        {
          title: t('ui.endsIn'),
          sort: 'ends',
          numeric: true,
          cell: ({ left, intervalMs }) => (left === 0 ? '' : duration(left * intervalMs)),
        },
        ...(frame.value?.readOnly === true
          ? []
          : [{ title: t('ui.controls'), cell: (row: HostRow) => <HostControls row={row} /> }]),
      ]}
    />
  )
}

/** The delay of one host, and blocking it: how many URLs that ends is said first. */
function HostControls({ row: { host, left, intervalMs } }: { readonly row: HostRow }) {
  const [doing, setDoing] = useState<'delay' | 'block' | undefined>(undefined)
  const [delay, setDelay] = useState(`${intervalMs / 1000}s`)
  const [done, setDone] = useState('')
  const folder = frame.value?.folder ?? ''
  const set = async (name: string, value: unknown): Promise<void> => {
    const answer = await post<{ live: boolean }>('/api/set', { host, name, value })
    if (answer === undefined) return
    setDoing(undefined)
    setDone(answer.live ? t('ui.setLive') : t('ui.setStored'))
  }
  if (doing === undefined) {
    return (
      <>
        <button type="button" data-control="delay" onClick={() => setDoing('delay')}>
          {t('ui.delay')}
        </button>{' '}
        <button type="button" data-control="block" onClick={() => setDoing('block')}>
          {t('ui.block')}
        </button>{' '}
        <span role="status">{done}</span>
      </>
    )
  }
  return (
    <form
      class="dialog"
      aria-label={`${t(doing === 'delay' ? 'ui.delay' : 'ui.block')} ${host}`}
      onSubmit={(event) => {
        event.preventDefault()
        void (doing === 'delay' ? set('delay', delay) : set('block', true))
      }}
    >
      {doing === 'delay' ? (
        <label>
          {t('ui.delay')}{' '}
          <input name="delay" size={6} value={delay} onInput={(event) => setDelay(event.currentTarget.value)} />
        </label>
      ) : (
        <span>{t('ui.blockSure', { count: left })}</span>
      )}{' '}
      <button type="submit" class={doing === 'block' ? 'danger' : undefined} data-control="set-yes">
        {t(doing === 'delay' ? 'ui.apply' : 'ui.block')}
      </button>{' '}
      <button type="button" onClick={() => setDoing(undefined)}>
        {t('ui.cancel')}
      </button>
      <Command
        text={doing === 'delay' ? `sluice set ${folder} ${host} delay=${delay}` : `sluice block ${folder} ${host}`}
      />
      {complaint.value === '' ? null : (
        <span class="complaint" role="alert">
          {complaint.value}
        </span>
      )}
    </form>
  )
}

export function ErrorsPage() {
  return (
    <Table<ErrorRow, Page<ErrorRow>>
      path="/api/errors"
      caption={t('ui.errors')}
      keyOf={({ outcome, code, host }) => `${outcome} ${code} ${host}`}
      columns={[
        { title: t('ui.outcome'), sort: 'outcome', cell: ({ outcome }) => <State word={outcome} /> },
        { title: t('ui.code'), sort: 'code', cell: ({ code }) => code },
        { title: t('ui.host'), sort: 'host', cell: ({ host }) => host },
        { title: 'URLs', sort: 'urls', numeric: true, cell: ({ urls }) => number(urls) },
        { title: t('ui.firstSeen'), sort: 'first', cell: ({ firstAt }) => <span class="line">{time(firstAt)}</span> },
        { title: t('ui.lastSeen'), sort: 'last', cell: ({ lastAt }) => <span class="line">{time(lastAt)}</span> },
        {
          title: t('ui.sample'),
          cell: ({ sample }) => (
            <a class="url" {...link(`/url?url=${encodeURIComponent(sample)}`)}>
              {sample}
            </a>
          ),
        },
        ...(frame.value?.readOnly === true
          ? []
          : [{ title: t('ui.retry'), cell: (row: ErrorRow) => <RetryGroup row={row} /> }]),
      ]}
    />
  )
}

/** Says how many there are before it does anything. */
function RetryGroup({ row }: { readonly row: ErrorRow }) {
  const [count, setCount] = useState<number | undefined>(undefined)
  const [done, setDone] = useState(false)
  const isCode = /^[A-Z]/.test(row.code)
  const query = { outcome: row.outcome, host: row.host, ...(isCode ? { code: row.code } : { status: row.code }) }
  const command = `sluice retry ${frame.value?.folder ?? ''} --outcome ${row.outcome} --host ${row.host} ${isCode ? '--code' : '--status'} ${row.code}`
  const ask = async (dryRun: boolean): Promise<void> => {
    const answer = await post<{ urls: number }>('/api/retry', { query, dryRun })
    if (answer === undefined) return
    setCount(dryRun ? answer.urls : undefined)
    if (!dryRun) setDone(true)
  }
  if (done) return <span>{t('ui.queuedAgain')}</span>
  if (count === undefined) {
    return (
      <button type="button" data-control="retry" onClick={() => void ask(true)}>
        ↻ {t('ui.retry')}
      </button>
    )
  }
  return (
    <span role="alertdialog" aria-label={t('ui.retry')}>
      <button type="button" data-control="retry-yes" onClick={() => void ask(false)}>
        {t('ui.retryCount', { count })}
      </button>{' '}
      <button type="button" onClick={() => setCount(undefined)}>
        {t('ui.cancel')}
      </button>
      <Command text={command} />
      {complaint.value === '' ? null : <span class="complaint">{complaint.value}</span>}
    </span>
  )
}

export function UrlDetailPage() {
  const url = filters.value.get('url') ?? ''
  const [why, setWhy] = useState<Why | undefined>(undefined)
  const seq = frame.value?.seq
  useEffect(() => {
    const aborter = new AbortController()
    get<Why>(`/api/why?url=${encodeURIComponent(url)}`, aborter.signal).then(setWhy, () => undefined)
    return () => aborter.abort()
  }, [url, seq])
  if (why === undefined) return <p class="empty">{t('ui.loading')}</p>
  const outcome = why.record?.['outcome']
  return (
    <>
      <p class="url">{why.url}</p>
      <p>
        <State word={typeof outcome === 'string' ? outcome : why.state} />
      </p>
      <dl class="trail">
        {why.trail.map(({ topic, text }) => (
          <div key={topic + text}>
            <dt>{topic}</dt>
            <dd>{text}</dd>
          </div>
        ))}
      </dl>
      <Command text={`sluice why ${shellWord(url)} --job ${frame.value?.folder ?? ''}`} />
      {why.record === undefined ? null : (
        <section>
          <h2>{t('ui.record')}</h2>
          <pre tabIndex={0}>{JSON.stringify(why.record, null, 2)}</pre>
        </section>
      )}
    </>
  )
}

export function SettingsPage() {
  const [settings, setSettings] = useState<Readonly<Record<string, unknown>>>({})
  useEffect(() => {
    get<Record<string, unknown>>('/api/settings').then(setSettings, () => undefined)
  }, [])
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={t('ui.settings')}>
      <table>
        <caption>{t('ui.settings')}</caption>
        <tbody>
          {Object.entries(settings).map(([name, value]) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td>
                <code>{typeof value === 'string' ? value : JSON.stringify(value)}</code>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
