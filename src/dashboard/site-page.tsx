/** Site: folders of the URLs with what became of them, opened a level at a time. */
import { useEffect, useState } from 'preact/hooks'
import { filters, link } from './place.ts'
import { OutcomeBar } from './outcome-bar.tsx'
import { Table } from './table.tsx'
import type { Outcome, Page } from './types.ts'
import { number, percent, shortBytes, t } from './words.ts'

interface Folder {
  readonly name: string
  readonly prefix: string
  readonly known: number
  readonly left: number
  readonly done: Readonly<Record<Outcome, number>>
  readonly bytes: number
  readonly folders: number
  readonly pages: number
}

interface SiteAnswer extends Page<Folder> {
  readonly share: number
  readonly folder?: Folder
}

export function SitePage() {
  const place = filters.value.get('in') ?? ''
  const [share, setShare] = useState(1)
  const [again, setAgain] = useState(0)
  useEffect(() => {
    if (share >= 1) return undefined
    const timer = setTimeout(() => setAgain(again + 1), 300)
    return () => clearTimeout(timer)
  }, [share, again])
  return (
    <>
      <Crumbs place={place} />
      <Table<Folder, SiteAnswer>
        key={place}
        path="/api/site"
        caption={t('ui.site')}
        again={again}
        keyOf={(row) => row.prefix}
        onAnswer={(answer) => setShare(answer.share)}
        above={(answer) => <Here answer={answer} />}
        columns={[
          {
            title: t('ui.folder'),
            sort: 'name',
            cell: ({ name, prefix, folders }) => (
              <a class="url" {...link(folders > 0 ? inside(prefix) : pagesOf(prefix))}>
                {name}/
              </a>
            ),
          },
          { title: t('ui.known'), sort: 'known', numeric: true, cell: ({ known }) => number(known) },
          { title: 'ok', sort: 'ok', numeric: true, cell: ({ done }) => number(done.ok + done.unchanged) },
          { title: 'gone', sort: 'gone', numeric: true, cell: ({ done }) => number(done.gone) },
          { title: 'failed', sort: 'failed', numeric: true, cell: ({ done }) => number(done.failed) },
          { title: t('ui.left'), sort: 'left', numeric: true, cell: ({ left }) => number(left) },
          { title: t('ui.outcomes'), cell: ({ done, left }) => <OutcomeBar done={done} left={left} /> },
          { title: t('ui.bytesIn'), sort: 'bytes', numeric: true, cell: ({ bytes }) => shortBytes(bytes) },
        ]}
      />
    </>
  )
}

/** The way down to here, each step a link. */
function Crumbs({ place }: { readonly place: string }) {
  const parts = place === '' ? [] : place.replace(/\/$/, '').replace('://', ':\u0000').split('/')
  return (
    <nav class="crumbs" aria-label={t('ui.folder')}>
      <a {...link('/site')} aria-current={place === '' ? 'page' : undefined}>
        {t('ui.allSites')}
      </a>
      {parts.map((part, i) => {
        const prefix = `${parts
          .slice(0, i + 1)
          .join('/')
          .replace(':\u0000', '://')}/`
        return (
          <a key={prefix} {...link(inside(prefix))} aria-current={prefix === place ? 'page' : undefined}>
            {part.replace(':\u0000', '://')}/
          </a>
        )
      })}
    </nav>
  )
}

function Here({ answer: { share, folder } }: { readonly answer: SiteAnswer }) {
  return (
    <>
      {share < 1 ? <p role="status">{t('ui.makingTree', { share: percent(Math.floor(share * 100) / 100) })}</p> : null}
      {folder === undefined ? null : (
        <dl class="cards">
          <Figure name="treeKnown" label={t('ui.known')} value={number(folder.known)} />
          <Figure name="treeOk" label="ok" value={number(folder.done.ok + folder.done.unchanged)} />
          <Figure name="treeGone" label="gone" value={number(folder.done.gone)} />
          <Figure name="treeLeft" label={t('ui.left')} value={number(folder.left)} />
          <Figure name="treeBytes" label={t('ui.bytesIn')} value={shortBytes(folder.bytes)} />
        </dl>
      )}
      {folder === undefined || folder.pages === 0 ? null : (
        <p>
          <a {...link(pagesOf(folder.prefix))}>{t('ui.pagesHere', { count: folder.pages })}</a>
        </p>
      )}
    </>
  )
}

function Figure({ name, label, value }: { readonly name: string; readonly label: string; readonly value: string }) {
  return (
    <div class="card">
      <dt>{label}</dt>
      <dd data-figure={name}>{value}</dd>
    </div>
  )
}

function inside(prefix: string): string {
  return `/site?in=${encodeURIComponent(prefix)}`
}

function pagesOf(prefix: string): string {
  return `/urls?q=${encodeURIComponent(prefix)}`
}
