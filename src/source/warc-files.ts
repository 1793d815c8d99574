/**
 * The files of an archive as they can be read at any place: what was compressed as a whole is unpacked into a folder of
 * its own first, which goes with `close`. Lists its answers in a table, from the index beside a file where that is ours,
 * else by reading. Knows no page.
 */
import { closeSync, existsSync, mkdtempSync, openSync, readSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { SluiceError } from '../model/errors.ts'
import { indexOf, warcFiles } from '../warc/archive-files.ts'
import { type CaptureRow, CaptureTable, type NewCapture, type RecordPlace } from '../warc/capture-table.ts'
import { entryOf, parseIndexLine, REVISIT_MIME } from '../warc/cdxj.ts'
import type { IndexEntry } from '../warc/cdxj.ts'
import { indexLines } from '../warc/cdxj-file.ts'
import { readHttpHead } from '../warc/http-block.ts'
import { type Break, readRecords, type WarcRecord } from '../warc/reader.ts'
import { isWholeGzip, unpackGzip } from '../warc/whole-gzip.ts'
import { readZipPlaces } from '../warc/zip-reader.ts'
import type { Answers, Capture, StoredAnswer } from './warc-answers.ts'

/** Where a file of an archive could not be read on. */
export interface ArchiveBreak extends Break {
  readonly file: string
  /** `torn`: the file ends within a record, as after a death of its writer. */
  readonly kind: 'torn' | 'damaged'
}

interface ArchiveFile {
  /** As it was given: for messages. */
  readonly name: string
  /** Where its records are read: the file itself, or what was unpacked. */
  readonly path: string
  /** Bytes of `path` that are it: all but for a member of a WACZ. */
  readonly from: number
  readonly to: number | undefined
}

/** Indexes of others leave out the fraction of the second. */
const OURS = /"date":/

const WACZ = /\.wacz$/i
const IN_WACZ = /^archive\/.*\.warc(?:\.gz)?$/i

/** Enough of a block for the status and the Content-Type of nearly any response. */
const BLOCK_START = 65_536

export class WarcFiles {
  readonly names: readonly string[]
  readonly breaks: ArchiveBreak[] = []
  readonly #files: ArchiveFile[] = []
  #folder: string | undefined

  /** @throws SluiceError `INPUT_UNREADABLE` where there is no archive */
  constructor(given: readonly string[]) {
    this.names = given.flatMap((path) => {
      if (existsSync(path)) return warcFiles(path)
      throw new SluiceError('INPUT_UNREADABLE', `cannot read ${path}: there is no such file or folder`)
    })
    if (this.names.length === 0) {
      throw new SluiceError('INPUT_UNREADABLE', `no .warc, .warc.gz or .wacz in ${given.join(', ')}`)
    }
  }

  /** True where every file has an index of ours that is whole: nobody writes it, and nobody died while writing. */
  get areIndexed(): boolean {
    return this.names.every((name) => {
      const index = indexOf(name)
      return existsSync(index) && !existsSync(`${index}.open`) && OURS.test(startOf(index))
    })
  }

  /**
   * Every answer, in the order of the files.
   *
   * @throws SluiceError `INPUT_UNREADABLE` for a file without a single record, `FORMAT_UNSUPPORTED` for ARC
   */
  async list(): Promise<CaptureTable> {
    const table = new CaptureTable()
    for await (const opened of this.#opened()) {
      const { name, path, to } = opened
      const file = this.#files.push(opened) - 1
      const known = ownIndex(name)
      for (const entry of known) table.add(captureOf(entry, { ...entry, file, inner: 0 }))
      const from = known.reduce((most, { offset, length }) => Math.max(most, offset + length), opened.from)
      let isEmpty = from === opened.from
      for await (const record of this.#records(path, { from, to, keep: BLOCK_START })) {
        isEmpty = false
        const entry = answerEntry(record, name)
        if (entry !== undefined) table.add(captureOf(entry, { ...record, file }))
      }
      const damage = this.breaks.at(-1)
      if (isEmpty && damage?.kind === 'damaged' && damage.file === name) {
        throw new SluiceError('INPUT_UNREADABLE', `cannot read ${name} at byte ${damage.offset}: ${damage.reason}`, {
          hint: 'archives are WARC files, plain or compressed with gzip',
        })
      }
    }
    return table
  }

  /** Every record of every file, whole as far as `keep` bytes of its block. */
  async *records(keep: number): AsyncGenerator<{ readonly file: string; readonly record: WarcRecord }, undefined> {
    for await (const opened of this.#opened()) {
      this.#files.push(opened)
      const { name, path, from, to } = opened
      for await (const record of this.#records(path, { from, to, keep })) yield { file: name, record }
    }
  }

  /** The record at a place; undefined where something else is there by now. */
  async record({ file, offset, length, inner }: Capture, keep: number): Promise<WarcRecord | undefined> {
    if (!existsSync(file)) return undefined
    const range = { from: offset, to: offset + length, keep }
    for await (const record of this.#records(file, range)) if (record.inner === inner) return record
    return undefined
  }

  /** Where a file of the table can be read. */
  path(file: number): string {
    return (this.#files[file] as ArchiveFile).path
  }

  /** A file as it was given. @param path as of `path` */
  nameOf(path: string): string {
    return this.#files.find((file) => file.path === path)?.name ?? path
  }

  close(): void {
    if (this.#folder !== undefined) rmSync(this.#folder, { recursive: true, force: true })
  }

  async *#opened(): AsyncGenerator<ArchiveFile, undefined> {
    for (const name of this.names) {
      if (!WACZ.test(name)) {
        yield await this.#plain({ name, path: name, from: 0, to: undefined })
        continue
      }
      const members = (await readZipPlaces(name)).filter((place) => IN_WACZ.test(place.name))
      if (members.length === 0) throw new SluiceError('INPUT_UNREADABLE', `cannot read ${name}: no archive is in it`)
      for (const member of members) {
        if (!member.isStored) {
          throw new SluiceError(
            'FORMAT_UNSUPPORTED',
            `cannot read ${name}: ${member.name} is compressed a second time`,
            {
              hint: `unpack it, then name the file: unzip ${basename(name)}`,
            },
          )
        }
        yield await this.#plain({ name, path: name, from: member.offset, to: member.offset + member.length })
      }
    }
  }

  /** The file itself, or what was unpacked of it. */
  async #plain(file: ArchiveFile): Promise<ArchiveFile> {
    if (!(await isWholeGzip(file.path, file.from, file.to))) return file
    this.#folder ??= mkdtempSync(join(tmpdir(), 'sluice-warc-'))
    const path = join(this.#folder, `${this.#files.length}.warc`)
    await unpackGzip(file.path, path, file, (found) => this.breaks.push({ ...found, file: file.name, kind: 'damaged' }))
    return { name: file.name, path, from: 0, to: undefined }
  }

  #records(
    path: string,
    range: { readonly from: number; readonly to: number | undefined; readonly keep: number },
  ): AsyncGenerator<WarcRecord, undefined> {
    const broken =
      (kind: ArchiveBreak['kind']) =>
      (found: Break): void => {
        const file = this.nameOf(path)
        const isKnown = this.breaks.some((one) => one.file === file && one.offset === found.offset)
        if (!isKnown) this.breaks.push({ ...found, file, kind })
      }
    const { from, to, keep } = range
    const told = { onTorn: broken('torn'), onDamaged: broken('damaged') }
    return readRecords(path, { from, keep, ...(to === undefined ? {} : { to }), ...told })
  }
}

/** Answers found in the table of an archive. */
export class ListedAnswers implements Answers {
  readonly #table: CaptureTable
  readonly #files: WarcFiles

  constructor(table: CaptureTable, files: WarcFiles) {
    this.#table = table
    this.#files = files
  }

  async ofUrl(url: string): Promise<StoredAnswer[]> {
    return this.#table.ofUrl(url).map((row) => this.#answer(row))
  }

  async original(digest: string): Promise<StoredAnswer | undefined> {
    const row = this.#table.original(digest)
    return row === undefined ? undefined : this.#answer(row)
  }

  #answer(row: CaptureRow): StoredAnswer {
    return { ...row, file: this.#files.path(row.file) }
  }
}

/** What is known of an answer without its record; `resource` records are what they hold, with a status of 200. */
function answerEntry(record: WarcRecord, file: string): IndexEntry | undefined {
  const name = basename(file)
  if (record.type !== 'resource') return isAnswer(record) ? entryOf(record, name) : undefined
  const url = record.header('warc-target-uri')
  if (url === undefined || !/^https?:/i.test(url)) return undefined
  const { offset, length } = record
  const [date = '', mime = '', digest = ''] = ['warc-date', 'content-type', 'warc-payload-digest'].map(record.header)
  return { url, date, mime, status: 200, digest, offset, length, filename: name }
}

/** Responses of other protocols, such as `dns:`, have no status; a repeat may do without a head of its own. */
function isAnswer(record: WarcRecord): boolean {
  return record.type === 'revisit' || (readHttpHead(record.block)?.status ?? 0) > 0
}

function captureOf(entry: IndexEntry, place: RecordPlace): NewCapture {
  const { url, date, status, digest, mime } = entry
  const isRevisit = mime === REVISIT_MIME
  const { file, offset, length, inner } = place
  return { url, date, digest, isRevisit, file, offset, length, inner, status: isRevisit && status === 0 ? 200 : status }
}

/**
 * Entries of the index beside a file, in the order of the file; none where it is not ours, as indexes of others leave out
 * the fraction of the second, or does not fit the file.
 */
function ownIndex(path: string): IndexEntry[] {
  const index = indexOf(path)
  if (index === path) return []
  const { size } = statSync(path)
  const entries: IndexEntry[] = []
  for (const line of [...indexLines(index), ...indexLines(`${index}.open`)]) {
    const entry = parseIndexLine(line)
    // The last line of a running or killed job may be torn: from there on the file itself is read.
    if (entry === undefined) break
    if (!OURS.test(line) || entry.filename !== basename(path) || entry.offset + entry.length > size) return []
    entries.push(entry)
  }
  return entries.toSorted((a, b) => a.offset - b.offset)
}

/** A line fits. */
function startOf(path: string): string {
  const file = openSync(path, 'r')
  try {
    const bytes = Buffer.alloc(16_384)
    return bytes.toString('latin1', 0, readSync(file, bytes, 0, bytes.length, 0))
  } finally {
    closeSync(file)
  }
}
