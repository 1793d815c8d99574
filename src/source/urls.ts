/** Sources of what a program hands over: URLs by name, and iterables of its own. */
import { BATCH } from './lines.ts'
import { listedItem } from './listed-request.ts'
import type { Listed } from './listed-request.ts'
import { KIND, START, decodePosition, encodePosition } from './position.ts'
import type { Source, SourceBatch, SourceItem } from './source.ts'

/** URLs by name, in order. The cursor counts them: the same list is expected when a job continues. */
export function urlsSource(name: string, urls: readonly string[]): Source {
  return {
    name,
    total: urls.length,
    batches: (cursor, signal) => indexedBatches(urls.length, (i) => urls[i]!, cursor, signal),
  }
}

/** Batches of `total` texts that can be asked for by number. */
export async function* indexedBatches(
  total: number,
  at: (i: number) => string,
  cursor: Uint8Array | undefined,
  signal: AbortSignal,
): AsyncGenerator<SourceBatch, undefined> {
  let next = counted(cursor)
  while (next < total && !signal.aborted) {
    const items: SourceItem[] = []
    for (const end = Math.min(next + BATCH, total); next < end; next++) items.push({ url: at(next), ordinal: next })
    yield { items, cursor: countCursor(next) }
  }
}

/**
 * URLs from an iterable or async iterable of the program, pulled as they are fetched (`lazy`); its `finally` blocks run
 * when the job ends before it does. The cursor counts: a job that continues iterates again from the start and passes
 * over as many as it had, so the iterable has to give the same URLs in the same order. Synchronous iterables come in
 * batches of 100; of the others what is there without waiting comes together, 32 at most.
 */
export function iterableSource(name: string, iterable: Iterable<Listed> | AsyncIterable<Listed>): Source {
  return {
    name,
    lazy: true,
    batches: (cursor, signal) =>
      Symbol.asyncIterator in iterable
        ? asyncBatches(iterable, counted(cursor), signal)
        : syncBatches(iterable, counted(cursor), signal),
  }
}

/** Small, so that a lazy iterable is not far ahead of what is fetched. */
const LAZY_BATCH = 100
/** One commit a URL would be fewer than a hundred URLs a second. */
const ASYNC_BATCH = 32

async function* syncBatches(
  iterable: Iterable<Listed>,
  known: number,
  signal: AbortSignal,
): AsyncGenerator<SourceBatch, undefined> {
  let ordinal = 0
  let items: SourceItem[] = []
  for (const url of iterable) {
    if (signal.aborted) return
    const item = listedItem(url, ordinal++)
    if (ordinal <= known) continue
    items.push(item)
    if (items.length < LAZY_BATCH) continue
    yield { items, cursor: countCursor(ordinal) }
    items = []
  }
  if (items.length > 0) yield { items, cursor: countCursor(ordinal) }
}

async function* asyncBatches(
  iterable: AsyncIterable<Listed>,
  known: number,
  signal: AbortSignal,
): AsyncGenerator<SourceBatch, undefined> {
  const iterator = iterable[Symbol.asyncIterator]()
  const next = untilAborted(iterator, signal)
  let ordinal = 0
  let isDone = false
  /** Asked for and not there when the last batch was full or waited for no longer. */
  let coming: Promise<Listed | undefined> | undefined
  try {
    while (!signal.aborted) {
      const items: SourceItem[] = []
      let thrown: { readonly error: unknown } | undefined
      try {
        let url: Listed | undefined | typeof LATER = await (coming ?? next())
        coming = undefined
        while (url !== undefined && url !== LATER) {
          const item = listedItem(url, ordinal++)
          if (ordinal > known) items.push(item)
          if (items.length === ASYNC_BATCH) break
          coming = next()
          url = await Promise.race([coming, turn()])
          if (url !== LATER) coming = undefined
        }
        isDone = url === undefined && !signal.aborted
      } catch (error) {
        // What came before it is a batch of its own.
        coming = undefined
        thrown = { error }
      }
      // It may fail while the batch is committed; it is asked again after that.
      coming?.catch(() => {})
      if (items.length > 0) yield { items, cursor: countCursor(ordinal) }
      if (thrown !== undefined) throw thrown.error
      if (isDone) return
    }
  } finally {
    // Not waited for while the program's own code is: it may be waiting for something that never comes.
    const returned = isDone ? undefined : iterator.return?.()
    if (!signal.aborted && coming === undefined) await returned
    else returned?.catch(() => {})
  }
}

const LATER = Symbol('later')

/** Resolves in the next turn of the event loop. */
function turn(): Promise<typeof LATER> {
  return new Promise((resolve) => {
    setImmediate(resolve, LATER)
  })
}

/** Asks for the next value; undefined at the end, or when the signal comes first. */
function untilAborted<T>(iterator: AsyncIterator<T>, signal: AbortSignal): () => Promise<T | undefined> {
  let onAbort: (() => void) | undefined
  // One listener for all values: one a value would pile up on a long run.
  signal.addEventListener('abort', () => onAbort?.(), { once: true })
  return () =>
    new Promise((resolve, reject) => {
      onAbort = () => resolve(undefined)
      iterator.next().then((result) => resolve(result.done === true ? undefined : result.value), reject)
    })
}

function counted(cursor: Uint8Array | undefined): number {
  return cursor === undefined ? 0 : (decodePosition(KIND.count, cursor)?.ordinal ?? 0)
}

function countCursor(ordinal: number): Uint8Array {
  return encodePosition(KIND.count, { ...START, ordinal })
}
