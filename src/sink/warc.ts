/**
 * A web archive: WARC 1.1 (ISO 28500:2017), each record one gzip member, so that any tool can read what is committed
 * while the job runs and a page can be reached by its offset. `x.warc.gz` grows to 1 GB and is followed by
 * `x-00001.warc.gz`; beside each stands its index `x.cdxj`. Records are made by a thread (`warc-writer.ts`); here the
 * bytes are appended, and what a death left is cut. Knows no engine.
 */
import { closeSync, existsSync, openSync, readSync, rmSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { SluiceError } from '../model/errors.ts'
import { archiveNames } from '../warc/archive-files.ts'
import { startOfMember } from '../warc/member.ts'
import { AppendFile, type Durability } from './append-file.ts'
import type { JobInfo, Sink, SinkRecord } from './sink.ts'
import { changed, storeError } from './store-error.ts'
import { WarcThread } from './warc-thread.ts'
import { warcinfoId, type WarcPage } from './warc-writer.ts'

export interface WarcSinkOptions {
  /** The first file; ends in `.warc` or `.warc.gz`. Relative paths are below the working directory. */
  readonly path: string
  /** Default `kill`. */
  readonly durability?: Durability
  /** A file this large is followed by the next one. Default 1,000,000,000 bytes. */
  readonly rotateBytes?: number
}

const ROTATE_BYTES = 1_000_000_000
/** Bodies copied to the thread at once: bounds what a batch holds twice. */
const COPY_BYTES = 16 * 1024 * 1024
/** Enough of a file to see whose it is. */
const START = 65_536
const EVERY_RECORD = 'WARC/1.1\r\nWARC-Type: '

/** A sink that appends records to a web archive. @throws SluiceError `OPTION_INVALID` for another ending */
export function warcSink(options: WarcSinkOptions): Sink {
  return new WarcSink(options)
}

class WarcSink implements Sink {
  readonly name: string
  readonly wantsBodies = true
  readonly wantsExchange = true
  readonly #path: string
  readonly #gzip: boolean
  readonly #durability: Durability
  readonly #rotateBytes: number
  #job: JobInfo | undefined
  #file: AppendFile
  #number = 0
  #offset = 0
  #thread: WarcThread | undefined
  /** The thread is ahead of the file: nothing more may be written. */
  #failure: unknown

  constructor(options: WarcSinkOptions) {
    if (!/\.warc(?:\.gz)?$/i.test(options.path)) {
      throw new SluiceError('OPTION_INVALID', `${options.path} does not end in .warc or .warc.gz`)
    }
    this.#path = resolve(options.path)
    this.#gzip = this.#path.toLowerCase().endsWith('.gz')
    this.#durability = options.durability ?? 'kill'
    this.#rotateBytes = options.rotateBytes ?? ROTATE_BYTES
    this.name = `warc:${this.#path}`
    this.#file = this.#fileOf(0)
  }

  async open(job: JobInfo, position: Uint8Array | undefined): Promise<void> {
    this.#job = job
    const numbers = archiveNames(this.#path).numbers()
    const wanted = position === undefined ? undefined : decodeWarcPosition(position, this.#path)
    this.#number = wanted?.number ?? numbers.at(-1) ?? 0
    if (wanted !== undefined) this.#removeLater(job, numbers)
    this.#file = this.#fileOf(this.#number)
    const { size, known } = this.#file.open(wanted?.file, (surplus) => this.#startsWith(surplus, EVERY_RECORD))
    this.#offset = size
    if (!known && size > 0) this.#refuseOther()
  }

  position(): Uint8Array {
    const file = Buffer.from(this.#file.position()).toString()
    return Buffer.from(JSON.stringify({ v: 1, number: this.#number, file }))
  }

  async write(batch: readonly SinkRecord[]): Promise<Uint8Array> {
    if (this.#failure !== undefined) throw storeError(this.#path, this.#failure)
    try {
      for (let from = 0; from < batch.length; ) from = await this.#send(batch, from)
    } catch (error) {
      this.#failure = error
      throw storeError(this.#file.path, error)
    }
    return this.position()
  }

  async close(): Promise<void> {
    const names = archiveNames(this.#path)
    try {
      const isUnsorted = this.#thread !== undefined || existsSync(names.journal(this.#number))
      if (this.#job !== undefined && this.#failure === undefined && isUnsorted) await this.#started().finish()
    } catch (error) {
      throw storeError(names.index(this.#number), error)
    } finally {
      await this.#thread?.stop()
      this.#thread = undefined
      this.#file.close()
    }
  }

  /** Sends as many records as one copy takes; returns where to go on. */
  async #send(batch: readonly SinkRecord[], from: number): Promise<number> {
    let to = from
    let size = 0
    while (to < batch.length && (to === from || size < COPY_BYTES)) size += bodyOf(batch[to++] as SinkRecord).length
    const bytes = new Uint8Array(size)
    let at = 0
    const pages = batch.slice(from, to).map((stored): WarcPage => {
      const body = bodyOf(stored)
      bytes.set(body, at)
      at += body.length
      return pageOf(stored, at - body.length, at)
    })
    await this.#started().write(pages, bytes)
    return to
  }

  /** Started by the first write: a job that stores nothing needs no thread. */
  #started(): WarcThread {
    if (this.#thread !== undefined) return this.#thread
    const { id: jobId, name: jobName } = this.#job as JobInfo
    const data = { path: this.#path, gzip: this.#gzip, jobId, jobName, rotateBytes: this.#rotateBytes }
    this.#thread = new WarcThread(
      { ...data, number: this.#number, offset: this.#offset },
      {
        bytes: async (bytes) => {
          await this.#file.append(bytes)
          this.#offset += bytes.length
        },
        rotate: (number) => this.#rotate(number),
      },
    )
    return this.#thread
  }

  #rotate(number: number): void {
    const file = this.#fileOf(number)
    if (existsSync(file.path)) throw changed(file.path, 'is in the way of the next file of the archive')
    file.open(undefined, () => false)
    this.#file.close()
    this.#file = file
    this.#number = number
    this.#offset = 0
  }

  #fileOf(number: number): AppendFile {
    const path = archiveNames(this.#path).warc(number)
    return new AppendFile({ path, durability: this.#durability, followLink: true })
  }

  /** Files begun behind the committed one are ours if they start as this job would have started them. */
  #removeLater(job: JobInfo, numbers: readonly number[]): void {
    const names = archiveNames(this.#path)
    for (const number of numbers.filter((one) => one > this.#number)) {
      const path = names.warc(number)
      const start = startOf(path)
      const first = `${EVERY_RECORD}warcinfo\r\nWARC-Record-ID: ${warcinfoId(job.id, path)}`
      // After a power cut a file may have its length and none of its bytes.
      if (!start.every((byte) => byte === 0) && !this.#startsWith(start, first)) {
        throw changed(path, 'was not written by this job and is in the way of the next file of the archive')
      }
      for (const leftover of [path, names.index(number), names.journal(number)]) rmSync(leftover, { force: true })
    }
  }

  /** Whether bytes, which may be cut off anywhere, can be the start of such a record. */
  #startsWith(bytes: Buffer, text: string): boolean {
    if (this.#gzip && (bytes[0] !== 0x1f || (bytes.length > 1 && bytes[1] !== 0x8b))) return false
    const plain = (this.#gzip ? startOfMember(bytes) : bytes).toString('latin1', 0, text.length)
    return text.startsWith(plain)
  }

  /** The user's file may be continued only with what it is. */
  #refuseOther(): void {
    const head = this.#file.head(START)
    const plain = this.#gzip ? startOfMember(head) : head
    if (plain.toString('latin1', 0, 5) === 'WARC/') return
    this.#file.close()
    throw new SluiceError('OPTION_INVALID', `${this.#file.path} is there and is no WARC file`, {
      hint: 'give another name, or move the file away',
    })
  }
}

const NO_BYTES = new Uint8Array(0)

/** The body as it is stored: coded where that is known, none where nothing of the exchange is archived. */
function bodyOf({ exchange, body, bodyFile }: SinkRecord): Uint8Array {
  if (exchange === undefined) return NO_BYTES
  return exchange.wireBody ?? (bodyFile === undefined ? body : NO_BYTES)
}

function pageOf(stored: SinkRecord, from: number, to: number): WarcPage {
  const { record, json, bodyFile } = stored
  const page = { seq: record.seq, url: record.url, date: record.t, json, from, to }
  const { wireBody, ...exchange } = stored.exchange ?? { wireBody: undefined }
  const coded = wireBody !== undefined
  // A body that was not kept cannot be archived: a response with an empty one would be untrue.
  const isLost = from === to && bodyFile === undefined && !coded && (record.bytes ?? 0) > 0
  const isKept = stored.exchange !== undefined && !(isLost && stored.exchange.status !== 304)
  return {
    ...page,
    coded,
    truncated: record.flags?.includes('truncated') === true,
    ...(isKept ? { exchange: exchange as Omit<NonNullable<SinkRecord['exchange']>, 'wireBody'> } : {}),
    ...(isKept && !coded && bodyFile !== undefined ? { bodyFile } : {}),
  }
}

function startOf(path: string): Buffer {
  const bytes = Buffer.alloc(Math.min(START, statSync(path).size))
  const fd = openSync(path, 'r')
  try {
    return bytes.subarray(0, readSync(fd, bytes, 0, bytes.length, 0))
  } finally {
    closeSync(fd)
  }
}

/** The number of the file that is written and its position. @throws SluiceError `FORMAT_UNSUPPORTED` */
export function decodeWarcPosition(
  position: Uint8Array,
  path: string,
): { readonly number: number; readonly file: Uint8Array } {
  let value: { v?: unknown; number?: unknown; file?: unknown } | undefined
  try {
    value = JSON.parse(Buffer.from(position).toString()) as typeof value
  } catch {
    value = undefined
  }
  if (value?.v !== 1 || !Number.isSafeInteger(value.number) || typeof value.file !== 'string') {
    throw new SluiceError('FORMAT_UNSUPPORTED', `the stored position of ${path} is not one this version can read`)
  }
  return { number: value.number as number, file: Buffer.from(value.file) }
}
