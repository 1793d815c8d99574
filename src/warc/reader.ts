/**
 * Records of a `.warc` or `.warc.gz` file one by one, with their place in the file. Reads what other tools wrote: WARC
 * 0.17 to 1.1, several records in one gzip member, URIs in angle brackets, lines that end in LF. A file that ends
 * within its last record, as a death leaves it, is read up to there; so is one that is damaged before its end, which is an
 * error unless somebody wants to be told. Memory holds one record, or of a large one the start that was asked for.
 */
import { closeSync, openSync, readSync } from 'node:fs'
import { SluiceError } from '../model/errors.ts'
import { endOfHead } from './http-block.ts'
import { decodedMember, readMember, startOfMember, type Member } from './member.ts'
import { cannotOpen, Window } from './window.ts'

export interface WarcRecord {
  /** `response`, `request` …, in lower case. */
  readonly type: string
  /** Flat: name, value, name, value … */
  readonly fields: readonly string[]
  /** Value of the first field of that name. @param name in lower case */
  header(name: string): string | undefined
  /** The block, or its first bytes: see `ReadOptions.keep`. */
  readonly block: Buffer
  /** Bytes of the whole block. */
  readonly blockLength: number
  readonly offset: number
  /** Bytes in the file: of the gzip member, or of the record with the empty lines behind it. */
  readonly length: number
  /** Where it starts in its gzip member, decoded: 0 but for the second and later records of one member. */
  readonly inner: number
}

/** Where a file could not be read on, and why. */
export interface Break {
  readonly offset: number
  readonly reason: string
}

export interface ReadOptions {
  /** Start here instead of at byte 0: the offset of a record. */
  readonly from?: number
  /** Do not read from this offset on. */
  readonly to?: number
  /** At most so many bytes of a block are held in memory; default 256 MiB. */
  readonly keep?: number
  /** Told when the file ends within a record. */
  readonly onTorn?: (torn: Break) => void
  /** Told of damage before the end of the file, in place of an error. */
  readonly onDamaged?: (damage: Break) => void
}

const KEEP = 256 * 1024 * 1024
/** Longest header of a record: a URL of megabytes is no URL. */
const LONGEST_HEADER = 1024 * 1024
const GZIP = 0x1f
/** Records up to this size in the file are read into memory that is kept for the next ones. */
const PLACED_AT_ONCE = 4 * 1024 * 1024
/** A block may be longer than its record says, as far as this: what is over is passed by, as other readers do. */
const SURPLUS = 65_536
const NEXT = '\nWARC/'
const ARC = 'it is an ARC file, not WARC'

/**
 * Every record before what is no record.
 *
 * @throws SluiceError `INPUT_UNREADABLE` with the offset of what is no record, unless `onDamaged` takes it;
 * `FORMAT_UNSUPPORTED` for ARC, the format before WARC
 */
export async function* readRecords(path: string, options: ReadOptions = {}): AsyncGenerator<WarcRecord, undefined> {
  const window = await Window.open(path, options.from, options.to)
  try {
    const keep = options.keep ?? KEEP
    for (let isFirst = true; window.left > 0; isFirst = false) {
      const offset = window.offset
      const view = await window.view(4)
      const step = view[0] === GZIP ? await fromGzip(window, keep) : await fromPlain(window, keep, isFirst)
      yield* step.records
      if (step.torn !== undefined) {
        options.onTorn?.({ offset, reason: step.torn })
        return
      }
      if (step.damage !== undefined) {
        if (step.damage === ARC) throw unsupported(path)
        if (options.onDamaged === undefined) throw damaged(path, offset, step.damage)
        options.onDamaged({ offset, reason: step.damage })
        return
      }
      window.skip(step.length - (window.offset - offset))
    }
  } finally {
    await window.close()
  }
}

/**
 * Records at places that an index names, one after the other. For a thread that has nothing else to do: an ordinary
 * record is read and decoded at once, without a turn of the event loop. The file read last stays open.
 */
export class PlacedRecords {
  readonly #keep: number
  #path: string | undefined
  #file = -1
  #bytes: Buffer = Buffer.alloc(0)

