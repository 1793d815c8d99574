/** The dashboard: a page of one job, live by server-sent events. It speaks only the server's API. */
import { render } from 'preact'
import type { ComponentType } from 'preact'
import './main.css'
import { Announcer } from './announcer.tsx'
import { AuditPage } from './audit-page.tsx'
import { ComparePage } from './compare-page.tsx'
import { ItemsPage } from './items-page.tsx'
import { Keys } from './keys.tsx'
import { LivePage } from './live-page.tsx'
import { ErrorsPage, HostsPage, SettingsPage, UrlDetailPage, UrlsPage } from './pages.tsx'
import { hasOthers, link, ofRoot, page } from './place.ts'
import { connection, exchangeKey, frame, watch } from './server.ts'
import { RulesPage } from './rules-page.tsx'
import { SitePage } from './site-page.tsx'
import { SqlPage } from './sql-page.tsx'
import { WorkersPage } from './workers-page.tsx'
import { chooseWords, language, LANGUAGE_NAMES, LANGUAGES, number, t } from './words.ts'
import type { Key, Language } from './words.ts'

interface Route {
  readonly path: string
  readonly title: Key
  readonly body: ComponentType
  readonly isHidden?: boolean
}

const ROUTES: readonly Route[] = [
  { path: '/', title: 'ui.live', body: LivePage },
  { path: '/urls', title: 'ui.urls', body: UrlsPage },
  { path: '/hosts', title: 'ui.hosts', body: HostsPage },
  { path: '/errors', title: 'ui.errors', body: ErrorsPage },
  { path: '/site', title: 'ui.site', body: SitePage },
  { path: '/items', title: 'ui.items', body: ItemsPage },
  { path: '/rules', title: 'ui.rules', body: RulesPage },
  { path: '/compare', title: 'ui.compare', body: ComparePage },
  { path: '/sql', title: 'ui.sql', body: SqlPage },
  { path: '/workers', title: 'ui.workers', body: WorkersPage },
  { path: '/audit', title: 'ui.audit', body: AuditPage },
  { path: '/settings', title: 'ui.settings', body: SettingsPage },
  { path: '/url', title: 'ui.url', body: UrlDetailPage, isHidden: true },
]

const SHOWN = ROUTES.filter(({ isHidden }) => isHidden !== true)

function App() {
  const route = ROUTES.find(({ path }) => path === page.value) ?? (ROUTES[0] as Route)
  const now = frame.value
  document.title = now === undefined ? 'Sluice' : `${now.job} – ${t(route.title)} – Sluice`
  const Body = route.body
  return (
    <>
      <a class="skip" href="#main">
        {t('ui.skip')}
      </a>
      <header>
        <p class="brand">
          {hasOthers ? <a href={ofRoot('/')}>{t('ui.jobs')}</a> : <strong>Sluice</strong>}{' '}
          {now === undefined ? null : <span class="job">{now.job}</span>}{' '}
          {now === undefined ? null : <span class={`badge ${now.status}`}>{now.status}</span>}
        </p>
        <nav aria-label={t('ui.pagesOfJob')}>
          {SHOWN.map(({ path, title }) => (
            <a key={path} {...link(path)} aria-current={path === route.path ? 'page' : undefined}>
              {t(title)}
            </a>
          ))}
        </nav>
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
      <Connection />
      <main id="main" tabIndex={-1}>
        <h1>{t(route.title)}</h1>
        <Body />
      </main>
      <footer>
        <span data-figure="seq" data-seq={now?.seq ?? 0}>
          {t('ui.asOf', { seq: number(now?.seq ?? 0) })}
        </span>
        <Announcer />
        <Keys pages={SHOWN} />
      </footer>
    </>
  )
}

function Connection() {
  const text = {
    opening: '',
    open: frame.value?.complete === false ? t('ui.reading') : '',
    lost: t('ui.lost'),
    refused: t('ui.refused'),
  }[connection.value]
  return (
    <p class="connection" role="status">
      {text}
    </p>
  )
}

await Promise.all([exchangeKey(), chooseWords()])
watch()
render(<App />, document.querySelector('#app') as HTMLElement)
