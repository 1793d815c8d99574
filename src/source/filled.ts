/**
 * A source whose items are requests made of their columns: URL, header fields and body come from templates, and values that
 * are the same for all are columns of each.
 */
import { SluiceError } from '../model/errors.ts'
import { nearest } from '../model/options.ts'
import { setColumn } from './columns.ts'
import type { Ask, Source, SourceBatch, SourceItem } from './source.ts'
import type { Template } from './template.ts'

/** What every item becomes. Templates see the columns of the item, `params` before them, and `url` where it has one. */
export interface Filling {
  /** Makes rows of the items, each with a URL of its own. Undefined: the items have their URLs. */
  readonly url: Template | undefined
  /** Upper case. Undefined: GET. */
  readonly method: string | undefined
  readonly headers: ReadonlyMap<string, Template>
  readonly body: Template | undefined
  /** Proxy of each item; what it comes to may be empty: none of its own. */
  readonly proxy?: Template | undefined
  /** Values that are the same for all items. */
  readonly params: ReadonlyMap<string, string>
}

/** @throws {SluiceError} OPTION_INVALID from `columns` for a name that no column of a table has. */
export function filledSource(source: Source, filling: Filling): Source {
  const fill = filler(filling)
  async function* batches(cursor: Uint8Array | undefined, signal: AbortSignal): AsyncGenerator<SourceBatch> {
    for await (const batch of source.batches(cursor, signal)) yield { ...batch, items: batch.items.map(fill) }
  }
  return {
    ...source,
    batches,
    async columns(signal) {
      const columns = await source.columns?.(signal)
      if (columns !== undefined) checkNames(filling, columns)
      const names = new Set([...(columns ?? []), ...filling.params.keys()])
      return names.size === 0 ? undefined : [...names]
    },
  }
}

function filler({ url, method, headers, body, proxy, params }: Filling): (item: SourceItem) => SourceItem {
  const names = namesOf({ url, headers, body })
  const own = names.filter((name) => !params.has(name))
  // One object for all where nothing differs: the store encodes it once.
  const common = names.length === 0 ? askOf(method, headers, body, () => undefined, []) : undefined
  const same = Object.fromEntries(params)
  return (given) => {
    let item: SourceItem = params.size === 0 ? given : { ...given, columns: { ...given.columns, ...same } }
    const { columns } = given
    const valueOf = (name: string): string | undefined =>
      params.get(name) ??
      (columns !== undefined && Object.hasOwn(columns, name) ? columns[name] : undefined) ??
      (name === 'url' && url === undefined ? item.url : undefined)
    const problems: string[] = []
    let ask = common ?? askOf(method, headers, body, valueOf, problems)
    const way = proxy === undefined ? '' : proxy.fill(valueOf, problems).trim()
    if (way !== '') ask = { ...ask, proxy: way }
    if (proxy !== undefined) item = { ...item, columns: withoutLogin(item.columns ?? {}, proxy.names, way) }
    const asked = Object.keys(ask).length === 0 ? item : { ...item, ask }
    if (url === undefined && problems.length === 0 && way === '') return asked
    const text = url === undefined ? item.url : url.fill(valueOf, problems)
    if (columns === undefined && url !== undefined) problems.unshift('the line is no row')
    // Without places every row is the same request: then all of it tells rows apart.
    const told = own.length > 0 ? own.map((name) => valueOf(name) ?? null) : columns
    const values = JSON.stringify(told ?? null)
    const identity = (url === undefined ? `${item.url}\n${values}` : values) + (way === '' ? '' : `\n${addressOf(way)}`)
    const row = problems.length === 0 ? { identity } : { identity, problem: [...new Set(problems)].join(', ') }
    return problems.length === 0 ? { ...asked, url: text, row } : { ...item, url: text, row }
  }
}

/** What stands before the address of a proxy: its login. */
function loginIn(way: string): string {
  const start = way.indexOf('://') < 0 ? 0 : way.indexOf('://') + 3
  return way.slice(start, Math.max(start, way.lastIndexOf('@')))
}

function addressOf(way: string): string {
  return way.slice(way.lastIndexOf('@') + 1)
}

/** Columns as they are recorded: of those that made up the proxy no part of its login. */
function withoutLogin(
  columns: Readonly<Record<string, string>>,
  names: readonly string[],
  way: string,
): Readonly<Record<string, string>> {
  const login = loginIn(way)
  if (login === '') return columns
  const shown: Record<string, string> = {}
  for (const [name, value] of Object.entries(columns)) {
    const isPart = names.includes(name) && value !== ''
    if (!isPart) setColumn(shown, name, value)
    else if (login.includes(value)) setColumn(shown, name, '***')
    else setColumn(shown, name, value.replace(/^([a-z][a-z0-9+.-]*:\/\/)?.*@/i, '$1'))
  }
  return shown
}

function askOf(
  method: string | undefined,
  headers: ReadonlyMap<string, Template>,
  body: Template | undefined,
  valueOf: (name: string) => string | undefined,
  problems: string[],
): Ask {
  const fields: Record<string, string> = {}
  for (const [name, template] of headers) fields[name] = template.fill(valueOf, problems)
  return {
    ...(method === undefined ? {} : { method }),
    ...(headers.size === 0 ? {} : { headers: fields }),
    ...(body === undefined ? {} : { body: body.fill(valueOf, problems) }),
  }
}

function namesOf({ url, headers, body, proxy }: Pick<Filling, 'url' | 'headers' | 'body' | 'proxy'>): string[] {
  const templates = [url, ...headers.values(), body, proxy]
  return [...new Set(templates.flatMap((template) => template?.names ?? []))]
}

function checkNames(filling: Filling, columns: readonly string[]): void {
  const known = new Set([...columns, ...filling.params.keys(), ...(filling.url === undefined ? ['url'] : [])])
  for (const name of namesOf(filling)) {
    if (known.has(name)) continue
    const near = nearest(name, [...known])
    throw new SluiceError('OPTION_INVALID', `there is no column for {${name}}`, {
      hint: near === undefined ? `the columns are ${columns.join(', ')}` : `did you mean {${near}}?`,
    })
  }
}