  /** @param keep at most so many bytes of a block are held in memory */
  constructor(keep: number) {
    this.#keep = keep
  }

  /** Undefined where the file ends before it. @throws SluiceError `INPUT_UNREADABLE` with the offset of what is no record */
  async read(path: string, offset: number, length: number): Promise<WarcRecord | undefined> {
    const member = length > PLACED_AT_ONCE ? undefined : decodedMember(this.#view(path, offset, length))
    if (member !== undefined) {
      const { records, damage } = recordsIn(member, offset, this.#keep)
      if (records[0] === undefined && damage !== undefined) throw damaged(path, offset, damage)
      return records[0]
    }
    for await (const record of readRecords(path, { from: offset, to: offset + length, keep: this.#keep })) return record
    return undefined
  }

  /** Void with the next one. */
  #view(path: string, offset: number, length: number): Buffer {
    if (this.#path !== path) {
      if (this.#path !== undefined) closeSync(this.#file)
      this.#path = undefined
      try {
        this.#file = openSync(path, 'r')
      } catch (cause) {
        throw cannotOpen(path, cause)
      }
      this.#path = path
    }
    if (this.#bytes.length < length) this.#bytes = Buffer.allocUnsafeSlow(Math.max(length, 2 * this.#bytes.length))
    return this.#bytes.subarray(0, readSync(this.#file, this.#bytes, 0, length, offset))
  }
}

/** Bytes that hold the header of any record of ours, compressed or not. */
const HEADER_LOOK = 16_384

/**
 * The header fields of the record at an offset, read without its block; undefined where there is none.
 * @throws SluiceError `INPUT_UNREADABLE` where the file cannot be opened
 */
export async function readFields(path: string, offset: number): Promise<readonly string[] | undefined> {
  const window = await Window.open(path, offset, offset + HEADER_LOOK)
  try {
    const bytes = await window.view(HEADER_LOOK)
    const head = readHead(bytes[0] === GZIP ? startOfMember(bytes) : bytes)
    return typeof head === 'string' ? undefined : head.fields
  } finally {
    await window.close()
  }
}

/** Where the record at the start of the bytes ends; undefined where there is none. May lie behind the last byte. */
export function firstRecordEnd(bytes: Buffer): number | undefined {
  const head = readHead(bytes)
  return typeof head === 'string' ? undefined : head.length + head.blockLength
}

interface Step {
  readonly records: readonly WarcRecord[]
  readonly length: number
  /** Why the file cannot be read on. */
  readonly torn?: string
  readonly damage?: string
}

async function fromGzip(window: Window, keep: number): Promise<Step> {
  const { offset } = window
  const member = await readMember(window, keep + LONGEST_HEADER)
  if (member.state === 'torn') return tornStep(member.reason)
  if (member.state === 'damaged') return damagedStep(member.reason)
  return recordsIn(member, offset, keep)
}

/** The records of one member; `damage` where there is none, or one does not fit into its member. */
function recordsIn({ bytes, size, length }: Extract<Member, { state: 'whole' }>, offset: number, keep: number): Step {
  const records: WarcRecord[] = []
  let at = skipLines(bytes, 0)
  while (at < bytes.length) {
    const head = readHead(bytes.subarray(at))
    if (typeof head === 'string') {
      if (records.length === 0) return damagedStep(head)
      const next = bytes.indexOf(NEXT, at)
      if (next < 0) break
      at = next + 1
      continue
    }
    const start = at + head.length
    const end = start + head.blockLength
    if (end > size) return damagedStep('a record is longer than its gzip member', records)
    // A member larger than what is kept holds one record: its rest is not looked at.
    if (bytes.length < size && end + 4 < size) return damagedStep('it is not compressed record by record', records)
    const inner = records.length === 0 ? 0 : at
    records.push(recordOf(head, bytes.subarray(start, Math.min(end, start + keep)), { offset, length, inner }))
    at = skipLines(bytes, end)
  }
  return { records, length }
}

async function fromPlain(window: Window, keep: number, isFirst: boolean): Promise<Step> {
  const { offset, left } = window
  let view = await window.view(4)
  const blank = skipLines(view, 0)
  if (blank > 0) return { records: [], length: blank }
  let head = readHead(view)
  for (let look = 65_536; head === 'cut off' && look <= LONGEST_HEADER; look *= 4) {
    view = await window.view(look)
    head = readHead(view)
    if (view.length >= left) break
  }
  if (head === 'cut off' && view.length >= left) return tornStep('the file ends in the header of a record')
  if (typeof head === 'string') {
    if (isZeros(view)) return tornStep('the file ends in zeros')
    const next = isFirst ? -1 : view.subarray(0, SURPLUS).indexOf(NEXT)
    return next < 0 ? damagedStep(head) : { records: [], length: next + 1 }
  }
  const end = head.length + head.blockLength
  if (end > left) return tornStep('the file ends in a record')
  const block = Math.min(head.blockLength, keep)
  view = await window.view(head.length + block)
  const kept = Buffer.from(view.subarray(head.length, head.length + block))
  window.skip(end)
  const behind = await window.view(4)
  const length = end + Math.min(4, skipLines(behind.subarray(0, 4), 0))
  return { records: [recordOf(head, kept, { offset, length, inner: 0 })], length }
}

function tornStep(torn: string): Step {
  return { records: [], length: 0, torn }
}

function damagedStep(damage: string, records: readonly WarcRecord[] = []): Step {
  return { records, length: 0, damage }
}

interface Head {
  readonly fields: readonly string[]
  readonly length: number
  readonly blockLength: number
}

/** The header of a record, or why there is none. */
function readHead(bytes: Buffer): Head | string {
  const mark = bytes.toString('latin1', 0, 5)
  if (mark !== 'WARC/'.slice(0, mark.length)) {
    return bytes.toString('latin1', 0, 11) === 'filedesc://' ? ARC : 'no WARC record'
  }
  const end = endOfHead(bytes)
  if (end < 0) return 'cut off'
  const lines = bytes
    .toString('utf8', 0, end)
    .replaceAll(/\r*\n[ \t]+/g, ' ')
    .split(/\r*\n/)
  const fields: string[] = []
  let blockLength: number | undefined
  for (const line of lines.slice(1)) {
    const colon = line.indexOf(':')
    if (colon <= 0) continue
    const name = line.slice(0, colon).trimEnd()
    const value = line.slice(colon + 1).trim()
    fields.push(name, value)
    if (name.toLowerCase() === 'content-length' && /^\d{1,15}$/.test(value)) blockLength = Number(value)
  }
  return blockLength === undefined ? 'a record without Content-Length' : { fields, length: end, blockLength }
}

function recordOf(head: Head, block: Buffer, place: Pick<WarcRecord, 'offset' | 'length' | 'inner'>): WarcRecord {
  const header = (name: string): string | undefined => {
    for (let i = 0; i < head.fields.length; i += 2) {
      if ((head.fields[i] as string).toLowerCase() !== name) continue
      const value = head.fields[i + 1] as string
      // wget and the first edition of the standard put URIs in angle brackets.
      return name === 'warc-target-uri' ? value.replace(/^<(.*)>$/, '$1') : value
    }
    return undefined
  }
  const type = header('warc-type')?.toLowerCase() ?? ''
  return { type, fields: head.fields, header, block, blockLength: head.blockLength, ...place }
}

function skipLines(bytes: Uint8Array, from: number): number {
  let at = from
  while (bytes[at] === 13 || bytes[at] === 10) at++
  return at
}

/** After a power cut a file may be longer than what reached the disk. */
function isZeros(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0)
}

function damaged(path: string, offset: number, reason: string): SluiceError {
  return new SluiceError('INPUT_UNREADABLE', `cannot read ${path} at byte ${offset}: ${reason}`, {
    hint: 'archives are WARC files, plain or compressed record by record',
  })
}

function unsupported(path: string): SluiceError {
  return new SluiceError('FORMAT_UNSUPPORTED', `cannot read ${path}: ${ARC}`, {
    hint: 'make a WARC file of it first: warcio recompress old.arc.gz new.warc.gz',
  })
}
