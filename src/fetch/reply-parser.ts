/**
 * One HTTP/1.x reply after the other from the bytes of a connection (RFC 9112): heads, bodies, where each ends. Bytes of
 * the body are handed on as views, nothing of them is kept. It knows no socket, no decoding and no limit but that of the
 * head.
 */
import type { ErrorCode } from '../model/errors.ts'
import { Framing, parseHead, type HeadFault, type ReplyHead } from './reply-head.ts'

export interface ReplyReader {
  /** Final head (no 1xx). */
  replyHead(head: ReplyHead): void
  /** The view is valid during the call only. */
  replyData(chunk: Uint8Array): void
}

/** What became of the bytes that were pushed. */
export const Parsed = { more: 0, whole: 1, broken: 2 } as const
export type Parsed = (typeof Parsed)[keyof typeof Parsed]

/** Interim answers (1xx) put up with before the final one. */
const INTERIM_ANSWERS = 32
/** Size line of a chunk with its extensions. */
const CHUNK_LINE_BYTES = 16 * 1024
/** Hex digits of a size that a number still counts exactly. */
const CHUNK_DIGITS = 13
const CR = 13
const LF = 10

const State = { head: 0, length: 1, chunkLine: 2, chunkData: 3, chunkEnd: 4, trailers: 5, close: 6, over: 7 } as const
type State = (typeof State)[keyof typeof State]

const STATUS_LINE = 'HTTP/1.'

export class ReplyParser {
  /** Bytes of the last push that belong to the reply. */
  taken = 0
  /** Why it is `broken`. */
  fault: HeadFault | undefined
  /** Something was read that the grammar does not hold. */
  lenient = false
  readonly #reader: ReplyReader
  readonly #maxHeadBytes: number
  #state: State = State.over
  #asked = 'GET'
  #interim = 0
  /** Bytes of a head that is not there whole. */
  #held: Buffer | undefined
  /** Of the body or the chunk. */
  #left = 0
  #size = 0
  #digits = 0
  #lineBytes = 0
  #hasSize = false
  #afterSize = false
  #inExtension = false
  #afterCr = false

  constructor(reader: ReplyReader, maxHeadBytes: number) {
    this.#reader = reader
    this.#maxHeadBytes = maxHeadBytes
  }

  /** True once a byte of the reply has come. */
  get begun(): boolean {
    return this.#state !== State.head || this.#held !== undefined || this.#interim > 0
  }

  /** The next bytes are the reply to a request of this method. */
  expect(method: string): void {
    this.#asked = method
    this.#state = State.head
    this.#interim = 0
    this.#held = undefined
    this.fault = undefined
    this.lenient = false
  }

  /** Nobody wants the rest: a push under way ends after the call that is being made. */
  stop(): void {
    this.#state = State.over
    this.#held = undefined
  }

  push(bytes: Buffer): Parsed {
    let at = 0
    const end = bytes.length
    while (at < end) {
      switch (this.#state) {
        case State.head: {
          at = this.#head(bytes, at)
          break
        }
        case State.length: {
          at = this.#data(bytes, at)
          if (this.#left === 0 && this.#state === State.length) this.#state = State.over
          break
        }
        case State.close:
          this.#reader.replyData(at === 0 ? bytes : bytes.subarray(at))
          at = end
          break
        case State.chunkLine:
          at = this.#chunkLine(bytes, at)
          break
        case State.chunkData:
          at = this.#data(bytes, at)
          if (this.#left === 0 && this.#state === State.chunkData) this.#state = State.chunkEnd
          break
        case State.chunkEnd:
          at = this.#chunkEnd(bytes, at)
          break
        case State.trailers:
          at = this.#trailers(bytes, at)
          break
        default:
          this.taken = at
          return this.fault === undefined ? Parsed.whole : Parsed.broken
      }
    }
    this.taken = at
    if (this.#state !== State.over) return Parsed.more
    return this.fault === undefined ? Parsed.whole : Parsed.broken
  }

  /** The peer has closed its side. */
  close(): Parsed {
    switch (this.#state) {
      case State.over:
        return this.fault === undefined ? Parsed.whole : Parsed.broken
      case State.close:
        this.#state = State.over
        return Parsed.whole
      case State.trailers:
        // The last chunk was there: nothing of the body is missing.
        this.lenient = true
        this.#state = State.over
        return Parsed.whole
      case State.head:
        return this.begun
          ? this.#broken('TRUNCATED', 'closed the connection in the middle of the header')
          : this.#broken('EMPTY_REPLY', 'closed the connection without an answer')
      default:
        return this.#broken('TRUNCATED', 'closed the connection before the end of the body')
    }
  }

  #broken(code: ErrorCode, why: string): Parsed {
    this.fault = { code, why }
    this.#state = State.over
    return Parsed.broken
  }

  #head(bytes: Buffer, from: number): number {
    let at = from
    let all = bytes
    const held = this.#held
    if (held === undefined) {
      // Empty lines before the status line, as some servers leave behind their bodies.
      while (at < bytes.length && (bytes[at] === CR || bytes[at] === LF)) at++
      if (at > from) this.lenient = true
      if (at === bytes.length) return at
    } else {
      all = Buffer.concat([held, bytes.subarray(at)])
      at = 0
    }
    const end = endOfHead(all, held === undefined ? at : Math.max(0, held.length - 3))
    const bytesOfHead = (end === -1 ? all.length : end) - at
    if (bytesOfHead > this.#maxHeadBytes) {
      this.#broken('HEADERS_TOO_LARGE', `sent more than ${this.#maxHeadBytes} header bytes`)
      return bytes.length
    }
    if (end === -1) {
      if (!startsLikeHttp(all, at)) this.#broken('NOT_HTTP', 'does not answer in HTTP/1.1')
      else this.#held = held === undefined ? Buffer.from(all.subarray(at)) : all
      return bytes.length
    }
    this.#held = undefined
    const head = parseHead(all.toString('latin1', at, end), this.#asked)
    if ('code' in head) {
      this.#broken(head.code, head.why)
      return bytes.length
    }
    // Of the bytes pushed, where those behind the head begin.
    const next = bytes.length - (all.length - at - head.size)
    if (head.lenient) this.lenient = true
    if (head.status < 200) this.#interimAnswer(head.status)
    else this.#final(head)
    return next
  }

  #interimAnswer(status: number): void {
    this.#interim++
    if (status === 101) this.#broken('UNEXPECTED_STATUS', 'switched protocols unasked (101)')
    else if (this.#interim > INTERIM_ANSWERS)
      this.#broken('UNEXPECTED_STATUS', `sent more than ${INTERIM_ANSWERS} interim answers (1xx)`)
  }

  #final(head: ReplyHead): void {
    switch (head.framing) {
      case Framing.length:
        this.#left = head.length
        this.#state = head.length === 0 ? State.over : State.length
        break
      case Framing.chunked:
        this.#startLine(State.chunkLine)
        break
      case Framing.close:
        this.#state = State.close
        break
      default:
        this.#state = State.over
    }
    this.#reader.replyHead(head)
  }

  #data(bytes: Buffer, at: number): number {
    const room = bytes.length - at
    const count = room < this.#left ? room : this.#left
    this.#left -= count
    this.#reader.replyData(at === 0 && count === bytes.length ? bytes : bytes.subarray(at, at + count))
    return at + count
  }

