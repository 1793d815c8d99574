/** A HAR file (HTTP Archive 1.2, as browsers save it) in a file: the URLs of its requests. */
import { SluiceError } from '../model/errors.ts'
import type { Input } from './input.ts'

/** It is one JSON document and has to be in memory as a whole. */
const LARGEST = 256 * 1024 * 1024

/** @throws {SluiceError} INPUT_UNREADABLE for what is no HAR file. */
export async function* harUrls(name: string, input: Input): AsyncGenerator<string, undefined> {
  yield* urlsOf(name, await textOf(name, input))
}

async function textOf(path: string, input: Input): Promise<string> {
  const pieces: Buffer[] = []
  let length = 0
  for (let piece = await input.next(); piece !== undefined; piece = await input.next()) {
    pieces.push(piece)
    length += piece.length
    if (length > LARGEST) throw broken(path, 'it is over 256 MiB', undefined)
  }
  return Buffer.concat(pieces).toString()
}

function urlsOf(path: string, text: string): string[] {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw broken(path, 'it is no JSON', cause)
  }
  const entries = (value as { log?: { entries?: unknown } } | null)?.log?.entries
  if (!Array.isArray(entries)) throw broken(path, 'it has no log.entries', undefined)
  const urls = (entries as { request?: { url?: unknown } }[]).map((entry) => entry?.request?.url)
  return urls.filter((url) => typeof url === 'string')
}

function broken(path: string, what: string, cause: unknown): SluiceError {
  return new SluiceError('INPUT_UNREADABLE', `cannot read ${path} as a HAR file: ${what}`, {
    hint: 'save it again, or list the URLs one a line',
    ...(cause === undefined ? {} : { cause }),
  })
}
