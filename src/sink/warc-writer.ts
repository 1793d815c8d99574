/**
 * Turns settled pages into WARC records and says which bytes come next in which file. Digests, compression and the
 * index are done here, so it runs in a thread of its own. It writes no archive: the bytes go out by `emit`, in order.
 *
 * A page is stored as `request`, `response` (or `revisit` where the archive holds the same payload) and `metadata`,
 * the page record as JSON; a page without a response as `metadata` alone.
 */
import { basename } from 'node:path'
import { createReadStream, statSync } from 'node:fs'
import { createHash } from 'node:crypto'
import { pipeline, Readable } from 'node:stream'
import { createGzip } from 'node:zlib'
import type { ArchiveNames } from '../warc/archive-files.ts'
import { digestOf, labelOf, recordId, sha1 } from '../warc/digest.ts'
import { headerOf, requestHead, responseHead } from '../warc/http-block.ts'
import { PayloadTable } from '../warc/payload-table.ts'
import { readFields } from '../warc/reader.ts'
import {
  type Fields,
  fieldsBlock,
  GZIP_LEVEL,
  HTTP_REQUEST,
  HTTP_RESPONSE,
  type NewRecord,
  NOT_MODIFIED,
  RECORD_END,
  recordBytes,
  recordHead,
  SAME_PAYLOAD,
  targetUri,
  WARC_FIELDS,
} from '../warc/record.ts'
import { REVISIT_MIME } from '../warc/cdxj.ts'
import type { Exchange } from './sink.ts'
import { WarcIndex } from './warc-index.ts'

/** A settled page as it is sent to the thread. */
export interface WarcPage {
  readonly seq: number
  readonly url: string
  /** ISO 8601. */
  readonly date: string
  readonly json: string
  readonly exchange?: Omit<Exchange, 'wireBody'>
  /** Bytes of the body in the buffer that came with the batch. */
  readonly from: number
  readonly to: number
  readonly bodyFile?: string
  /** True: the body still has its Content-Encoding. */
  readonly coded: boolean
  readonly truncated: boolean
}

export interface WarcWriterOptions {
  readonly names: ArchiveNames
  readonly gzip: boolean
  readonly jobId: string
  readonly jobName: string
  /** File that is written to, and its committed bytes. */
  readonly number: number
  readonly offset: number
  /** A file this large is followed by the next one. */
  readonly rotateBytes: number
  /** Takes the next bytes of the file; resolved = they are in it. */
  readonly emit: (bytes: Buffer) => Promise<void>
  /** Ends the file and starts the one of that number. */
  readonly rotate: (number: number) => Promise<void>
}

/** Emitted at once: few large writes, and memory that one batch cannot blow up. */
const EMIT_BYTES = 4 * 1024 * 1024
/** Repeats of smaller payloads are stored again: the fields of a revisit are longer. */
const SMALLEST_REVISIT = 512
/** Index lines of a file, which are sorted in memory: about 75 MB. */
const MOST_ENTRIES = 250_000

type Block = Buffer | { readonly head: Buffer; readonly file: string; readonly size: number; readonly digest: Buffer }

interface Payload {
  readonly size: number
  readonly digest: Buffer
}

/** The id of the first record of a file by that job: it tells files of the job from others. */
export function warcinfoId(jobId: string, path: string): string {
  return recordId(`${jobId}\n${basename(path)}\nwarcinfo`)
}

export class WarcWriter {
  readonly #options: WarcWriterOptions
  readonly #index: WarcIndex
  readonly #payloads = new PayloadTable()
  /** Payloads of this batch, whose records may not be in the file yet: base32 label to what a revisit says. */
  readonly #recent = new Map<string, { readonly uri: string; readonly date: string }>()
  #number: number
  #offset: number
  #waiting: Buffer[] = []
  #waitingBytes = 0

  constructor(options: WarcWriterOptions) {
    this.#options = options
    this.#index = new WarcIndex(options.names)
    this.#number = options.number
    this.#offset = options.offset
  }

