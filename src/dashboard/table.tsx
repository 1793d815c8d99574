/** A table whose rows are searched, sorted and paged by the server. Its state is in the address. */
import { useEffect, useState } from 'preact/hooks'
import type { ComponentChildren } from 'preact'
import { filter, filters } from './place.ts'
import { frame, get } from './server.ts'
import type { Page } from './types.ts'
import { number, t } from './words.ts'

const ROWS = 50

export interface ColumnOf<Row> {
  /** Name the server sorts by; absent: not sortable. */
  readonly sort?: string
  readonly title: string
  readonly numeric?: boolean
  cell(row: Row): ComponentChildren
}

interface TableProps<Row, Answer extends Page<Row>> {
  /** `/api/urls` */
  readonly path: string
  readonly caption: string
  readonly columns: readonly ColumnOf<Row>[]
  readonly keyOf: (row: Row) => string
  /** Shown above the rows, from the same answer. */
  readonly above?: (answer: Answer) => ComponentChildren
  readonly below?: (answer: Answer) => ComponentChildren
  /** Another number: ask once more. */
  readonly again?: number
  /** Told of each answer, before it is drawn. */
  readonly onAnswer?: (answer: Answer) => void
  /** Asked for again when it changes. Default: with each settlement of the job. */
  readonly version?: number
}

export function Table<Row, Answer extends Page<Row>>({
  path,
  caption,
  columns,
  keyOf,
  above,
  below,
  onAnswer,
  again = 0,
  version,
}: TableProps<Row, Answer>) {
  const [answer, setAnswer] = useState<Answer | undefined>(undefined)
  const [reason, setReason] = useState('')
  const query = new URLSearchParams(filters.value)
  const offset = Number(query.get('offset') ?? 0)
  query.set('limit', String(ROWS))
  const asked = `${path}?${query.toString()}`
  const seq = version ?? frame.value?.seq
  useEffect(() => {
    const aborter = new AbortController()
    get<Answer>(asked, aborter.signal).then(
      (found) => {
        onAnswer?.(found)
        setAnswer(found)
        setReason('')
      },
      (error: Error) => {
        if (!aborter.signal.aborted) setReason(error.message)
      },
    )
    return () => aborter.abort()
  }, [asked, seq, again])
  const matched = answer?.matched ?? 0
  const last = Math.max(0, Math.floor((matched - 1) / ROWS) * ROWS)
  return (
    <>
      <form class="tools" role="search" onSubmit={(event) => event.preventDefault()}>
        <label>
          {t('ui.search')}
          <input
            type="search"
            name="q"
            value={query.get('q') ?? ''}
            onInput={(event) => filter({ q: event.currentTarget.value, offset: '' })}
          />
        </label>
        <span class="count" data-count={matched}>
          {t('ui.matched', { count: matched })}
        </span>
      </form>
      <Complaint reason={reason} />
      {answer === undefined ? null : above?.(answer)}
      <div class="scroll rows" tabIndex={0} role="region" aria-label={caption}>
        <table>
          <caption>{caption}</caption>
          <thead>
            <tr>
              {columns.map((column) => (
                <Heading key={column.title} column={column} />
              ))}
            </tr>
          </thead>
          <tbody>
            {answer?.rows.map((row) => (
              <tr key={keyOf(row)}>
                {columns.map((column) => (
                  <td key={column.title} class={column.numeric === true ? 'figure' : undefined}>
                    {column.cell(row)}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {answer !== undefined && matched === 0 ? <p class="empty">{t('ui.nothing')}</p> : null}
      {matched > ROWS ? (
        <nav class="pages" aria-label={t('ui.pages')}>
          <Turn to={0} from={offset} label={t('ui.first')} />
          <Turn to={Math.max(0, offset - ROWS)} from={offset} label={t('ui.previous')} />
          <span>{t('ui.range', { from: offset + 1, to: Math.min(matched, offset + ROWS), total: matched })}</span>
          <Turn to={Math.min(last, offset + ROWS)} from={offset} label={t('ui.next')} />
          <Turn to={last} from={offset} label={t('ui.last')} />
        </nav>
      ) : null}
      {answer === undefined ? null : below?.(answer)}
    </>
  )
}

/** What the server said instead of an answer; nothing for ''. */
export function Complaint({ reason }: { readonly reason: string }) {
  if (reason === '') return null
  return (
    <p class="complaint" role="alert">
      {reason}
    </p>
  )
}

function Heading<Row>({ column }: { readonly column: ColumnOf<Row> }) {
  const { sort, title, numeric } = column
  const isSorted = sort !== undefined && filters.value.get('sort') === sort
  const isDown = filters.value.get('dir') === 'desc'
  const order = !isSorted ? 'none' : isDown ? 'descending' : 'ascending'
  return (
    <th scope="col" class={numeric === true ? 'figure' : undefined} aria-sort={sort === undefined ? undefined : order}>
      {sort === undefined ? (
        title
      ) : (
        <button type="button" onClick={() => filter({ sort, dir: isSorted && !isDown ? 'desc' : 'asc', offset: '' })}>
          {title}
          <span aria-hidden="true">{isSorted ? (isDown ? ' ▾' : ' ▴') : ''}</span>
        </button>
      )}
    </th>
  )
}

function Turn({ to, from, label }: { readonly to: number; readonly from: number; readonly label: string }) {
  return (
    <button type="button" disabled={to === from} onClick={() => filter({ offset: to === 0 ? '' : String(to) })}>
      {label}
    </button>
  )
}

/** Values of one filter as buttons with their counts; pressing the chosen one takes it away. */
export function Facet({
  name,
  label,
  counts,
}: {
  readonly name: string
  readonly label: string
  readonly counts: Readonly<Record<string, number>>
}) {
  const chosen = filters.value.get(name)
  const entries = Object.entries(counts).sort((a, b) => b[1] - a[1])
  if (entries.length === 0) return null
  return (
    <fieldset class="facet">
      <legend>{label}</legend>
      {entries.slice(0, 12).map(([value, count]) => (
        <button
          type="button"
          key={value}
          class={`chip ${value}`}
          aria-pressed={chosen === value}
          onClick={() => filter({ [name]: chosen === value ? '' : value, offset: '' })}
        >
          {value} <b>{number(count)}</b>
        </button>
      ))}
    </fieldset>
  )
}
