/**
 * Bytes of an input file as text: decompressed (gzip, zstd, told by their first bytes), UTF-16 turned into UTF-8, byte
 * order mark taken off. What the text means is not known here.
 */
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { pipeline, Readable } from 'node:stream'
import { createGunzip, createZstdDecompress } from 'node:zlib'
import type { ZstdDecompress } from 'node:zlib'
import { SluiceError } from '../model/errors.ts'

/** Small pieces are as fast as large ones, and keep memory low. */
const CHUNK = 65_536

export interface Input {
  /** A file that can be opened again, not a pipe. */
  readonly isFile: boolean
  /** Next piece, undefined at the end. @throws {SluiceError} INPUT_UNREADABLE */
  next(): Promise<Buffer | undefined>
  /** Gives a piece back: `next` returns it. */
  unread(piece: Buffer): void
  close(): Promise<void>
}

/** @throws {SluiceError} INPUT_UNREADABLE with the path. */
export async function openInput(path: string): Promise<Input> {
  let isFile = false
  try {
    const stats = await stat(path)
    if (stats.isDirectory()) throw Object.assign(new Error('a folder'), { code: 'EISDIR' })
    isFile = stats.isFile()
  } catch (error) {
    throw unreadable(path, error)
  }
  return streamInput(path, createReadStream(path, { highWaterMark: CHUNK }), isFile)
}

/** @param name For messages. */
export function streamInput(name: string, raw: Readable, isFile: boolean): Input {
  const pieces = plainPieces(raw)
  const returned: Buffer[] = []
  return {
    isFile,
    async next() {
      const piece = returned.pop()
      if (piece !== undefined) return piece
      try {
        return await nextOf(pieces)
      } catch (error) {
        throw unreadable(name, error)
      }
    },
    unread(piece) {
      if (piece.length > 0) returned.push(piece)
    },
    async close() {
      // Ends a read that is being waited for.
      raw.destroy()
      await pieces.return(undefined).catch(() => {})
    },
  }
}

async function* plainPieces(raw: Readable): AsyncGenerator<Buffer, undefined> {
  const bytes = buffers(raw)
  const first = await atLeast(bytes, 4)
  if (first === undefined) return
  const [a, b, c, d] = first
  const isGzip = a === 0x1f && b === 0x8b
  const isZstd = a === 0x28 && b === 0xb5 && c === 0x2f && d === 0xfd
  if (!isGzip && !isZstd) {
    yield* textPieces(first, bytes)
    return
  }
  const plain = (isGzip ? gunzipped : unzstd)(followedBy(first, bytes))
  const start = await atLeast(plain, 4)
  if (start !== undefined) yield* textPieces(start, plain)
}

/** Members that follow one another are one text. */
async function* gunzipped(pieces: AsyncIterable<Buffer>): AsyncGenerator<Buffer, undefined> {
  // What fails before it comes out of the stream that is read.
  const gunzip = pipeline(Readable.from(pieces, { objectMode: false }), createGunzip({ chunkSize: CHUNK }), () => {})
  yield* gunzip as AsyncIterable<Buffer>
}

/** The same for zstd, where Node stops at the end of a frame and says how far it has read. */
async function* unzstd(pieces: AsyncGenerator<Buffer>): AsyncGenerator<Buffer, undefined> {
  let rest = await nextOf(pieces)
  while (rest !== undefined) {
    const frame = createZstdDecompress({ chunkSize: CHUNK })
    const feeding = feedFrame(frame, rest, pieces)
    // A failure comes out of the frame that is read.
    feeding.catch((error: Error) => frame.destroy(error))
    yield* frame as AsyncIterable<Buffer>
    rest = await feeding
  }
}

/** Feeds a frame to its end; what was read beyond it. */
async function feedFrame(
  frame: ZstdDecompress,
  first: Buffer,
  pieces: AsyncGenerator<Buffer>,
): Promise<Buffer | undefined> {
  let fed = 0
  for (let piece: Buffer | undefined = first; piece !== undefined; piece = await nextOf(pieces)) {
    const whole = piece
    await new Promise<void>((resolve, reject) => {
      frame.write(whole, (error) => (error === null || error === undefined ? resolve() : reject(error)))
    })
    fed += piece.length
    const beyond = fed - frame.bytesWritten
    if (beyond > 0) {
      frame.end()
      return piece.subarray(piece.length - beyond)
    }
  }
  frame.end()
  return undefined
}

async function nextOf(pieces: AsyncIterator<Buffer>): Promise<Buffer | undefined> {
  const { value, done } = await pieces.next()
  return done === true ? undefined : (value as Buffer)
}

async function* textPieces(first: Buffer, rest: AsyncIterator<Buffer>): AsyncGenerator<Buffer, undefined> {
  const [a, b, c] = first
  const utf16 = a === 0xff && b === 0xfe ? 'utf-16le' : a === 0xfe && b === 0xff ? 'utf-16be' : undefined
  const decoder = utf16 === undefined ? undefined : new TextDecoder(utf16)
  let piece: Buffer | undefined = a === 0xef && b === 0xbb && c === 0xbf ? first.subarray(3) : first
  while (piece !== undefined) {
    if (piece.length > 0) yield decoder === undefined ? piece : Buffer.from(decoder.decode(piece, { stream: true }))
    piece = await nextOf(rest)
  }
}

/** A stream that was told an encoding gives strings. */
async function* buffers(raw: Readable): AsyncGenerator<Buffer, undefined> {
  for await (const piece of raw as AsyncIterable<Buffer | string>) {
    yield typeof piece === 'string' ? Buffer.from(piece) : piece
  }
}

async function* followedBy(first: Buffer, rest: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  yield first
  for (let piece = await nextOf(rest); piece !== undefined; piece = await nextOf(rest)) yield piece
}

/** Joined pieces of at least so many bytes, fewer at the end, undefined for nothing at all. */
async function atLeast(pieces: AsyncIterator<Buffer>, length: number): Promise<Buffer | undefined> {
  let joined: Buffer | undefined
  while (joined === undefined || joined.length < length) {
    const piece = await nextOf(pieces)
    if (piece === undefined) break
    joined = joined === undefined ? piece : Buffer.concat([joined, piece])
  }
  return joined
}

const REASONS: Readonly<Record<string, readonly [what: string, hint: string]>> = {
  ENOENT: ['there is no such file', 'check the path; a URL begins with https://'],
  EISDIR: ['it is a folder', 'name the file in it'],
  EACCES: ['permission denied', 'allow reading it'],
  EPERM: ['permission denied', 'allow reading it'],
}

/** What is wrong with the input, as an error that stops the job with its state intact. */
export function unreadable(path: string, error: unknown): SluiceError {
  if (error instanceof SluiceError) return error
  const { code, message } = error as NodeJS.ErrnoException
  const known = REASONS[code ?? '']
  if (known !== undefined)
    return new SluiceError('INPUT_UNREADABLE', `cannot read ${path}: ${known[0]}`, { hint: known[1], cause: error })
  const isDamaged = code !== undefined && /^(?:Z_|ZSTD_|ERR_ZSTD)/.test(code)
  return new SluiceError(
    'INPUT_UNREADABLE',
    `cannot read ${path}: ${isDamaged ? `damaged or cut off (${message})` : message}`,
    {
      hint: isDamaged ? 'get the file again, then start again: what was read of it is known' : 'check the file',
      cause: error,
    },
  )
}
