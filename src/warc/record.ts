/**
 * WARC 1.1 records (ISO 28500:2017): what each type must say, and its bytes. Pure: the caller brings ids, times and
 * digests. Knows no file.
 */
import { gzipSync } from 'node:zlib'
import { labelOf, sha1 } from './digest.ts'

export type WarcType = 'warcinfo' | 'request' | 'response' | 'metadata' | 'revisit'

/** Header fields of a record in order: name, value. Undefined values are left out. */
export type Fields = readonly (readonly [name: string, value: string | undefined])[]

export interface NewRecord {
  readonly type: WarcType
  /** `<urn:uuid:…>`. */
  readonly id: string
  /** ISO 8601 in UTC; WARC 1.1 takes fractions of a second. */
  readonly date: string
  readonly contentType: string
  readonly fields: Fields
}

const PROFILE = 'http://netpreserve.org/warc/1.1/revisit/'
export const SAME_PAYLOAD = `${PROFILE}identical-payload-digest`
export const NOT_MODIFIED = `${PROFILE}server-not-modified`

export const HTTP_REQUEST = 'application/http; msgtype=request'
export const HTTP_RESPONSE = 'application/http; msgtype=response'
export const WARC_FIELDS = 'application/warc-fields'

/** What stands between two records. */
export const RECORD_END = Buffer.from('\r\n\r\n')
/** zlib's default, as in the other compressed outputs. */
export const GZIP_LEVEL = 6

/** Header of a record whose block is `length` bytes with the digest `block`. */
export function recordHead(record: NewRecord, length: number, block: Uint8Array): Buffer {
  // The type and the id come first: they tell the start of a torn file of ours.
  const fields: Fields = [
    ['WARC-Type', record.type],
    ['WARC-Record-ID', record.id],
    ['WARC-Date', record.date],
    ...record.fields,
    ['Content-Type', record.contentType],
    ['WARC-Block-Digest', labelOf(block)],
    ['Content-Length', String(length)],
  ]
  let text = 'WARC/1.1\r\n'
  for (const [name, value] of fields) if (value !== undefined) text += `${name}: ${oneLine(value)}\r\n`
  return Buffer.from(`${text}\r\n`)
}

/** A whole record; with `gzip` as one gzip member (RFC 1952), as readers that seek need it. */
export function recordBytes(record: NewRecord, block: readonly Uint8Array[], gzip: boolean): Buffer {
  const length = block.reduce((sum, piece) => sum + piece.length, 0)
  const plain = Buffer.concat([recordHead(record, length, sha1(...block)), ...block, RECORD_END])
  return gzip ? gzipSync(plain, { level: GZIP_LEVEL }) : plain
}

/** Block of a `warcinfo` or `metadata` record of type `application/warc-fields`. */
export function fieldsBlock(fields: Fields): Buffer {
  return Buffer.from(
    fields.map(([name, value]) => (value === undefined ? '' : `${name}: ${oneLine(value)}\r\n`)).join(''),
  )
}

/** A URL as WARC-Target-URI allows it: no white space, control or non-ASCII character. */
export function targetUri(url: string): string {
  return url.toWellFormed().replaceAll(/[^\x21-\x7e]+|[<>]/gu, (odd) => encodeURIComponent(odd))
}

function oneLine(value: string): string {
  return value.replaceAll(/[\r\n\0]+/g, ' ')
}
