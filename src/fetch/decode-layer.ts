/**
 * One layer of Content-Encoding as a stream that gives up nothing it could decode: a body cut off ends with what had
 * come, bytes after the end are ignored, further gzip members and zstd frames go on, a body that is not coded at all
 * goes through as it is.
 */
import {
  constants,
  crc32,
  createBrotliDecompress,
  createInflate,
  createInflateRaw,
  createZstdDecompress,
  type BrotliDecompress,
  type Inflate,
  type InflateRaw,
  type ZstdDecompress,
} from 'node:zlib'
import { MAGIC_BYTES, hasZlibHeader, looksLikeText, startsLike, type Coding } from './codings.ts'
import { gzipHeaderLength, TRAILER_BYTES } from './gzip-header.ts'

/** What is above (the source's side) of a layer: it is held while the layer has enough. */
export interface Upstream {
  hold(): void
  release(): void
}

export interface Downstream {
  write(chunk: Uint8Array): void
  end(): void
}

/** What was found on the way; set before `end` of the downstream is called. */
export interface LayerReport {
  /** It ended too early, or its checksum is wrong. */
  truncated: boolean
  /** It was not coded. */
  plain: boolean
  /** It cannot be decoded (further). */
  error: Error | undefined
}

type Decoder = Inflate | InflateRaw | BrotliDecompress | ZstdDecompress

type State = 'peek' | 'header' | 'body' | 'ending' | 'trailer' | 'between' | 'pass' | 'over'

/** Undecoded bytes that may wait before the source is held. */
const HIGH_WATER = 256 * 1024
/** A gzip header longer than this (its file name has no limit) is none. */
const HEADER_BYTES = 64 * 1024

const CHUNK = { chunkSize: 65_536 }
const EAGER = { chunkSize: 65_536, flush: constants.Z_SYNC_FLUSH }
const EMPTY = new Uint8Array(0)

export class DecodeLayer implements Upstream, Downstream {
  readonly report: LayerReport = { truncated: false, plain: false, error: undefined }
  readonly #coding: Coding
  readonly #up: Upstream
  readonly #down: Downstream
  #state: State = 'peek'
  #decoder: Decoder | undefined
  #queue: Uint8Array[] = []
  #queued = 0
  #busy = false
  #ended = false
  #holding = false
  #held = false
  #produced = 0
  #crc = 0
  /** Bytes given to the decoder that is at work. */
  #fed = 0
  /** The chunk given last. */
  #current: Uint8Array = EMPTY
  /** Bytes that earlier decoders and headers took. */
  #used = 0
  /** The first chunk, while it is all that the decoder was given. */
  #first: Uint8Array | undefined

  constructor(coding: Coding, up: Upstream, down: Downstream) {
    this.#coding = coding
    this.#up = up
    this.#down = down
  }

  /** Bytes taken so far; what waits is not counted. */
  get taken(): number {
    return this.#used + (this.#decoder?.bytesWritten ?? 0)
  }

