/** Robots & rules: what keeps URLs out, what each rule has refused, and what the rules would say of a URL. */
import { useEffect, useState } from 'preact/hooks'
import { filters, link } from './place.ts'
import { frame, get } from './server.ts'
import { Excludes } from './steer.tsx'
import { Complaint, Table } from './table.tsx'
import type { Page } from './types.ts'
import { ago, duration, number, shortBytes, t, time } from './words.ts'

interface OriginRow {
  readonly origin: string
  readonly verdict: 'rules' | 'allow' | 'deny'
  readonly status: number
  readonly cause: string
  readonly fetchedAt: string
  readonly size: number
  readonly refused: number
}

interface RobotsFile extends OriginRow {
  readonly group: string
  readonly crawlDelayMs: number | null
  readonly sitemaps: readonly string[]
  readonly lines: readonly { readonly text: string; readonly ours: boolean; readonly refused?: number }[]
  readonly earlier: readonly { readonly rule: string; readonly urls: number }[]
}

interface Verdict {
  readonly url: string
  readonly robots: { readonly allowed: boolean; readonly reason: string } | null
  readonly scope: { readonly code: string; readonly reason: string } | null
}

interface Scope {
  readonly rules: readonly { readonly rule: string; readonly urls: number }[]
  readonly excludes: readonly string[]
}

const VERDICTS = { rules: 'ui.byRules', allow: 'ui.allAllowed', deny: 'ui.allDenied' } as const

export function RulesPage() {
  const origin = filters.value.get('origin')
  if (origin !== null) return <RobotsText origin={origin} />
  return (
    <>
      <div class="columns">
        <Tester />
        <ScopeRules />
      </div>
      <h2>{t('ui.robotsFiles')}</h2>
      <Table<OriginRow, Page<OriginRow>>
        path="/api/robots"
        caption={t('ui.robotsFiles')}
        keyOf={(row) => row.origin}
        columns={[
          {
            title: t('ui.origin'),
            sort: 'origin',
            cell: (row) => <a {...link(`/rules?origin=${encodeURIComponent(row.origin)}`)}>{row.origin}</a>,
          },
          { title: t('ui.verdict'), sort: 'verdict', cell: ({ verdict }) => t(VERDICTS[verdict]) },
          {
            title: t('ui.status'),
            sort: 'status',
            numeric: true,
            cell: ({ status, cause }) => (status === 0 ? cause : status),
          },
          { title: t('ui.age'), sort: 'fetched', cell: ({ fetchedAt }) => <span class="line">{ago(fetchedAt)}</span> },
          { title: t('ui.size'), sort: 'size', numeric: true, cell: ({ size }) => shortBytes(size) },
          { title: t('ui.refused'), sort: 'refused', numeric: true, cell: ({ refused }) => number(refused) },
        ]}
      />
    </>
  )
}

/** What robots.txt and scope, as they are stored, say of a URL that need not be known. */
function Tester() {
  const [url, setUrl] = useState('')
  const [verdict, setVerdict] = useState<Verdict | undefined>(undefined)
  const [reason, setReason] = useState('')
  const ask = (): void => {
    setVerdict(undefined)
    setReason('')
    get<Verdict>(`/api/robots/test?url=${encodeURIComponent(url)}`).then(setVerdict, (error: Error) =>
      setReason(error.message),
    )
  }
  return (
    <section>
      <h2>{t('ui.testUrl')}</h2>
      <form
        class="tools"
        onSubmit={(event) => {
          event.preventDefault()
          ask()
        }}
      >
        <label>
          URL{' '}
          <input
            name="url"
            required
            spellcheck={false}
            value={url}
            onInput={(event) => setUrl(event.currentTarget.value)}
          />
        </label>
        <button type="submit">{t('ui.test')}</button>
      </form>
      <Complaint reason={reason} />
      <div role="status">
        {verdict === undefined ? null : (
          <dl
            class="trail"
            data-verdict={verdict.robots?.allowed === false || verdict.scope !== null ? 'refused' : 'allowed'}
          >
            <div>
              <dt>robots.txt</dt>
              <dd>
                {verdict.robots === null
                  ? t('ui.notAsked')
                  : `${verdict.robots.allowed ? t('ui.allowed') : t('ui.denied')}: ${verdict.robots.reason}`}
              </dd>
            </div>
            <div>
              <dt>{t('ui.scope')}</dt>
              <dd>{verdict.scope === null ? t('ui.inScope') : `${verdict.scope.code}: ${verdict.scope.reason}`}</dd>
            </div>
          </dl>
        )}
      </div>
    </section>
  )
}

