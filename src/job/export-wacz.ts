/**
 * The archive of a job as one WACZ file (Web Archive Collection Zipped 1.1.1): its WARC files as they are, one CDXJ index
 * over them, the list of its pages, and the manifest with a sha-256 of each. Written forwards; the index and the list of
 * pages wait in a temporary folder, everything else is read where it lies.
 */
import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { crc32 } from 'node:zlib'
import { systemClock } from '../engine/clock.ts'
import { openReader } from '../frontier/sqlite/read.ts'
import type { Reader } from '../frontier/sqlite/read.ts'
import { SluiceError } from '../model/errors.ts'
import type { PageRecord } from '../model/record.ts'
import { sinkKindOf } from '../sink/kind.ts'
import { WarcFiles } from '../source/warc-files.ts'
import { withoutCredentials } from '../url/canonicalize.ts'
import { createFingerprint } from '../url/fingerprint.ts'
import { indexOf, warcFiles } from '../warc/archive-files.ts'
import { entryOf, indexLine } from '../warc/cdxj.ts'
import { type ZipFile, zipPieces } from '../warc/zip-writer.ts'
import { nameOf, outputsOf, readStored } from './folder.ts'
import { linesOf } from './lines.ts'
import { VERSION } from './prepare.ts'
import { UrlTable } from './url-table.ts'

const WACZ = '1.1.1'
const SLICE = 1_000
/** Enough of a block for the status and the Content-Type of nearly any response. */
const BLOCK_START = 65_536

interface Resource extends ZipFile {
  readonly hash: string
}

