/**
 * Pages out of web archives, ours or other tools': in the order in which they were stored, the last answer of each URL,
 * or one by its URL. Repeats (`revisit` records) come with the body of the page that they repeat, wherever in the archive
 * it is. Holds one record at a time, and a table of the answers where indexes do not know them; changes nothing.
 */
import { SluiceError } from '../model/errors.ts'
import { indexOf } from '../warc/archive-files.ts'
import { decodedBody } from '../warc/body.ts'
import type { CaptureTable } from '../warc/capture-table.ts'
import { type HttpHead, readHttpHead } from '../warc/http-block.ts'
import { PlacedRecords, type WarcRecord } from '../warc/reader.ts'
import type { Answers, Capture } from './warc-answers.ts'
import { type ArchiveBreak, ListedAnswers, WarcFiles } from './warc-files.ts'
import { IndexedAnswers } from './warc-indexes.ts'

export type { ArchiveBreak, Capture }

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
}

export interface Archive {
  /** WARC files in the order in which they are read. */
  readonly files: readonly string[]
  /** Where files could not be read to their end, as far as they were read. */
  readonly breaks: readonly ArchiveBreak[]
  /**
   * Places of the answers in the order of the files: all, or the last one of each URL that was answered 200.
   *
   * @throws SluiceError `INPUT_UNREADABLE`, `FORMAT_UNSUPPORTED` where a file is no WARC file
   */
  captures(which: 'all' | 'latest'): AsyncGenerator<Capture, undefined>
  /** The page at such a place; undefined where its record cannot be read any more. */
  read(capture: Capture): Promise<ArchivePage | undefined>
  /** True where every file has an index of ours that is whole. */
  readonly isIndexed: boolean
  /**
   * The answer at a place that an index names; undefined where it is none. The file stays open for the next one.
   * @throws SluiceError `INPUT_UNREADABLE` where there is no whole record, or one of another URL
   */
  at(place: PlacedUrl): Promise<ArchivePage | undefined>
  /** Every answer. */
  pages(): AsyncGenerator<ArchivePage, undefined>
  /** The last stored answer of a URL. */
  lookup(url: string): Promise<ArchivePage | undefined>
  close(): void
}

/** Where an index says that a record of a URL is. */
export interface PlacedUrl extends Omit<Capture, 'inner'> {
  readonly url: string
}

const MAX_BODY = 256 * 1024 * 1024

/**
 * @param paths folders of WARC files, or files
 * @throws SluiceError `INPUT_UNREADABLE` where there is none
 */
export function openArchive(paths: string | readonly string[], options: ArchiveOptions = {}): Archive {
  return new StoredPages(new WarcFiles(typeof paths === 'string' ? [paths] : paths), options.maxBody ?? MAX_BODY)
}

class StoredPages implements Archive {
  readonly #files: WarcFiles
  readonly #maxBody: number
  readonly #placed: PlacedRecords
  #listed: Promise<CaptureTable> | undefined
  #found: Promise<Answers> | undefined

  constructor(files: WarcFiles, maxBody: number) {
    this.#files = files
    this.#maxBody = maxBody
    this.#placed = new PlacedRecords(maxBody)
  }

  get isIndexed(): boolean {
    return this.#files.areIndexed
  }

  get files(): readonly string[] {
    return this.#files.names
  }

  get breaks(): readonly ArchiveBreak[] {
    return this.#files.breaks
  }

