/**
 * Pages out of web archives, ours or other tools': in the order in which they were stored, or one by its URL. Repeats
 * (`revisit` records) come with the body of the page that they repeat. Reads one record at a time; changes nothing.
 */
import { basename, dirname, join } from 'node:path'
import { SluiceError } from '../model/errors.ts'
import { indexOf, warcFiles } from '../warc/archive-files.ts'
import { decodedBody } from '../warc/body.ts'
import { type IndexEntry, parseIndexLine, REVISIT_MIME } from '../warc/cdxj.ts'
import { lookupKey } from '../warc/cdxj-file.ts'
import { type HttpHead, readHttpHead } from '../warc/http-block.ts'
import { PlacedRecords, readRecords, type WarcRecord } from '../warc/reader.ts'
import { surtOf } from '../warc/surt.ts'
import { readFile } from 'node:fs/promises'
import { existsSync } from 'node:fs'

export interface ArchivePage {
  readonly url: string
  /** ISO 8601: when it was fetched. */
  readonly date: string
  readonly status: number
  readonly statusText: string
  /** As stored; flat: name, value, name, value … */
  readonly rawHeaders: readonly string[]
  /** Decoded as far as the headers say how. */
  readonly body: Uint8Array
  readonly file: string
  readonly offset: number
  /** Why `body` is not the whole decoded page: a coding that failed, a repeat whose original is not in the archive. */
  readonly problem?: string
}

export interface ArchiveOptions {
  /** Largest body, stored and decoded; of larger ones `problem` tells. Default 256 MiB. */
  readonly maxBody?: number
  /** Told when a file ends within a record, as after a death of its writer. */
  readonly onTorn?: (torn: { readonly file: string; readonly offset: number; readonly reason: string }) => void
}

export interface Archive {
  /** WARC files in the order in which they are read. */
  readonly files: readonly string[]
  /** Every response. @throws SluiceError `INPUT_UNREADABLE` where a file is damaged before its end */
  pages(): AsyncGenerator<ArchivePage, undefined>
  /** The last stored answer of a URL, by the indexes beside the files; undefined where they name none. */
  lookup(url: string): Promise<ArchivePage | undefined>
  /**
   * The answer at a place that an index names; undefined where it is none. The file stays open for the next one.
   * @throws SluiceError `INPUT_UNREADABLE` where there is no whole record, or one of another URL
   */
  at(place: RecordPlace): Promise<ArchivePage | undefined>
}

/** Where an index says that a record of a URL is. */
export interface RecordPlace {
  readonly url: string
  /** Path. */
  readonly file: string
  readonly offset: number
  /** Bytes in the file. */
  readonly length: number
}

const MAX_BODY = 256 * 1024 * 1024

/**
 * @param paths folders of WARC files, or files
 * @throws SluiceError `INPUT_UNREADABLE` where there is none
 */
export function openArchive(paths: string | readonly string[], options: ArchiveOptions = {}): Archive {
  const given = typeof paths === 'string' ? [paths] : paths
  const files = given.flatMap((path) => {
    if (existsSync(path)) return warcFiles(path)
    throw new SluiceError('INPUT_UNREADABLE', `cannot read ${path}: there is no such file or folder`)
  })
  if (files.length === 0) {
    throw new SluiceError('INPUT_UNREADABLE', `no .warc or .warc.gz in ${given.join(', ')}`)
  }
  return new Files(files, options)
}

class Files implements Archive {
  readonly files: readonly string[]
  readonly #options: ArchiveOptions
  readonly #maxBody: number
  readonly #placed: PlacedRecords

  constructor(files: readonly string[], options: ArchiveOptions) {
    this.files = files
    this.#options = options
    this.#maxBody = options.maxBody ?? MAX_BODY
    this.#placed = new PlacedRecords(this.#maxBody)
  }