  #startLine(state: State): void {
    this.#state = state
    this.#size = 0
    this.#digits = 0
    this.#lineBytes = 0
    this.#hasSize = false
    this.#afterSize = false
    this.#inExtension = false
    this.#afterCr = false
  }

  /** RFC 9112 7.1: `size [; extension] CRLF`. */
  #chunkLine(bytes: Buffer, from: number): number {
    for (let at = from; at < bytes.length; at++) {
      const byte = bytes[at] as number
      if (byte === LF) {
        if (!this.#hasSize) return this.#badChunk('has no size', at)
        if (!this.#afterCr) this.lenient = true
        if (this.#size === 0) this.#startLine(State.trailers)
        else {
          this.#left = this.#size
          this.#afterCr = false
          this.#state = State.chunkData
        }
        return at + 1
      }
      if (this.#afterCr) return this.#badChunk('has a bare CR', at)
      if (++this.#lineBytes > CHUNK_LINE_BYTES) return this.#badChunk('has a size line without end', at)
      if (byte === CR) this.#afterCr = true
      else if (byte === 0) return this.#badChunk('has NUL in its size line', at)
      else if (!this.#inExtension) {
        const digit = this.#afterSize ? -1 : hexDigit(byte)
        if (digit >= 0) {
          this.#hasSize = true
          if ((this.#size > 0 || digit > 0) && ++this.#digits > CHUNK_DIGITS)
            return this.#badChunk('is larger than any body', at)
          this.#size = this.#size * 16 + digit
        } else if (!this.#hasSize) return this.#badChunk('has no size', at)
        else if (byte === 59) this.#inExtension = true
        else if (byte === 32 || byte === 9) this.#afterSize = true
        else return this.#badChunk('has a size that is no number', at)
      }
    }
    return bytes.length
  }

  #badChunk(why: string, at: number): number {
    this.#broken('BAD_FRAMING', `broke the framing of the body: a chunk ${why}`)
    return at + 1
  }

  #chunkEnd(bytes: Buffer, at: number): number {
    const byte = bytes[at]
    if (byte === CR && !this.#afterCr) {
      this.#afterCr = true
      return at + 1
    }
    if (byte !== LF) return this.#badChunk('does not end where its size says', at)
    if (!this.#afterCr) this.lenient = true
    this.#startLine(State.chunkLine)
    return at + 1
  }

  /** Passed over (RFC 9112 7.1.2 lets a recipient discard them), up to the empty line. */
  #trailers(bytes: Buffer, from: number): number {
    for (let at = from; at < bytes.length; at++) {
      const byte = bytes[at] as number
      if (byte === LF) {
        if (!this.#afterCr) this.lenient = true
        this.#afterCr = false
        if (this.#digits === 0) {
          this.#state = State.over
          return at + 1
        }
        // Here the digits count the bytes of the line.
        this.#digits = 0
        continue
      }
      if (this.#afterCr || byte === 0) return this.#badChunk('is followed by trailers with NUL or a bare CR', at)
      if (++this.#size > this.#maxHeadBytes) {
        this.#broken('HEADERS_TOO_LARGE', `sent more than ${this.#maxHeadBytes} bytes of trailers`)
        return at + 1
      }
      if (byte === CR) this.#afterCr = true
      else this.#digits++
    }
    return bytes.length
  }
}

/** Behind an empty line at or after `from`; -1 where there is none. Where lines end by LF alone the head may end sooner. */
function endOfHead(bytes: Buffer, from: number): number {
  const usual = bytes.indexOf('\n\r\n', from, 'latin1')
  if (usual !== -1) return usual + 3
  const bare = bytes.indexOf('\n\n', from, 'latin1')
  return bare === -1 ? -1 : bare + 2
}

function startsLikeHttp(bytes: Buffer, at: number): boolean {
  const length = Math.min(STATUS_LINE.length, bytes.length - at)
  return bytes.toString('latin1', at, at + length) === STATUS_LINE.slice(0, length)
}

function hexDigit(byte: number): number {
  if (byte >= 48 && byte <= 57) return byte - 48
  const lower = byte | 32
  return lower >= 97 && lower <= 102 ? lower - 87 : -1
}