  async *captures(which: 'all' | 'latest'): AsyncGenerator<Capture, undefined> {
    const table = await this.#table()
    for (const row of which === 'all' ? table.rows() : table.latest()) {
      const { file, offset, length, inner } = table.row(row)
      yield { file: this.#files.path(file), offset, length, inner }
    }
  }

  async read(capture: Capture): Promise<ArchivePage | undefined> {
    const record = await this.#files.record(capture, this.#maxBody)
    return record === undefined ? undefined : this.#pageOf(record, capture.file)
  }

  async at({ url, file, offset, length }: PlacedUrl): Promise<ArchivePage | undefined> {
    const record = await this.#placed.read(file, offset, length)
    if (record?.header('warc-target-uri') === url) return this.#pageOf(record, file)
    throw new SluiceError('INPUT_UNREADABLE', `cannot read ${file}: at byte ${offset} is no record of ${url}`, {
      hint: `${indexOf(file)} is of another file: without it the archive is read from its start`,
    })
  }

  async *pages(): AsyncGenerator<ArchivePage, undefined> {
    for await (const capture of this.captures('all')) {
      const page = await this.read(capture)
      if (page !== undefined) yield page
    }
  }

  async lookup(url: string): Promise<ArchivePage | undefined> {
    const answers = await (await this.#answers()).ofUrl(url)
    for (const answer of answers.toReversed()) {
      const page = await this.read(answer)
      if (page?.url === url) return page
    }
    return undefined
  }

  close(): void {
    this.#files.close()
  }

  async #pageOf(record: WarcRecord, path: string): Promise<ArchivePage | undefined> {
    const url = record.header('warc-target-uri')
    if (url === undefined) return undefined
    const file = this.#files.nameOf(path)
    const place = { url, date: record.header('warc-date') ?? '', file, offset: record.offset }
    if (record.type === 'resource') return { ...place, ...this.#resourceOf(record) }
    const head = readHttpHead(record.block)
    if (record.type === 'revisit') return { ...place, ...(await this.#repeated(record, head, { url, file: path })) }
    if (record.type !== 'response' || head === undefined) return undefined
    return { ...place, ...answerOf(head), ...this.#bodyOf(record, head) }
  }

  #table(): Promise<CaptureTable> {
    return (this.#listed ??= this.#files.list())
  }

  #answers(): Promise<Answers> {
    const open = async (): Promise<Answers> =>
      this.#listed === undefined && this.#files.areIndexed
        ? new IndexedAnswers(this.#files.names)
        : new ListedAnswers(await this.#table(), this.#files)
    return (this.#found ??= open())
  }

  /** A repeat keeps its own headers; one that was not modified, or says nothing, is the page that it stands for. */
  async #repeated(
    record: WarcRecord,
    head: HttpHead | undefined,
    place: Pick<ArchivePage, 'url' | 'file'>,
  ): Promise<Answer> {
    const original = await this.#originalOf(record, place)
    const own = head === undefined ? NO_ANSWER : answerOf(head)
    if (original === undefined) {
      return { ...own, body: new Uint8Array(0), problem: 'the page that it repeats is not in the archive' }
    }
    if (original.type === 'resource') return this.#resourceOf(original)
    const originalHead = readHttpHead(original.block) as HttpHead
    const isOwn = head !== undefined && head.status !== 304
    return { ...(isOwn ? own : answerOf(originalHead)), ...this.#bodyOf(original, originalHead) }
  }

  /**
   * By the URL and the time that the repeat names; else by the digest, at any URL, as times are named to the second or not
   * at all; a page that was not modified is what was there before.
   */
  async #originalOf(
    revisit: WarcRecord,
    { url, file }: Pick<ArchivePage, 'url' | 'file'>,
  ): Promise<WarcRecord | undefined> {
    const answers = await this.#answers()
    const target = revisit.header('warc-refers-to-target-uri')?.replace(/^<(.*)>$/, '$1') ?? url
    const time = Date.parse(revisit.header('warc-refers-to-date') ?? '')
    const own = Date.parse(revisit.header('warc-date') ?? '')
    const isSame = !revisit.header('warc-profile')?.endsWith('/server-not-modified')
    const digest = isSame ? revisit.header('warc-payload-digest') : undefined
    // Repeats mostly lie near.
    const near = (await answers.ofUrl(target, file)).find((one) => !one.isRevisit && one.time === time)
    const found = near === undefined ? undefined : await this.#originalAt(near, digest)
    if (found !== undefined) return found
    const originals = (await answers.ofUrl(target)).filter(({ isRevisit }) => !isRevisit)
    const candidates = [
      originals.findLast((one) => one.time === time),
      digest === undefined
        ? originals.findLast((one) => !(one.time > own))
        : ((await answers.original(digest)) ?? originals.at(-1)),
    ]
    for (const place of candidates) {
      const record = place === undefined ? undefined : await this.#originalAt(place, digest)
      if (record !== undefined) return record
    }
    return undefined
  }

  /** @param digest that the record must have, unless it says none */
  async #originalAt(place: Capture, digest: string | undefined): Promise<WarcRecord | undefined> {
    const record = await this.#files.record(place, this.#maxBody)
    const stored = record?.header('warc-payload-digest')
    if (digest !== undefined && stored !== undefined && stored.toLowerCase() !== digest.toLowerCase()) return undefined
    return record
  }

  /** A file that was archived without the exchange that brought it. */
  #resourceOf(record: WarcRecord): Answer {
    const rawHeaders = ['Content-Type', record.header('content-type') ?? 'application/octet-stream']
    const answer = { status: 200, statusText: 'OK', rawHeaders }
    return this.#isCut(record) ? { ...answer, ...this.#tooLarge() } : { ...answer, body: record.block }
  }

  #bodyOf(record: WarcRecord, head: HttpHead): Body {
    if (this.#isCut(record)) return this.#tooLarge()
    return decodedBody(head.headers, record.block.subarray(head.length), this.#maxBody)
  }

  #isCut(record: WarcRecord): boolean {
    return record.block.length < record.blockLength
  }

  #tooLarge(): Body {
    return { body: new Uint8Array(0), problem: `the body is larger than ${this.#maxBody} bytes` }
  }
}

type Body = Pick<ArchivePage, 'body' | 'problem'>
type Answer = Body & Pick<ArchivePage, 'status' | 'statusText' | 'rawHeaders'>

const NO_ANSWER = { status: 200, statusText: 'OK', rawHeaders: [] } as const

function answerOf(head: HttpHead): Pick<ArchivePage, 'status' | 'statusText' | 'rawHeaders'> {
  return { status: head.status, statusText: head.statusText, rawHeaders: head.headers }
}
