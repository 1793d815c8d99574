/** The page of a service: its jobs, what each one does, and the form for a new one. It speaks only the server's API. */
import { render } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { ofRoot } from './place.ts'
import { complaint, connection, exchangeKey, post } from './server.ts'
import { Table } from './table.tsx'
import type { Page } from './types.ts'
import { chooseWords, duration, language, LANGUAGE_NAMES, LANGUAGES, number, percent, t, time } from './words.ts'
import type { Language } from './words.ts'

interface JobRow {
  readonly name: string
  readonly kind: string | null
  readonly state: string
  readonly reason: string
  readonly createdAt: string | null
  readonly known: number
  readonly done: number
  readonly left: number
  readonly perSecond: number
  readonly etaMs: number | null
}

/** The table is asked for again so often while the page is seen, ms. */
const LOOK_MS = 2000

function App() {
  const [version, setVersion] = useState(0)
  const again = (): void => setVersion((n) => n + 1)
  useEffect(() => {
    const timer = setInterval(() => {
      if (document.visibilityState === 'visible') again()
    }, LOOK_MS)
    return () => clearInterval(timer)
  }, [])
  document.title = `${t('ui.jobs')} – Sluice`
  return (
    <>
      <a class="skip" href="#main">
        {t('ui.skip')}
      </a>
      <header>
        <p class="brand">
          <strong>Sluice</strong>
        </p>
        <label class="language">
          <span class="hidden">{t('ui.language')}</span>
          <select value={language()} onChange={(event) => void chooseWords(event.currentTarget.value as Language)}>
            {LANGUAGES.map((one) => (
              <option key={one} value={one} lang={one}>
                {LANGUAGE_NAMES[one]}
              </option>
            ))}
          </select>
        </label>
      </header>
      <p class="connection" role="status">
        {connection.value === 'refused' ? t('ui.refused') : ''}
      </p>
      <main id="main" tabIndex={-1}>
        <h1>{t('ui.jobs')}</h1>
        <NewJob done={again} />
        {complaint.value === '' ? null : (
          <p class="complaint" role="alert">
            {complaint.value}
          </p>
        )}
        <Table<JobRow, Page<JobRow>>
          path="/api/jobs"
          caption={t('ui.jobs')}
          version={version}
          keyOf={(row) => row.name}
          columns={[
            {
              title: t('ui.job'),
              sort: 'name',
              cell: ({ name }) => <a href={ofRoot(`/jobs/${encodeURIComponent(name)}/`)}>{name}</a>,
            },
            { title: t('ui.kind'), cell: ({ kind }) => kind ?? '' },
            {
              title: t('ui.state'),
              sort: 'state',
              cell: ({ state, reason }) => (
                <>
                  <span class={`badge ${state}`}>{state}</span> {reason}
                </>
              ),
            },
            { title: t('ui.done'), sort: 'done', numeric: true, cell: ({ done }) => number(done) },
            { title: t('ui.left'), sort: 'left', numeric: true, cell: ({ left }) => number(left) },
            {
              title: t('ui.progress'),
              numeric: true,
              cell: ({ done, known }) => (known === 0 ? '' : percent(Math.floor((done / known) * 1000) / 1000)),
            },
            { title: t('ui.rate'), numeric: true, cell: ({ perSecond }) => number(Math.round(perSecond * 10) / 10) },
            { title: t('ui.eta'), numeric: true, cell: ({ etaMs }) => (etaMs === null ? '–' : duration(etaMs)) },
            {
              title: t('ui.created'),
              sort: 'created',
              cell: ({ createdAt }) => (createdAt === null ? '' : <span class="line">{time(createdAt)}</span>),
            },
            { title: t('ui.controls'), cell: (row) => <Controls row={row} done={again} /> },
          ]}
        />
      </main>
    </>
  )
}

const LIVE = ['running', 'paused', 'draining', 'starting', 'queued', 'waiting']