  write(chunk: Uint8Array): void {
    if (this.#state === 'over' || chunk.length === 0) return
    if (this.#state === 'pass') {
      this.#down.write(chunk)
      return
    }
    this.#queue.push(chunk)
    this.#queued += chunk.length
    if (this.#queued > HIGH_WATER && !this.#holding) {
      this.#holding = true
      this.#up.hold()
    }
    if (!this.#busy) this.#work()
  }

  end(): void {
    this.#ended = true
    if (!this.#busy) this.#work()
  }

  hold(): void {
    this.#held = true
    if (this.#state === 'pass') this.#up.hold()
    else this.#decoder?.pause()
  }

  release(): void {
    this.#held = false
    if (this.#state === 'pass') this.#up.release()
    else this.#decoder?.resume()
  }

  abandon(): void {
    this.#state = 'over'
    this.#queue = []
    this.#decoder?.destroy()
    this.#decoder = undefined
  }

  /** Takes the next step that needs no waiting; the decoder's callbacks come back here. */
  #work(): void {
    this.#busy = true
    for (;;) {
      switch (this.#state) {
        case 'peek':
          if (this.#begin()) continue
          break
        case 'header':
          if (this.#readHeader()) continue
          break
        case 'trailer':
          if (this.#readTrailer()) continue
          break
        case 'between':
          if (this.#nextMember()) continue
          break
        case 'body':
          this.#feed()
          return
        case 'ending':
          return
        case 'pass':
          for (const chunk of this.#queue) this.#down.write(chunk)
          this.#empty()
          if (this.#ended) {
            this.#finish()
            return
          }
          break
        case 'over':
          this.#empty()
          if (this.#ended) this.#finish()
          else this.#busy = false
          return
      }
      break
    }
    this.#busy = false
  }

  #empty(): void {
    this.#queue = []
    this.#queued = 0
    if (this.#holding) {
      this.#holding = false
      this.#up.release()
    }
  }

  /** All that waits as one chunk, left in the queue. */
  #gathered(): Uint8Array {
    if (this.#queue.length > 1) this.#queue = [Buffer.concat(this.#queue)]
    return this.#queue[0] ?? EMPTY
  }

  #skip(bytes: number): void {
    const all = this.#gathered()
    this.#queue = bytes < all.length ? [all.subarray(bytes)] : []
    this.#queued -= bytes
    this.#used += bytes
  }

  /** False in these steps: more bytes are needed. */
  #begin(): boolean {
    const bytes = this.#gathered()
    if (bytes.length < MAGIC_BYTES && !this.#ended) return false
    if (bytes.length === 0) {
      this.#state = 'over'
      return true
    }
    if (!startsLike(this.#coding, bytes)) {
      this.report.plain = true
      this.#state = 'pass'
      return true
    }
    if (this.#coding === 'gzip') this.#state = 'header'
    else this.#open(this.#coding, bytes)
    return true
  }

  #readHeader(): boolean {
    const bytes = this.#gathered()
    const length = gzipHeaderLength(bytes)
    if (length > 0) {
      this.#skip(length)
      this.#crc = 0
      this.#open('gzip', bytes)
      return true
    }
    if (length === -1 || bytes.length > HEADER_BYTES) {
      // After a whole member it is garbage, in front of it a fault.
      if (this.#produced === 0) this.report.error = new Error('broken gzip header')
      this.#state = 'over'
      return true
    }
    if (!this.#ended) return false
    this.report.truncated = true
    this.#state = 'over'
    return true
  }

  #readTrailer(): boolean {
    const bytes = this.#gathered()
    if (bytes.length < TRAILER_BYTES) {
      if (!this.#ended) return false
      this.report.truncated = true
      this.#state = 'over'
      return true
    }
    const sum =
      (bytes[0] as number) | ((bytes[1] as number) << 8) | ((bytes[2] as number) << 16) | ((bytes[3] as number) << 24)
    if (sum >>> 0 !== this.#crc) this.report.truncated = true
    this.#skip(TRAILER_BYTES)
    this.#state = 'between'
    return true
  }

  #nextMember(): boolean {
    const bytes = this.#gathered()
    if (bytes.length < MAGIC_BYTES && !this.#ended) return false
    if (bytes.length < MAGIC_BYTES || !startsLike(this.#coding, bytes)) this.#state = 'over'
    else if (this.#coding === 'gzip') this.#state = 'header'
    else if (this.#coding === 'zstd') this.#open('zstd', bytes)
    else this.#state = 'over'
    return true
  }

  #open(coding: Coding, bytes: Uint8Array): void {
    const decoder = createDecoder(coding, bytes)
    this.#decoder = decoder
    this.#fed = 0
    this.#state = 'body'
    decoder.on('data', (chunk: Buffer) => {
      if (this.#decoder !== decoder) return
      this.#produced += chunk.length
      if (coding === 'gzip') this.#crc = crc32(chunk, this.#crc)
      this.#down.write(chunk)
    })
    decoder.on('end', () => this.#memberEnded(decoder))
    decoder.on('error', (error: Error) => this.#failed(decoder, error))
    if (this.#held) decoder.pause()
  }

  #feed(): void {
    const decoder = this.#decoder as Decoder
    const chunk = this.#queue.shift()
    if (chunk === undefined) {
      if (this.#ended) {
        this.#state = 'ending'
        decoder.end()
      } else this.#busy = false
      return
    }
    this.#queued -= chunk.length
    if (this.#holding && this.#queued < HIGH_WATER / 2) {
      this.#holding = false
      this.#up.release()
    }
    this.#first = this.#fed === 0 && this.#produced === 0 ? chunk : undefined
    this.#fed += chunk.length
    this.#current = chunk
    decoder.write(chunk, (error) => {
      if (error !== null && error !== undefined) return
      if (this.#decoder !== decoder) return
      // Where it left bytes it wants no more: its end is on the way, after the data.
      if (decoder.bytesWritten < this.#fed) this.#state = 'ending'
      else this.#work()
    })
  }

  #memberEnded(decoder: Decoder): void {
    if (this.#decoder !== decoder) return
    this.#decoder = undefined
    this.#used += decoder.bytesWritten
    const left = this.#fed - decoder.bytesWritten
    if (left > 0) {
      this.#queue.unshift(this.#current.subarray(this.#current.length - left))
      this.#queued += left
    }
    decoder.destroy()
    this.#state = this.#coding === 'gzip' ? 'trailer' : 'between'
    this.#work()
  }

  #failed(decoder: Decoder, error: NodeJS.ErrnoException): void {
    if (this.#decoder !== decoder) return
    this.#decoder = undefined
    const first = this.#first
    if (error.code === 'Z_BUF_ERROR') this.report.truncated = true
    else if (first !== undefined && this.#produced === 0 && this.#coding !== 'gzip' && looksLikeText(first)) {
      // br and deflate have no mark that tells; text that decodes to nothing was never coded.
      this.report.plain = true
      this.#queue.unshift(first)
      this.#queued += first.length
      this.#state = 'pass'
      this.#work()
      return
    } else this.report.error = error
    this.#state = 'over'
    this.#work()
  }

  #finish(): void {
    this.#state = 'over'
    this.#busy = true
    this.#down.end()
  }
}

function createDecoder(coding: Coding, bytes: Uint8Array): Decoder {
  switch (coding) {
    case 'gzip':
      return createInflateRaw(EAGER)
    case 'deflate':
      return hasZlibHeader(bytes) ? createInflate(EAGER) : createInflateRaw(EAGER)
    case 'br':
      return createBrotliDecompress(CHUNK)
    case 'zstd':
      return createZstdDecompress(CHUNK)
  }
}