  async *pages(): AsyncGenerator<ArchivePage, undefined> {
    for (const file of this.files) {
      const onTorn = (torn: { readonly offset: number; readonly reason: string }): void =>
        this.#options.onTorn?.({ file, ...torn })
      for await (const record of readRecords(file, { keep: this.#maxBody, onTorn })) {
        const page = await this.#pageOf(record, file)
        if (page !== undefined) yield page
      }
    }
  }

  async lookup(url: string): Promise<ArchivePage | undefined> {
    const entries = await this.#entries(url)
    for (const { entry, file } of entries.toReversed()) {
      const record = await this.#recordAt(file, entry)
      if (record !== undefined) return this.#pageOf(record, file)
    }
    return undefined
  }

  async at({ url, file, offset, length }: RecordPlace): Promise<ArchivePage | undefined> {
    const record = await this.#placed.read(file, offset, length)
    if (record?.header('warc-target-uri') === url) return this.#pageOf(record, file)
    throw new SluiceError('INPUT_UNREADABLE', `cannot read ${file}: at byte ${offset} is no record of ${url}`, {
      hint: `${indexOf(file)} is of another file: without it the archive is read from its start`,
    })
  }

  async #pageOf(record: WarcRecord, file: string): Promise<ArchivePage | undefined> {
    const url = record.header('warc-target-uri')
    if (url === undefined || (record.type !== 'response' && record.type !== 'revisit')) return undefined
    const head = readHttpHead(record.block)
    // Responses of other protocols, such as dns: have none.
    if (head === undefined) return undefined
    const place = { url, date: record.header('warc-date') ?? '', file, offset: record.offset }
    if (record.type === 'response') return { ...place, ...answerOf(head), ...this.#bodyOf(record, head) }
    return { ...place, ...(await this.#repeated(record, head, place)) }
  }

  /** A repeat keeps its own headers; one that was not modified is the page that it stands for. */
  async #repeated(record: WarcRecord, head: HttpHead, place: Place): Promise<Omit<ArchivePage, keyof Place>> {
    const original = await this.#originalOf(record, place)
    const own = answerOf(head)
    if (original === undefined) {
      return { ...own, body: new Uint8Array(0), problem: 'the page that it repeats is not in the archive' }
    }
    const originalHead = readHttpHead(original.block) as HttpHead
    return { ...(head.status === 304 ? answerOf(originalHead) : own), ...this.#bodyOf(original, originalHead) }
  }

  async #originalOf(revisit: WarcRecord, { url, file }: Place): Promise<WarcRecord | undefined> {
    const target = revisit.header('warc-refers-to-target-uri')?.replace(/^<(.*)>$/, '$1') ?? url
    const date = Date.parse(revisit.header('warc-refers-to-date') ?? '')
    // Repeats mostly lie near: one index instead of all.
    const near = (await this.#entries(target, [file])).find(
      (one) => isOriginal(one) && Date.parse(one.entry.date) === date,
    )
    const found = near ?? originalAmong((await this.#entries(target)).filter(isOriginal), revisit, date)
    const record = found === undefined ? undefined : await this.#recordAt(found.file, found.entry)
    return record === undefined || readHttpHead(record.block) === undefined ? undefined : record
  }

  /** Entries of exactly that URL in all indexes, the earliest first. */
  async #entries(url: string, files: readonly string[] = this.files): Promise<Found[]> {
    const key = surtOf(url)
    const found: Found[] = []
    for (const file of files) {
      const index = indexOf(file)
      const entries = [...(await lookupKey(index, key)), ...(await unsorted(`${index}.open`, key))]
      for (const entry of entries) {
        if (entry.url === url) found.push({ entry, file: join(dirname(file), basename(entry.filename)) })
      }
    }
    return found.toSorted((a, b) => (a.entry.date < b.entry.date ? -1 : a.entry.date > b.entry.date ? 1 : 0))
  }

  /** The record at a place of the index, unless something else is there by now. */
  async #recordAt(file: string, entry: IndexEntry): Promise<WarcRecord | undefined> {
    if (!existsSync(file)) return undefined
    const options = { from: entry.offset, to: entry.offset + entry.length, keep: this.#maxBody }
    for await (const record of readRecords(file, options)) {
      return record.header('warc-target-uri') === entry.url ? record : undefined
    }
    return undefined
  }

  #bodyOf(record: WarcRecord, head: HttpHead): Pick<ArchivePage, 'body' | 'problem'> {
    const stored = record.block.subarray(head.length)
    if (record.block.length < record.blockLength) {
      return { body: new Uint8Array(0), problem: `the body is larger than ${this.#maxBody} bytes` }
    }
    return decodedBody(head.headers, stored, this.#maxBody)
  }
}

interface Found {
  readonly entry: IndexEntry
  readonly file: string
}

function isOriginal({ entry }: Found): boolean {
  return entry.mime !== REVISIT_MIME
}

/** By its time; else by the digest, as times are named to the second or not at all; a 304 is of what was there before. */
function originalAmong(entries: readonly Found[], revisit: WarcRecord, date: number): Found | undefined {
  const digest = revisit.header('warc-payload-digest')
  const before = Date.parse(revisit.header('warc-date') ?? '')
  return (
    entries.findLast(({ entry }) => Date.parse(entry.date) === date) ??
    (digest === undefined
      ? entries.findLast(({ entry }) => !(Date.parse(entry.date) > before))
      : entries.findLast(({ entry }) => entry.digest === digest))
  )
}

type Place = Pick<ArchivePage, 'url' | 'date' | 'file' | 'offset'>

function answerOf(head: HttpHead): Pick<ArchivePage, 'status' | 'statusText' | 'rawHeaders'> {
  return { status: head.status, statusText: head.statusText, rawHeaders: head.headers }
}

/** What a running or killed job has not sorted yet. */
async function unsorted(path: string, key: string): Promise<IndexEntry[]> {
  const text = await readFile(path, 'latin1').catch(() => '')
  const lines = text.split('\n').filter((line) => line.startsWith(`${key} `))
  return lines.map(parseIndexLine).filter((entry) => entry !== undefined)
}