/** Pieces of the file. @throws SluiceError `OPTION_INVALID` where the job keeps no archive */
export async function* waczPieces(folder: string): AsyncGenerator<Uint8Array, undefined> {
  const warcs = archiveOf(folder)
  const scratch = mkdtempSync(join(tmpdir(), 'sluice-wacz-'))
  try {
    const resources: Resource[] = []
    const indexes: AsyncIterable<string>[] = []
    for (const path of warcs) {
      const { lines, end } = await indexedLines(path)
      indexes.push(lines)
      resources.push(await fileResource(`archive/${basename(path)}`, path, end))
    }
    const index = join(scratch, 'index.cdx')
    await writeLines(index, merged(indexes))
    resources.push(await fileResource('indexes/index.cdx', index))
    const pages = join(scratch, 'pages.jsonl')
    await writeLines(pages, pageLines(folder))
    resources.push(await fileResource('pages/pages.jsonl', pages))
    const now = systemClock().wall()
    const manifest = textFile('datapackage.json', manifestOf(folder, resources, new Date(now).toISOString()))
    const digest = textFile('datapackage-digest.json', { path: manifest.name, hash: manifest.hash })
    yield* zipPieces([...resources, manifest, digest], now)
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

function archiveOf(folder: string): string[] {
  const own = join(folder, 'archive')
  const cwd = readStored(folder)?.cwd ?? '.'
  const given = (outputsOf(folder) ?? []).map(sinkKindOf).filter(({ kind }) => kind === 'warc')
  const places = [own, ...given.map(({ path }) => resolve(cwd, path))].filter((path) => existsSync(path))
  const found = places[0] === undefined ? [] : warcFiles(places[0]).filter((path) => !path.endsWith('.wacz'))
  if (found.length > 0) return found
  throw new SluiceError('OPTION_INVALID', `${folder} has no archive`, {
    hint: 'a job keeps its pages with --store; run it once more with that',
  })
}

/** Lines of the index of a file, sorted, and how far it is whole: a live job goes on writing. */
async function indexedLines(path: string): Promise<{ readonly lines: AsyncIterable<string>; readonly end?: number }> {
  const index = indexOf(path)
  if (existsSync(index) && !existsSync(`${index}.open`)) return { lines: eachLine(index) }
  const lines: string[] = []
  let end = 0
  for await (const { record } of new WarcFiles([path]).records(BLOCK_START)) {
    end = record.offset + record.length
    const entry = entryOf(record, basename(path))
    if (entry !== undefined) lines.push(indexLine(entry))
  }
  return { lines: Readable.from(lines.sort()), end }
}

async function* eachLine(path: string): AsyncGenerator<string> {
  for await (const lines of linesOf(path)) yield* lines
}

async function* merged(sources: readonly AsyncIterable<string>[]): AsyncGenerator<string> {
  const heads = await Promise.all(
    sources.map(async (source) => {
      const lines = source[Symbol.asyncIterator]()
      return { lines, next: await lines.next() }
    }),
  )
  for (;;) {
    const left = heads.filter(({ next }) => next.done !== true)
    const first = left.toSorted((a, b) => ((a.next.value as string) < (b.next.value as string) ? -1 : 1))[0]
    if (first === undefined) return
    yield first.next.value as string
    first.next = await first.lines.next()
  }
}

/** The last answer of each URL that was a whole HTML page: what was not modified since is in the archive as that. */
async function* pageLines(folder: string): AsyncGenerator<string> {
  yield JSON.stringify({ format: 'json-pages-1.0', id: 'pages', title: 'All Pages' })
  const fingerprint = await createFingerprint(0n)
  const latest = new UrlTable()
  const reader = openReader(folder)
  try {
    for (const { url, seq } of htmlRecords(reader)) latest.set(fingerprint.of(url), seq)
    for (const { url, final = url, title, bytes, seq, t } of htmlRecords(reader)) {
      if (latest.get(fingerprint.of(url)) !== seq) continue
      yield JSON.stringify({ id: String(seq), url: final, ts: t, title, size: bytes })
    }
  } finally {
    reader.close()
  }
}

function* htmlRecords(reader: Reader): Generator<PageRecord> {
  for (let afterSeq = 0; ; ) {
    const rows = reader.ledger({ afterSeq, limit: SLICE })
    for (const { record } of rows) {
      if (record.outcome === 'ok' && /^(?:text\/html|application\/xhtml)/.test(record.mime ?? '')) yield record
    }
    if (rows.length < SLICE) return
    afterSeq = (rows.at(-1) as { record: PageRecord }).record.seq
  }
}

function manifestOf(folder: string, resources: readonly Resource[], created: string): object {
  const { subject } = readStored(folder) ?? {}
  return {
    profile: 'data-package',
    wacz_version: WACZ,
    title: nameOf(folder),
    created,
    software: `sluice ${VERSION}`,
    ...(subject !== undefined && /^https?:/i.test(subject) ? { mainPageUrl: withoutCredentials(subject) } : {}),
    resources: resources.map(({ name, hash, size }) => ({ name: basename(name), path: name, hash, bytes: size })),
  }
}

async function writeLines(path: string, lines: Iterable<string> | AsyncIterable<string>): Promise<void> {
  const ended = async function* (): AsyncGenerator<string> {
    for await (const line of lines) yield `${line}\n`
  }
  await pipeline(ended, createWriteStream(path))
}

/** @param end bytes from there on are left out */
async function fileResource(name: string, path: string, end = Infinity): Promise<Resource> {
  const upTo = (length: number): AsyncIterable<Buffer> =>
    length === 0 ? Readable.from([]) : createReadStream(path, { end: length - 1 })
  const sum = createHash('sha256')
  let [size, crc] = [0, 0]
  for await (const piece of upTo(end)) {
    sum.update(piece)
    crc = crc32(piece, crc)
    size += piece.length
  }
  // What is appended meanwhile is left out.
  const read = size
  return { name, size, crc, hash: `sha256:${sum.digest('hex')}`, content: () => upTo(read) }
}

function textFile(name: string, value: object): Resource {
  const bytes = Buffer.from(`${JSON.stringify(value, null, 2)}\n`)
  const hash = `sha256:${createHash('sha256').update(bytes).digest('hex')}`
  return { name, size: bytes.length, crc: crc32(bytes), hash, content: () => Readable.from([bytes]) }
}
