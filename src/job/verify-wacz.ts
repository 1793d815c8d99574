/** The manifest of a WACZ file: every resource is there, with the size and the sha-256 that it names. */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { Readable } from 'node:stream'
import { createInflateRaw } from 'node:zlib'
import { readZipPlaces } from '../warc/zip-reader.ts'
import type { ZipPlace } from '../warc/zip-reader.ts'

const MANIFEST = 'datapackage.json'
const DIGEST = 'datapackage-digest.json'
/** Larger manifests are none. */
const MOST = 16 * 1024 * 1024

/** Returns how many resources were read. @throws SluiceError `INPUT_UNREADABLE` where it is no ZIP archive */
export async function verifyWacz(path: string, tell: (problem: string) => void): Promise<number> {
  const places = new Map((await readZipPlaces(path)).map((place) => [place.name, place]))
  const manifest = await jsonIn(path, places.get(MANIFEST))
  if (!Array.isArray(manifest?.['resources'])) {
    tell(`${path}: its ${MANIFEST} is missing or names no resources`)
    return 0
  }
  let read = 0
  const check = async (name: string, hash: unknown, bytes: unknown): Promise<void> => {
    const place = places.get(name)
    const found = place === undefined ? undefined : await sumOf(path, place)
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
    for await (const piece of contentOf(path, place)) pieces.push(piece)
    return JSON.parse(Buffer.concat(pieces).toString('utf8')) as Record<string, unknown>
  } catch {
    return undefined
  }
}

async function sumOf(path: string, place: ZipPlace): Promise<{ readonly hash: string; readonly bytes: number }> {
  const sum = createHash('sha256')
  let bytes = 0
  try {
    for await (const piece of contentOf(path, place)) {
      sum.update(piece)
      bytes += piece.length
    }
  } catch {
    // Damaged where it was compressed.
  }
  return { hash: sum.digest('hex'), bytes }
}

function contentOf(path: string, { offset, length, isStored }: ZipPlace): AsyncIterable<Buffer> {
  if (length === 0) return Readable.from([])
  const stored = createReadStream(path, { start: offset, end: offset + length - 1 })
  return isStored ? stored : stored.pipe(createInflateRaw())
}
