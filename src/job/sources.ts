/** Makes sources of what the user gave: files, positional URLs and ranges, standard input, iterables. */
import { statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { SluiceError } from '../model/errors.ts'
import { shellWord } from '../model/shell-word.ts'
import type { Listed } from '../source/listed-request.ts'
import type { Source } from '../source/source.ts'
import { filledSource } from '../source/filled.ts'
import { openListSource } from '../source/list.ts'
import { rangeSource } from '../source/range.ts'
import { streamSource } from '../source/stdin.ts'
import { iterableSource, urlsSource } from '../source/urls.ts'
import { hasRange } from '../url/range.ts'
import { fillingOf } from './filling.ts'
import type { PageJobKind } from './job.ts'
import type { ResolvedOptions } from './options.ts'

export interface Inputs {
  readonly sources: readonly Source[]
  /** URLs given by name: they set the scope of a crawl. */
  readonly seeds: readonly string[]
  /** First input as the user wrote it. */
  readonly subject: string
  /** Number of inputs, where all sources can say. */
  readonly total: number | null
}

/** Strings that are URLs rather than files. `a.example/x` without a scheme is a file if there is one, else refused. */
function looksLikeUrl(text: string): boolean {
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(text)
}

export function openInputs(options: ResolvedOptions, kind: PageJobKind, cwd: string): Inputs {
  const given = options.get<unknown>('seeds')
  const lists = (options.get<string[]>('lists') ?? []).map(String)
  const glob = options.get<boolean>('glob') ?? true
  const urlColumn = options.get<string>('urlColumn')
  const sources: Source[] = []
  const urls: string[] = []
  let subject = ''
  const note = (text: string): void => {
    if (subject === '') subject = text
  }
  for (const item of seedItems(given)) {
    if (typeof item !== 'string') {
      note('items of a program')
      sources.push(iterableSource(`iterable:${sources.length}`, item))
    } else if (item === '-') {
      note('-')
      sources.push(streamSource('stdin:', process.stdin))
    } else if (looksLikeUrl(item)) {
      note(item)
      if (glob && kind === 'fetch' && hasRange(item)) sources.push(rangeSource(item))
      else urls.push(item)
    } else if (kind === 'fetch') {
      lists.push(item)
    } else {
      throw notAUrl(item)
    }
  }
  const pathOf = (list: string): string => {
    const path = resolve(cwd, list)
    const stats = statSync(path, { throwIfNoEntry: false })
    if (stats === undefined) throw unreadable(list, path)
    if (stats.isDirectory()) throw isFolder(list)
    note(list)
    return path
  }
  const rows = options.get<string>('rows')
  if (rows !== undefined) {
    if (subject !== '' || lists.length > 0) throw rowsAndMore(subject === '' ? (lists[0] as string) : subject)
    if (rows === '-') {
      note('-')
      sources.push(streamSource('stdin:', process.stdin, { rows: true }))
    } else sources.push(openListSource(pathOf(rows), { rows: true }))
  }
  for (const list of lists)
    sources.push(openListSource(pathOf(list), urlColumn === undefined ? { glob } : { urlColumn, glob }))
  if (urls.length > 0) sources.unshift(withVia(urlsSource('urls', urls), kind === 'crawl' ? 'seed' : 'url'))
  const filling = fillingOf(options, cwd)
  if (filling !== undefined) for (const [i, source] of sources.entries()) sources[i] = filledSource(source, filling)
  const totals = sources.map((source) => source.total)
  const total = totals.every((n) => n !== undefined) ? totals.reduce((sum, n) => sum + (n as number), 0) : null
  return { sources, seeds: urls, subject, total }
}

/**
 * Names of the columns of all inputs, as far as they can be known now. Throws for a template that names others.
 *
 * @param mayWait A pipe is waited for, until the signal: an output needs the names before its first row.
 */
export async function columnsOf(sources: readonly Source[], mayWait: boolean, signal: AbortSignal): Promise<string[]> {
  const columns = new Set<string>()
  for (const source of sources) {
    if (source.isPipe === true && !mayWait) continue
    for (const column of (await source.columns?.(signal)) ?? []) columns.add(column)
  }
  return [...columns]
}

function seedItems(given: unknown): (string | Iterable<Listed> | AsyncIterable<Listed>)[] {
  if (given === undefined) return []
  if (typeof given === 'string') return [given]
  if (given instanceof URL) return [given.href]
  if (Array.isArray(given)) {
    const items: (string | Iterable<Listed> | AsyncIterable<Listed>)[] = []
    let requests: Listed[] | undefined
    for (const item of given as unknown[]) {
      const isRequest = isPlainObject(item)
      // Those that follow one another are one input.
      if (isRequest && requests !== undefined) requests.push(item as Listed)
      else if (isRequest) items.push((requests = [item as Listed]))
      else {
        requests = undefined
        items.push(...seedItems(item))
      }
    }
    return items
  }
  if (isPlainObject(given)) return [[given as Listed]]
  if (given !== null && typeof given === 'object') return [given as Iterable<Listed>]
  throw new SluiceError('OPTION_INVALID', `seeds: ${String(given)} is neither a URL nor a list of URLs`, {
    hint: 'give URLs',
  })
}

/** Neither a URL nor something that gives several. */
function isPlainObject(given: unknown): boolean {
  if (given === null || typeof given !== 'object' || given instanceof URL) return false
  return !(Symbol.iterator in given) && !(Symbol.asyncIterator in given)
}

function withVia(source: Source, via: string): Source {
  return {
    name: source.name,
    via,
    ...(source.total === undefined ? {} : { total: source.total }),
    batches: (cursor, signal) => source.batches(cursor, signal),
  }
}

function rowsAndMore(other: string): SluiceError {
  return new SluiceError('OPTION_INVALID', `--rows and ${other} cannot be fetched by one job`, {
    hint: 'run them one after the other, each as a job of its own',
  })
}

function notAUrl(text: string): SluiceError {
  return new SluiceError('OPTION_INVALID', `${JSON.stringify(text)} is not a URL`, {
    hint: `start with the scheme: https://${text}`,
  })
}

function isFolder(text: string): SluiceError {
  return new SluiceError('INPUT_UNREADABLE', `${JSON.stringify(text)} is a folder, not a list`, {
    hint: `name the files in it that hold URLs: sluice fetch ${shellWord(join(text, 'urls.txt'))}`,
  })
}

function unreadable(text: string, path: string): SluiceError {
  return new SluiceError('INPUT_UNREADABLE', `there is no file ${JSON.stringify(text)} (${path})`, {
    hint: /^[\w-]+(\.[\w-]+)+(\/|$)/.test(text)
      ? `if it is a URL, start with the scheme: https://${text}`
      : 'check the path',
  })
}
