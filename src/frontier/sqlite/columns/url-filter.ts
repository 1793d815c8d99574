/** Which rows of the columns a query matches, in which order, and how many rows each value of a facet has. */
import { OUTCOMES } from '../../../model/outcome.ts'
import { LEFT, stateName } from './columns.ts'
import { UrlTexts } from './url-texts.ts'
import type { JobColumns, UrlRow, UrlState } from './columns.ts'

export interface UrlQuery {
  readonly state?: UrlState | undefined
  /** A code (`DNS_NOT_FOUND`); '' for those without one. */
  readonly code?: string | undefined
  /** `404`, or a class: `5xx`. */
  readonly status?: string | undefined
  readonly host?: string | undefined
  /** Part of the URL, ASCII letters in either case. */
  readonly search?: string | undefined
  /** Default `added`. */
  readonly sort?: UrlSort | undefined
  readonly descending?: boolean | undefined
}

/** `added`: in the order the URLs were found; `settled`: in the order they ended, those that wait last. */
export const URL_SORTS = ['added', 'settled', 'host', 'status', 'code', 'attempts'] as const
export type UrlSort = (typeof URL_SORTS)[number]

export interface UrlPage {
  /** Rows that the query matches. */
  readonly matched: number
  readonly rows: readonly UrlRow[]
}

export interface Facets {
  readonly states: Readonly<Record<string, number>>
  readonly codes: Readonly<Record<string, number>>
}

export class UrlFilter {
  readonly #columns: JobColumns
  readonly #texts: UrlTexts
  #search: { readonly text: string; readonly upTo: number; readonly ids: Uint32Array } | undefined

  constructor(columns: JobColumns) {
    this.#columns = columns
    this.#texts = new UrlTexts(columns)
  }

  page(query: UrlQuery, offset: number, limit: number): UrlPage {
    const ids = this.idsOf(query)
    return { matched: ids.length, rows: this.#columns.rowsOf(ids.subarray(offset, offset + limit)) }
  }

  /** Rows that a query matches, in its order: those of now, whatever is read later. */
  idsOf(query: UrlQuery): Uint32Array {
    return this.#sorted(this.#matching(query), query)
  }

  /** How many rows each value of a facet has among those that match without it. */
  facets(query: UrlQuery): Facets {
    const { state, code, codes: names } = this.#columns
    const ofState = new Uint32Array(256)
    for (const row of this.#matching({ ...query, state: undefined })) ofState[state.values[row] as number]!++
    const ofCode = new Uint32Array(names.texts.length)
    for (const row of this.#matching({ ...query, code: undefined })) {
      if (state.values[row] !== LEFT) ofCode[code.values[row] as number]!++
    }
    return {
      states: counted(ofState, (id) => (id === LEFT || id < OUTCOMES.length ? stateName(id) : '')),
      codes: counted(ofCode, (id) => names.texts[id] as string),
    }
  }

  #matching(query: UrlQuery): Uint32Array {
    const columns = this.#columns
    const { state, code, status, host, search } = query
    const wantedState = state === undefined ? undefined : state === 'left' ? LEFT : OUTCOMES.indexOf(state)
    const wantedCode = code === undefined ? undefined : columns.codes.find(code)
    const wantedKey = host === undefined ? undefined : columns.names.indexOf(host)
    const [from, to] = statusRange(status)
    const searched = search === undefined || search === '' ? undefined : this.#searched(search)
    const total = searched === undefined ? columns.rows : searched.length
    const ids = new Uint32Array(total)
    let count = 0
    for (let i = 0; i < total; i++) {
      const row = searched === undefined ? i + 1 : (searched[i] as number)
      if (columns.counted.values[row] === 0) continue
      const rowState = columns.state.values[row] as number
      if (wantedState !== undefined && rowState !== wantedState) continue
      // What is left has no code and status yet, whatever an earlier try said.
      if (wantedCode !== undefined && (rowState === LEFT || columns.code.values[row] !== wantedCode)) continue
      if (from > 0) {
        const found = rowState === LEFT ? 0 : (columns.status.values[row] as number)
        if (found < from || found > to) continue
      }
      if (wantedKey !== undefined && columns.key(row) !== wantedKey) continue
      ids[count++] = row
    }
    return ids.subarray(0, count)
  }

  #searched(text: string): Uint32Array {
    const { rows } = this.#columns
    if (this.#search?.text === text && this.#search.upTo === rows) return this.#search.ids
    const ids = this.#texts.find(text) ?? this.#searchedInFile(text)
    this.#search = { text, upTo: rows, ids }
    return ids
  }

  #searchedInFile(text: string): Uint32Array {
    const { db, rows } = this.#columns
    const pattern = `%${text.replaceAll(/[\\%_]/g, '\\$&')}%`
    const statement = db.prepare("SELECT id FROM request WHERE id <= ? AND url LIKE ? ESCAPE '\\' ORDER BY id")
    statement.setReturnArrays(true)
    const found = statement.all(rows, pattern) as unknown as [number][]
    return Uint32Array.from(found, ([id]) => id)
  }

  #sorted(ids: Uint32Array, { sort = 'added', descending = false }: UrlQuery): Uint32Array {
    const rank = this.#rankOf(sort)
    if (rank !== undefined) {
      // Ties stay in the order of the adds, whichever way is up.
      const sign = descending ? -1 : 1
      return ids.slice().sort((a, b) => sign * (rank(a) - rank(b)) || a - b)
    }
    return descending ? ids.slice().reverse() : ids
  }

  #rankOf(sort: UrlSort): ((row: number) => number) | undefined {
    const columns = this.#columns
    switch (sort) {
      case 'settled':
        return (row) => (columns.state.values[row] === LEFT ? 2 ** 32 : (columns.seq.values[row] as number))
      case 'status':
        return (row) => columns.status.values[row] as number
      case 'attempts':
        return (row) => columns.attempts.values[row] as number
      case 'code':
        return ranked(columns.codes.texts, (row) => columns.code.values[row] as number)
      case 'host':
        return ranked(columns.names, (row) => columns.key(row))
      default:
        return undefined
    }
  }
}

function counted(counts: Uint32Array, nameOf: (id: number) => string): Record<string, number> {
  const named: Record<string, number> = {}
  counts.forEach((count, id) => {
    const name = count === 0 ? '' : nameOf(id)
    if (name !== '') named[name] = count
  })
  return named
}

/** Compares names by their place in the alphabet, found once. */
function ranked(names: readonly string[], idOf: (row: number) => number): (row: number) => number {
  const places = new Uint32Array(names.length)
  names
    .map((name, id) => ({ name, id }))
    .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
    .forEach(({ id }, place) => (places[id] = place))
  return (row) => places[idOf(row)] as number
}

/** [0, 0]: any. What is neither a status nor a class matches nothing. */
function statusRange(status: string | undefined): readonly [number, number] {
  if (status === undefined || status === '') return [0, 0]
  const kind = /^([1-9])xx$/i.exec(status)
  if (kind !== null) return [Number(kind[1]) * 100, Number(kind[1]) * 100 + 99]
  const exact = Number(status)
  return Number.isInteger(exact) && exact > 0 ? [exact, exact] : [65_535, 0]
}
