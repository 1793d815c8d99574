/**
 * Files that are one JSON document: the URLs of the requests of a HAR file (HTTP Archive 1.2, as browsers save it), or of
 * the entries of a JSON Feed.
 */
import { SluiceError } from '../model/errors.ts'
import type { Input } from './input.ts'

/** It is one JSON document and has to be in memory as a whole. */
const LARGEST = 256 * 1024 * 1024

export type DocumentKind = 'har' | 'jsonFeed'

/** @throws {SluiceError} INPUT_UNREADABLE for what is no such document. */
export async function* documentUrls(name: string, kind: DocumentKind, input: Input): AsyncGenerator<string, undefined> {
  yield* urlsOf(name, kind, await textOf(name, kind, input))
}

async function textOf(path: string, kind: DocumentKind, input: Input): Promise<string> {
  const pieces: Buffer[] = []
  let length = 0
  for (let piece = await input.next(); piece !== undefined; piece = await input.next()) {
    pieces.push(piece)
    length += piece.length
    if (length > LARGEST) throw broken(path, kind, 'it is over 256 MiB', undefined)
  }
  return Buffer.concat(pieces).toString()
}

function urlsOf(path: string, kind: DocumentKind, text: string): string[] {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw broken(path, kind, 'it is no JSON', cause)
  }
  const { list, where, urls } = KINDS[kind]
  const entries = list(value)
  if (!Array.isArray(entries)) throw broken(path, kind, `it has no ${where}`, undefined)
  return entries.map((entry) => urls(entry as Json | null)).filter((url) => typeof url === 'string')
}

type Json = Readonly<Record<string, unknown>>

/** Where the entries of a document are, and the URL of one. */
const KINDS: Readonly<
  Record<
    DocumentKind,
    {
      readonly name: string
      readonly where: string
      readonly list: (value: unknown) => unknown
      readonly urls: (entry: Json | null) => unknown
    }
  >
> = {
  har: {
    name: 'HAR file',
    where: 'log.entries',
    list: (value) => (value as { log?: { entries?: unknown } } | null)?.log?.entries,
    urls: (entry) => (entry?.request as Json | undefined)?.url,
  },
  jsonFeed: {
    name: 'JSON Feed',
    where: 'items',
    list: (value) => (value as Json | null)?.items,
    // An entry that only points elsewhere has its URL there.
    urls: (entry) => entry?.url ?? entry?.external_url,
  },
}

function broken(path: string, kind: DocumentKind, what: string, cause: unknown): SluiceError {
  return new SluiceError('INPUT_UNREADABLE', `cannot read ${path} as a ${KINDS[kind].name}: ${what}`, {
    hint: 'save it again, or list the URLs one a line',
    ...(cause === undefined ? {} : { cause }),
  })
}