function Controls({ row: { name, state }, done }: { readonly row: JobRow; readonly done: () => void }) {
  const [isAsking, setAsking] = useState(false)
  const [typed, setTyped] = useState('')
  const path = `/api/jobs/${encodeURIComponent(name)}`
  const act = async (what: string): Promise<void> => {
    await post(`${path}/${what}`)
    done()
  }
  const remove = async (): Promise<void> => {
    if ((await post(path, { confirm: typed }, 'DELETE')) !== undefined) setAsking(false)
    done()
  }
  if (isAsking) {
    return (
      <form
        onSubmit={(event) => {
          event.preventDefault()
          void remove()
        }}
      >
        <label>
          {t('ui.deleteSure', { job: name })}{' '}
          <input value={typed} onInput={(event) => setTyped(event.currentTarget.value)} />
        </label>{' '}
        <button type="submit" class="danger" disabled={typed !== name}>
          {t('ui.delete')}
        </button>{' '}
        <button type="button" onClick={() => setAsking(false)}>
          {t('ui.cancel')}
        </button>
      </form>
    )
  }
  if (!LIVE.includes(state)) {
    return (
      <span class="line">
        <button
          type="button"
          data-control="start"
          aria-label={`${t('ui.start')}: ${name}`}
          onClick={() => void act('start')}
        >
          ▶ {t('ui.start')}
        </button>{' '}
        <button type="button" aria-label={`${t('ui.delete')}: ${name}`} onClick={() => setAsking(true)}>
          {t('ui.delete')}
        </button>
      </span>
    )
  }
  return (
    <span class="line">
      {state === 'paused' ? (
        <button type="button" aria-label={`${t('ui.resume')}: ${name}`} onClick={() => void act('resume')}>
          ▶ {t('ui.resume')}
        </button>
      ) : (
        <button
          type="button"
          disabled={state !== 'running'}
          aria-label={`${t('ui.pause')}: ${name}`}
          onClick={() => void act('pause')}
        >
          ❚❚ {t('ui.pause')}
        </button>
      )}{' '}
      <button
        type="button"
        data-control="stop"
        aria-label={`${t('ui.stop')}: ${name}`}
        onClick={() => void act('stop')}
      >
        ■ {t('ui.stop')}
      </button>
    </span>
  )
}

function NewJob({ done }: { readonly done: () => void }) {
  const [text, setText] = useState('')
  const [name, setName] = useState('')
  const [kind, setKind] = useState('crawl')
  const create = async (): Promise<void> => {
    const made = await post(`/api/jobs/${kind}`, { urls, ...(name === '' ? {} : { name }) })
    if (made !== undefined) setText('')
    done()
  }
  const urls = text.split(/\s+/).filter((url) => url !== '')
  return (
    <details class="new">
      <summary>{t('ui.newJob')}</summary>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          void create()
        }}
      >
        <p>
          <label>
            {t('ui.urlsOneALine')}
            <br />
            <textarea
              name="urls"
              rows={4}
              cols={60}
              value={text}
              onInput={(event) => setText(event.currentTarget.value)}
            />
          </label>
        </p>
        <p>
          <label>
            {t('ui.kind')}{' '}
            <select name="kind" value={kind} onChange={(event) => setKind(event.currentTarget.value)}>
              <option value="crawl">{t('ui.crawlThem')}</option>
              <option value="fetch">{t('ui.fetchThem')}</option>
            </select>
          </label>{' '}
          <label>
            {t('ui.nameOfJob')}{' '}
            <input name="name" value={name} onInput={(event) => setName(event.currentTarget.value)} />
          </label>{' '}
          <button type="submit" data-control="create" disabled={urls.length === 0}>
            {t('ui.start')}
          </button>
        </p>
      </form>
    </details>
  )
}

await exchangeKey()
await chooseWords()
render(<App />, document.querySelector('#app') as HTMLElement)
