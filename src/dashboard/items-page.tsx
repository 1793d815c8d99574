/** Items: a table of their fields with facets, what is missing and what was refused, field by field. */
import { useState } from 'preact/hooks'
import { Command, shellWord } from './command.tsx'
import { filter, filters, link, ofJob } from './place.ts'
import { frame } from './server.ts'
import { Facet, Table } from './table.tsx'
import type { ColumnOf } from './table.tsx'
import type { Page } from './types.ts'
import { number, percent, t } from './words.ts'

type Item = Readonly<Record<string, unknown>>

interface Complaint {
  readonly path: string
  readonly message: string
  readonly count: number
  readonly url: string
  readonly value: string
}

interface ItemsAnswer extends Page<Item> {
  readonly figures: {
    readonly isReadable: boolean
    readonly items: number
    readonly types: Readonly<Record<string, number>>
    readonly typeField: string
    readonly keyField: string
    readonly fields: readonly { readonly name: string; readonly items: number }[]
  }
  readonly extraction: {
    readonly items: number
    readonly rejected: number
    readonly pages: number
    readonly failed: number
    readonly fields: readonly Complaint[]
  } | null
}

/** Columns shown; the others are in the download and in SQL. */
const MOST_COLUMNS = 12

export function ItemsPage() {
  const [columns, setColumns] = useState<readonly ColumnOf<Item>[]>([])
  return (
    <Table<Item, ItemsAnswer>
      path="/api/items"
      caption={t('ui.items')}
      keyOf={(row) => JSON.stringify(row)}
      columns={columns}
      onAnswer={({ figures }) => setColumns(columnsOf(figures.fields.map(({ name }) => name)))}
      above={(answer) => <Figures answer={answer} />}
      below={(answer) => <Fields answer={answer} />}
    />
  )
}

function columnsOf(names: readonly string[]): ColumnOf<Item>[] {
  return names.slice(0, MOST_COLUMNS).map((name) => ({
    title: name,
    sort: name,
    cell: (row) => <Value value={row[name]} />,
  }))
}

function Value({ value }: { readonly value: unknown }) {
  if (value === undefined || value === null) return <span class="quiet">–</span>
  if (typeof value === 'number') return <span class="line">{String(value)}</span>
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return <span class="value">{text.length > 300 ? `${text.slice(0, 300)}…` : text}</span>
}

function Figures({ answer: { figures, extraction } }: { readonly answer: ItemsAnswer }) {
  if (!figures.isReadable) return <p class="quiet">{t('ui.itemsElsewhere')}</p>
  const query = filters.value
  const isLatest = query.get('latest') === '1'
  const missing = query.get('missing')
  return (
    <>
      {extraction === null ? null : (
        <dl class="cards">
          <Figure name="items" label={t('ui.items')} value={extraction.items} />
          <Figure name="rejected" label={t('ui.itemsRejected')} value={extraction.rejected} />
          <Figure name="pages" label={t('ui.pagesExtracted')} value={extraction.pages} />
          <Figure name="pagesFailed" label={t('ui.pagesFailed')} value={extraction.failed} />
        </dl>
      )}
      <Facet name="type" label={figures.typeField} counts={figures.types} />
      <div class="tools">
        {figures.keyField === '' ? null : (
          <button
            type="button"
            class="chip"
            aria-pressed={isLatest}
            onClick={() => filter({ latest: isLatest ? '' : '1', offset: '' })}
          >
            {t('ui.latestOf', { field: figures.keyField })}
          </button>
        )}
        {missing === null ? null : (
          <button type="button" class="chip" aria-pressed onClick={() => filter({ missing: '', offset: '' })}>
            {t('ui.without', { field: missing })}
          </button>
        )}
        <a href={ofJob(`/api/items.ndjson?${query.toString()}`)} download>
          {t('ui.download')}
        </a>
        <Command text={`sluice export ${shellWord(frame.value?.folder ?? '')} --items --format csv`} />
      </div>
    </>
  )
}

function Figure({ name, label, value }: { readonly name: string; readonly label: string; readonly value: number }) {
  return (
    <div class="card">
      <dt>{label}</dt>
      <dd data-figure={name}>{number(value)}</dd>
    </div>
  )
}

/** How many items have each field, and what the schema or a storage said of those that were refused. */
function Fields({ answer: { figures, extraction } }: { readonly answer: ItemsAnswer }) {
  const complaints = extraction?.fields ?? []
  if (figures.fields.length === 0 && complaints.length === 0) return null
  return (
    <div class="columns">
      <section>
        <h2>{t('ui.fields')}</h2>
        <table class="plain">
          <thead>
            <tr>
              <th scope="col">{t('ui.field')}</th>
              <th scope="col" class="figure">
                {t('ui.items')}
              </th>
              <th scope="col" class="figure">
                {t('ui.missing')}
              </th>
            </tr>
          </thead>
          <tbody>
            {figures.fields.map(({ name, items }) => (
              <tr key={name} data-field={name}>
                <td>
                  <code>{name}</code>
                </td>
                <td class="figure">{number(items)}</td>
                <td class="figure">
                  {items === figures.items ? (
                    '–'
                  ) : (
                    <button type="button" onClick={() => filter({ missing: name, offset: '' })}>
                      {percent((figures.items - items) / figures.items)}
                    </button>
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      {complaints.length === 0 ? null : (
        <section>
          <h2>{t('ui.whyRejected')}</h2>
          <ul class="complaints">
            {complaints.map(({ path, message, count, url, value }) => (
              <li key={path + message}>
                <b data-rejected={path}>{number(count)}</b> <code>{path === '' ? t('ui.wholeItem') : path}</code>:{' '}
                {message}
                <br />
                <span class="quiet">{value}</span>{' '}
                <a class="url" {...link(`/url?url=${encodeURIComponent(url)}`)}>
                  {url}
                </a>
              </li>
            ))}
          </ul>
        </section>
      )}
    </div>
  )
}
