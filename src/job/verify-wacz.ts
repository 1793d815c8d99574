/** The manifest of a WACZ file: every resource is there, with the size and the sha-256 that it names. */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { createInflateRaw } from 'node:zlib'
import { readZipPlaces } from '../warc/zip-reader.ts'
import type { ZipPlace } from '../warc/zip-reader.ts'

const MANIFEST = 'datapackage.json'
const DIGEST = 'datapackage-digest.json'
/** Larger manifests are none, however well they were compressed. */
const MOST = 16 * 1024 * 1024
/** Of a resource whose size the manifest does not name. */
const MOST_UNNAMED = 64 * 1024 ** 3

/** Returns how many resources were read. @throws SluiceError `INPUT_UNREADABLE` where it is no ZIP archive */
export async function verifyWacz(path: string, tell: (problem: string) => void): Promise<number> {
  const places = new Map((await readZipPlaces(path)).map((place) => [place.name, place]))
  const manifest = await jsonIn(path, places.get(MANIFEST))
  if (!Array.isArray(manifest?.['resources'])) {
    tell(`${path}: its ${MANIFEST} is missing, over 16 MiB, or names no resources`)
    return 0
  }
  let read = 0
  const check = async (name: string, hash: unknown, bytes: unknown): Promise<void> => {
    const place = places.get(name)
    const most = typeof bytes === 'number' ? bytes : MOST_UNNAMED
    const found = place === undefined ? undefined : await sumOf(path, place, most)
    if (found === undefined) tell(`${path}: ${name} is missing`)
    else if (`sha256:${found.hash}` !== hash || (bytes !== undefined && bytes !== found.bytes)) {
      tell(`${path}: ${name} is not what its manifest says`)
    }
    read++
  }
  for (const one of manifest['resources'] as Record<string, unknown>[]) {
    await check(String(one['path']), one['hash'], one['bytes'])
  }
  if (places.has(DIGEST)) await check(MANIFEST, (await jsonIn(path, places.get(DIGEST)))?.['hash'], undefined)
  return read
}

async function jsonIn(path: string, place: ZipPlace | undefined): Promise<Record<string, unknown> | undefined> {
  if (place === undefined || place.length > MOST) return undefined
  const pieces: Buffer[] = []
  try {
    for await (const piece of contentOf(path, place, MOST)) pieces.push(piece)
    return JSON.parse(Buffer.concat(pieces).toString('utf8')) as Record<string, unknown>
  } catch {
    return undefined
  }
}

interface Sum {
  readonly hash: string
  readonly bytes: number
}

/** @param most of a longer content only the start is read: it is another one anyway */
async function sumOf(path: string, place: ZipPlace, most: number): Promise<Sum> {
  const sum = createHash('sha256')
  let bytes = 0
  try {
    for await (const piece of contentOf(path, place, most)) {
      sum.update(piece)
      bytes += piece.length
    }
  } catch {
    // Damaged where it was compressed, or too long.
  }
  return { hash: sum.digest('hex'), bytes }
}

/** @throws RangeError behind so many bytes that come out */
async function* contentOf(path: string, { offset, length, isStored }: ZipPlace, most: number): AsyncGenerator<Buffer> {
  if (length === 0) return
  const stored = createReadStream(path, { start: offset, end: offset + length - 1 })
  let bytes = 0
  try {
    for await (const piece of (isStored ? stored : stored.pipe(createInflateRaw())) as AsyncIterable<Buffer>) {
      bytes += piece.length
      if (bytes > most) throw new RangeError(`more than ${most} bytes`)
      yield piece
    }
  } finally {
    stored.destroy()
  }
}
