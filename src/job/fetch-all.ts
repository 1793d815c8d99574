/**
 * The one-liner: `for await (const page of fetchAll(urls))`. Lazy, bounded, polite. Pulling the next page settles the
 * last one; leaving the loop early leaves the last page unsettled, so with a job it comes again (at least once). The
 * host's clock runs from the end of the response, not from the pull.
 */
import type { Consumer, SettledPage } from '../engine/context.ts'
import { SluiceError } from '../model/errors.ts'
import type { ErrorCode } from '../model/errors.ts'
import type { Response } from '../model/response.ts'
import type { PageRecord } from '../model/record.ts'
import type { Listed } from '../source/listed-request.ts'
import { expandRange, hasRange } from '../url/range.ts'
import type { Range } from '../url/range.ts'
import { jobOf } from './create-job.ts'
import { resolveOptions } from './options.ts'
import type { JobOptions } from './options.ts'

export type { Listed, ListedRequest } from '../source/listed-request.ts'

interface PageBase {
  readonly url: string
  readonly attempt: number
  readonly input: PageRecord['input']
  readonly ms: PageRecord['ms']
  readonly record: PageRecord
}

/** An answer: `response` is there. */
export interface AnsweredPage extends PageBase {
  readonly outcome: 'ok' | 'unchanged' | 'gone' | 'denied'
  readonly response: FetchedResponse
}

/** No answer worth the name: `error` says why; the response is there if one came. `denied`: a login in place of the page. */
export interface FailedPage extends PageBase {
  readonly outcome: 'failed' | 'skipped' | 'denied'
  readonly error: { readonly code: ErrorCode; readonly message: string }
  readonly response?: FetchedResponse
}

export type Page = AnsweredPage | FailedPage

/** The response with its body read as WHATWG names say. */
export interface FetchedResponse extends Response {
  text(): Promise<string>
  json(): Promise<unknown>
  /** The decoded body, wherever it lies. */
  bytes(): Promise<Uint8Array>
}

/** A URL, a range, or URLs and requests (`{ url, proxy, headers … }`) from any iterable. `job` keeps a folder: the same call continues after any death. */
export async function* fetchAll(
  urls: string | Iterable<Listed> | AsyncIterable<Listed>,
  options: Omit<JobOptions, 'seeds' | 'lists' | 'scope' | 'follow'> = {},
): AsyncGenerator<Page, void, undefined> {
  const hand = handOver()
  const resolved = resolveOptions([
    { origin: 'options', values: { ...options, seeds: [inputsOf(urls, options.glob ?? true)] } },
  ])
  const job = jobOf('fetch', resolved, process.cwd(), { durable: false, consumer: hand.consumer })
  let failure: unknown
  const running = job.run().then(
    () => hand.end(),
    (error: unknown) => {
      failure = error
      hand.end()
    },
  )
  try {
    for (;;) {
      const next = await hand.next()
      if (next === undefined) break
      yield await pageOf(next)
    }
    await running
    if (failure !== undefined) throw failure
  } finally {
    hand.leave()
    await job.close()
  }
}

/**
 * An array is an iterable here, not a list of names: what is no URL gets its outcome instead of being taken for a file.
 * A range is one only where it is given alone: URLs that a program has collected may hold any brackets.
 */
function inputsOf(urls: string | Iterable<Listed> | AsyncIterable<Listed>, glob: boolean): unknown {
  if (typeof urls === 'string' && glob && hasRange(urls)) {
    const range = expandRange(urls)
    return { [Symbol.iterator]: () => membersOf(range) }
  }
  if (typeof urls !== 'string' && !Array.isArray(urls)) return urls
  const items = typeof urls === 'string' ? [urls] : (urls as Listed[])
  return { [Symbol.iterator]: () => items[Symbol.iterator]() }
}

function* membersOf(range: Range): Generator<string, void, undefined> {
  for (let i = 0; i < range.total; i++) yield range.at(i)
}

interface HandOver {
  readonly consumer: Consumer
  /** The next page; asking for it settles the one before. undefined at the end. */
  next(): Promise<SettledPage | undefined>
  end(): void
  /** The reader has left: what it did not pull past goes back. */
  leave(): void
}

function handOver(): HandOver {
  let pages: readonly SettledPage[] = []
  let taken = 0
  let settle: ((count: number) => void) | undefined
  let waiting: (() => void) | undefined
  let over = false
  let left = false
  const finish = (count: number): void => {
    const done = settle
    settle = undefined
    pages = []
    done?.(count)
  }
  return {
    consumer: {
      offer(offered) {
        if (left) return Promise.resolve(0)
        return new Promise((resolve) => {
          pages = offered
          taken = 0
          settle = resolve
          waiting?.()
        })
      },
    },
    async next() {
      for (;;) {
        if (taken < pages.length) return pages[taken++]
        if (settle !== undefined) finish(taken)
        if (over) return undefined
        await new Promise<void>((resolve) => {
          waiting = resolve
        })
        waiting = undefined
      }
    },
    end() {
      over = true
      waiting?.()
    },
    leave() {
      left = true
      if (settle !== undefined) finish(Math.max(0, taken - 1))
    },
  }
}

async function pageOf({ record, response }: SettledPage): Promise<Page> {
  const base = { url: record.url, attempt: record.attempt, input: record.input, ms: record.ms, record }
  const answer = response === undefined ? undefined : await readable(response)
  const { outcome } = record
  if (outcome === 'failed' || outcome === 'skipped' || (outcome === 'denied' && answer === undefined)) {
    const error = { code: record.code ?? 'HTTP_STATUS', message: record.message ?? '' }
    return { ...base, outcome, error, ...(answer === undefined ? {} : { response: answer }) }
  }
  if (answer === undefined)
    throw new SluiceError('LEDGER_MISMATCH', `${record.url}: ${record.outcome} without a response`)
  return { ...base, outcome, response: answer }
}

/** A spooled body is read while its file is there: it goes when the page is settled. */
async function readable(response: Response): Promise<FetchedResponse> {
  const { readFile } = await import('node:fs/promises')
  const { decodeText, sniffCharset } = await import('../http/charset.ts')
  const { parseContentType } = await import('../http/content-type.ts')
  const bytes = async (): Promise<Uint8Array> => (response.file === undefined ? response.body : readFile(response.file))
  const text = async (): Promise<string> => {
    const body = await bytes()
    return decodeText(body, sniffCharset(body, parseContentType(response.header('content-type')).charset))
  }
  return Object.assign(Object.create(response) as Response, {
    bytes,
    text,
    json: async (): Promise<unknown> => JSON.parse(await text()) as unknown,
  })
}