  /** Repairs the index and learns which payloads the archive holds. Once, before anything else. */
  async start(): Promise<void> {
    await this.#index.start(this.#number, this.#offset, (entry, file) => {
      const digest = entry.mime === REVISIT_MIME ? undefined : digestOf(entry.digest)
      if (digest !== undefined) this.#payloads.add(digest, { file, offset: entry.offset })
    })
  }

  /** @param bytes the bodies of the pages */
  async write(pages: readonly WarcPage[], bytes: Uint8Array): Promise<void> {
    for (const page of pages) {
      const isFull = this.#offset >= this.#options.rotateBytes || this.#index.count >= MOST_ENTRIES
      if (isFull) await this.#rotate()
      if (this.#offset === 0) await this.#putWarcinfo(page.date)
      await this.#putPage(page, bytes.subarray(page.from, page.to))
    }
    await this.#flush()
    this.#index.flush()
    this.#recent.clear()
  }

  /** Sorts the index of the file that was written last. */
  finish(): void {
    this.#index.finish()
  }

  async #rotate(): Promise<void> {
    await this.#flush()
    this.#index.finish()
    this.#number++
    this.#offset = 0
    this.#index.next(this.#number)
    await this.#options.rotate(this.#number)
  }

  async #putWarcinfo(date: string): Promise<void> {
    const path = this.#options.names.warc(this.#number)
    const block = fieldsBlock([
      ['software', 'Sluice'],
      ['format', 'WARC File Format 1.1'],
      ['conformsTo', 'http://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/'],
      ['isPartOf', this.#options.jobName],
    ])
    const id = warcinfoId(this.#options.jobId, path)
    const fields: Fields = [['WARC-Filename', basename(path)]]
    await this.#put({ type: 'warcinfo', id, date, contentType: WARC_FIELDS, fields }, block)
  }

  async #putPage(page: WarcPage, body: Uint8Array): Promise<void> {
    const responseId = page.exchange === undefined ? undefined : await this.#putExchange(page, page.exchange, body)
    const fields: Fields = [
      ['WARC-Target-URI', URL.canParse(page.url) ? targetUri(page.url) : undefined],
      ['WARC-Concurrent-To', responseId],
    ]
    const id = this.#id(page, 'metadata')
    const record: NewRecord = { type: 'metadata', id, date: page.date, contentType: 'application/json', fields }
    await this.#put(record, Buffer.from(page.json))
  }

  async #putExchange(page: WarcPage, exchange: Omit<Exchange, 'wireBody'>, body: Uint8Array): Promise<string> {
    const uri = targetUri(exchange.url)
    const date = new Date(exchange.startedAt).toISOString()
    const [requestId, responseId] = [this.#id(page, 'request'), this.#id(page, 'response')]
    const shared: Fields = [
      ['WARC-Target-URI', uri],
      ['WARC-IP-Address', exchange.address.replace(/^\[(.*)\]$/, '$1') || undefined],
      // The heads are written as HTTP/1.1 would have them: what was spoken is told here (iipc/warc-specifications 42).
      ['WARC-Protocol', exchange.protocol],
    ]
    await this.#put(
      {
        type: 'request',
        id: requestId,
        date,
        contentType: HTTP_REQUEST,
        fields: [...shared, ['WARC-Concurrent-To', responseId]],
      },
      requestHead(exchange.method, exchange.url, exchange.requestHeaders),
    )
    const payload = page.bodyFile === undefined ? payloadOf(body) : await payloadOfFile(page.bodyFile)
    const head = responseHead({ ...exchange, bodyLength: payload.size, coded: page.coded })
    const digest = labelOf(payload.digest)
    const same = await this.#revisitFields(exchange.status, uri, payload, digest)
    const fields: Fields = [
      ...shared,
      ['WARC-Concurrent-To', requestId],
      ['WARC-Payload-Digest', exchange.status === 304 ? undefined : digest],
      ['WARC-Truncated', page.truncated ? 'unspecified' : undefined],
      ...(same ?? []),
    ]
    const type = same === undefined ? 'response' : 'revisit'
    const record: NewRecord = { type, id: responseId, date, contentType: HTTP_RESPONSE, fields }
    const block = same === undefined ? await blockOf(head, body, page.bodyFile, payload.size) : head
    const [file, offset] = [this.#number, this.#offset]
    const length = await this.#put(record, block)
    if (type === 'response' && payload.size >= SMALLEST_REVISIT) {
      this.#payloads.add(payload.digest, { file, offset })
      this.#recent.set(digest, { uri, date })
    }
    const mime = headerOf(exchange.rawHeaders, 'content-type')?.split(';', 1)[0]?.trim().toLowerCase() || 'unk'
    this.#index.add({
      url: uri,
      date,
      mime: type === 'revisit' ? REVISIT_MIME : mime,
      status: exchange.status,
      digest: exchange.status === 304 ? '' : digest,
      length,
      offset,
      filename: basename(this.#options.names.warc(file)),
    })
    return responseId
  }

  /** What makes the record a revisit; undefined where the payload is new. */
  async #revisitFields(status: number, uri: string, payload: Payload, digest: string): Promise<Fields | undefined> {
    if (status === 304) {
      const earlier = await this.#index.latest(uri)
      return [
        ['WARC-Profile', NOT_MODIFIED],
        ['WARC-Refers-To-Target-URI', earlier?.url],
        ['WARC-Refers-To-Date', earlier?.date],
      ]
    }
    if (payload.size < SMALLEST_REVISIT) return undefined
    const original = this.#recent.get(digest) ?? (await this.#stored(payload.digest, digest))
    if (original === undefined) return undefined
    return [
      ['WARC-Profile', SAME_PAYLOAD],
      ['WARC-Refers-To-Target-URI', original.uri],
      ['WARC-Refers-To-Date', original.date],
    ]
  }

  /** The table knows 64 bits of the digest; the record itself has the rest. */
  async #stored(digest: Buffer, label: string): Promise<{ readonly uri: string; readonly date: string } | undefined> {
    const place = this.#payloads.find(digest)
    if (place === undefined) return undefined
    const fields = await readFields(this.#options.names.warc(place.file), place.offset).catch(() => undefined)
    const uri = headerOf(fields ?? [], 'warc-target-uri')?.replace(/^<(.*)>$/, '$1')
    const date = headerOf(fields ?? [], 'warc-date')
    const isSame = headerOf(fields ?? [], 'warc-payload-digest') === label
    return isSame && uri !== undefined && date !== undefined ? { uri, date } : undefined
  }

  #id(page: WarcPage, type: string): string {
    return recordId(`${this.#options.jobId}\n${page.seq}\n${type}`)
  }

  /** Bytes that the record takes in the file. */
  async #put(record: NewRecord, block: Block): Promise<number> {
    const from = this.#offset
    if (Buffer.isBuffer(block)) {
      await this.#send(recordBytes(record, [block], this.#options.gzip))
      return this.#offset - from
    }
    const { head, file, size, digest } = block
    const pieces = Readable.from(piecesOf(recordHead(record, head.length + size, digest), head, file, size))
    const coded = this.#options.gzip ? pipeline(pieces, createGzip({ level: GZIP_LEVEL }), () => {}) : pieces
    for await (const piece of coded as AsyncIterable<Buffer>) await this.#send(piece)
    return this.#offset - from
  }

  async #send(bytes: Buffer): Promise<void> {
    this.#waiting.push(bytes)
    this.#waitingBytes += bytes.length
    this.#offset += bytes.length
    if (this.#waitingBytes >= EMIT_BYTES) await this.#flush()
  }

  async #flush(): Promise<void> {
    if (this.#waitingBytes === 0) return
    const bytes = Buffer.concat(this.#waiting, this.#waitingBytes)
    this.#waiting = []
    this.#waitingBytes = 0
    await this.#options.emit(bytes)
  }
}

function payloadOf(body: Uint8Array): Payload {
  return { size: body.length, digest: sha1(body) }
}

async function payloadOfFile(file: string): Promise<Payload> {
  const sum = createHash('sha1')
  let size = 0
  for await (const piece of createReadStream(file) as AsyncIterable<Buffer>) {
    sum.update(piece)
    size += piece.length
  }
  return { size, digest: sum.digest() }
}

/** A body in a file is not read into memory: its digest needs a pass of its own, as it stands before the body. */
async function blockOf(head: Buffer, body: Uint8Array, file: string | undefined, size: number): Promise<Block> {
  if (file === undefined) return Buffer.concat([head, body])
  const sum = createHash('sha1').update(head)
  for await (const piece of createReadStream(file) as AsyncIterable<Buffer>) sum.update(piece)
  return { head, file, size, digest: sum.digest() }
}

async function* piecesOf(fields: Buffer, head: Buffer, file: string, size: number): AsyncGenerator<Buffer> {
  yield Buffer.concat([fields, head])
  if (statSync(file).size !== size) throw new Error(`${file} changed while it was archived`)
  yield* createReadStream(file) as AsyncIterable<Buffer>
  yield RECORD_END
}