function ScopeRules() {
  const [scope, setScope] = useState<Scope | undefined>(undefined)
  const seq = frame.value?.seq
  useEffect(() => {
    const aborter = new AbortController()
    get<Scope>('/api/scope', aborter.signal).then(setScope, () => undefined)
    return () => aborter.abort()
  }, [seq])
  if (scope === undefined) return <p class="empty">{t('ui.loading')}</p>
  return (
    <section>
      <h2>{t('ui.scopeRules')}</h2>
      {scope.rules.length === 0 ? (
        <p class="quiet">{t('ui.noneRefused')}</p>
      ) : (
        <ul class="tally">
          {scope.rules.slice(0, 12).map(({ rule, urls }) => (
            <li key={rule} class={urls === 0 ? 'quiet' : undefined}>
              <code>{rule}</code> <b data-rule={rule}>{number(urls)}</b>
            </li>
          ))}
        </ul>
      )}
      {frame.value?.readOnly === true ? null : <Excludes key={scope.excludes.join(' ')} excludes={scope.excludes} />}
    </section>
  )
}

function RobotsText({ origin }: { readonly origin: string }) {
  const [file, setFile] = useState<RobotsFile | undefined>(undefined)
  const [reason, setReason] = useState('')
  const seq = frame.value?.seq
  useEffect(() => {
    const aborter = new AbortController()
    get<RobotsFile>(`/api/robots/file?origin=${encodeURIComponent(origin)}`, aborter.signal).then(
      setFile,
      (error: Error) => {
        if (!aborter.signal.aborted) setReason(error.message)
      },
    )
    return () => aborter.abort()
  }, [origin, seq])
  return (
    <>
      <p>
        <a {...link('/rules')}>← {t('ui.robotsFiles')}</a>
      </p>
      <h2>{origin}/robots.txt</h2>
      <Complaint reason={reason} />
      {file === undefined ? null : (
        <>
          <dl class="trail">
            <Fact name={t('ui.verdict')}>{t(VERDICTS[file.verdict])}</Fact>
            <Fact name={t('ui.status')}>{file.status === 0 ? file.cause : String(file.status)}</Fact>
            <Fact name={t('ui.fetchedAt')}>{time(file.fetchedAt)}</Fact>
            <Fact name={t('ui.group')}>{file.group === '' ? t('ui.noGroup') : file.group}</Fact>
            {file.crawlDelayMs === null ? null : <Fact name="Crawl-delay">{duration(file.crawlDelayMs)}</Fact>}
            {file.sitemaps.length === 0 ? null : <Fact name="Sitemap">{file.sitemaps.slice(0, 20).join(' ')}</Fact>}
            <Fact name={t('ui.refused')}>{number(file.refused)}</Fact>
          </dl>
          {file.lines.length === 0 ? null : <Lines lines={file.lines} />}
          {file.earlier.length === 0 ? null : (
            <section>
              <h2>{t('ui.earlierRules')}</h2>
              <ul class="tally">
                {file.earlier.map(({ rule, urls }) => (
                  <li key={rule}>
                    <code>{rule}</code> <b>{number(urls)}</b>
                  </li>
                ))}
              </ul>
            </section>
          )}
        </>
      )}
    </>
  )
}

function Fact({ name, children }: { readonly name: string; readonly children: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  )
}

const MOST_LINES = 2000

function Lines({ lines }: { readonly lines: RobotsFile['lines'] }) {
  return (
    <div class="scroll lines" tabIndex={0} role="region" aria-label="robots.txt">
      <table>
        <thead>
          <tr>
            <th scope="col" class="figure">
              {t('ui.line')}
            </th>
            <th scope="col">robots.txt</th>
            <th scope="col" class="figure">
              {t('ui.refused')}
            </th>
          </tr>
        </thead>
        <tbody>
          {lines.slice(0, MOST_LINES).map(({ text, ours, refused }, i) => (
            <tr key={i} class={ours ? 'ours' : undefined}>
              <td class="figure quiet">{i + 1}</td>
              <td>
                <code>{text}</code>
              </td>
              <td class="figure">{refused === undefined ? '' : number(refused)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
