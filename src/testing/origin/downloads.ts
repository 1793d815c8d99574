/**
 * Large files with validators and ranges (RFC 9110 13 and 14), made as they are sent: no size costs memory. The bytes are
 * the same in every run and repeat with a period that is no power of two, so a piece in the wrong place is seen.
 */
import { type Behaviour, numberOf } from './behaviour.ts'
import { mix32 } from '../random.ts'
import { conditional, type Script, type Step } from './reply.ts'
import type { OriginRequest } from './request.ts'

const PERIOD = 1_000_003
const PIECE = 32 * 1024
const MODIFIED = 'Wed, 01 Jan 2025 00:00:00 GMT'
const DATE = 'Thu, 02 Jan 2025 00:00:00 GMT'
const TYPE = 'application/octet-stream'

let pattern: Buffer | undefined

/** Bytes `from` to `to` (not included) of the file of this name and version. */
export function downloadBytes(name: string, from: number, to: number): Buffer {
  const source = (pattern ??= patternOf())
  const bytes = Buffer.allocUnsafeSlow(to - from)
  for (let done = 0; done < bytes.length; ) {
    done += source.copy(bytes, done, (from + done + shiftOf(name)) % PERIOD, PERIOD)
  }
  return bytes
}

export function downloads(): Record<string, Behaviour> {
  const asked = new Map<string, number>()
  return {
    /**
     * /download/n/name: n bytes with ETag, Last-Modified and ranges, others for every URL. `?version=` the value of the ETag;
     * `?etag=weak|none`, `?ranges=none|multipart` (ignored or answered with several parts), `?length=none` (chunked);
     * `?rate=` bytes a second; `?cut=n` closed after so many bytes of the
     * body, `?cuts=` times (default 1), `?end=reset` by RST, which takes along what the client has not read yet.
     */
    download(arg, request) {
      const { query, host, target } = request
      const length = numberOf(arg.replace(/\/.*/, ''), 1024 * 1024)
      const version = query.get('version') ?? '1'
      const name = `${host}${target}`
      const etag = query.get('etag') === 'none' ? undefined : `${query.get('etag') === 'weak' ? 'W/' : ''}"${version}"`
      const count = (asked.get(name) ?? 0) + 1
      asked.set(name, count)
      const cut = count <= Number(query.get('cuts') ?? 1) ? Number(query.get('cut') ?? 0) : 0
      const end = query.get('end') === 'reset' ? ('reset' as const) : ('close' as const)
      const file = { name, length, etag, rate: Number(query.get('rate') ?? 0), cut, end }
      const ranges = query.get('ranges') ?? 'bytes'
      return conditional(request, etag ?? '', MODIFIED, () => {
        const from = ranges === 'none' ? undefined : rangeOf(request, etag)
        if (from === undefined) return whole(file, query.get('length') === 'none')
        if (from >= length) return send(file, '416 Range Not Satisfiable', `Content-Range: bytes */${length}\r\n`, 0, 0)
        if (ranges === 'multipart') return multipart(file, from)
        return send(
          file,
          '206 Partial Content',
          `Content-Range: bytes ${from}-${length - 1}/${length}\r\n`,
          from,
          length,
        )
      })
    },
  }
}

interface File {
  readonly name: string
  readonly length: number
  readonly etag: string | undefined
  /** Bytes a second; 0: as fast as they are taken. */
  readonly rate: number
  /** Ended after so many bytes of the body; 0: never. */
  readonly cut: number
  readonly end: 'close' | 'reset'
}

/** First byte asked for, where the range counts: `bytes=n-`, under no condition or one that holds (RFC 9110 13.1.5). */
function rangeOf(request: OriginRequest, etag: string | undefined): number | undefined {
  const from = /^bytes=(\d+)-$/.exec(request.header('range') ?? '')?.[1]
  const condition = request.header('if-range')
  if (from === undefined || (condition !== undefined && condition !== etag && condition !== MODIFIED)) return undefined
  return Number(from)
}

function headOf({ etag }: File, status: string, fields: string): string {
  const tag = etag === undefined ? '' : `ETag: ${etag}\r\n`
  return `HTTP/1.1 ${status}\r\nDate: ${DATE}\r\nLast-Modified: ${MODIFIED}\r\n${tag}Accept-Ranges: bytes\r\n${fields}\r\n`
}

function send(file: File, status: string, fields: string, from: number, to: number): Script {
  const head = headOf(file, status, `${fields}Content-Type: ${TYPE}\r\nContent-Length: ${to - from}\r\n`)
  return { status: Number(status.slice(0, 3)), steps: bodySteps(file, head, from, to, false) }
}

function whole(file: File, isChunked: boolean): Script {
  if (!isChunked) return send(file, '200 OK', '', 0, file.length)
  const head = headOf(file, '200 OK', `Content-Type: ${TYPE}\r\nTransfer-Encoding: chunked\r\n`)
  return { status: 200, steps: bodySteps(file, head, 0, file.length, true) }
}

function multipart(file: File, from: number): Script {
  const range = `Content-Range: bytes ${from}-${file.length - 1}/${file.length}\r\n`
  const start = `--sep\r\nContent-Type: ${TYPE}\r\n${range}\r\n`
  const body = `${start}${downloadBytes(file.name, from, file.length).toString('latin1')}\r\n--sep--\r\n`
  const fields = `Content-Type: multipart/byteranges; boundary=sep\r\nContent-Length: ${body.length}\r\n`
  return { status: 206, steps: [{ write: headOf(file, '206 Partial Content', fields) + body }] }
}

function* bodySteps(file: File, head: string, from: number, to: number, isChunked: boolean): Generator<Step> {
  const { name, rate, cut } = file
  const end = cut > 0 ? Math.min(to, from + cut) : to
  yield { write: head }
  for (let at = from; at < end; ) {
    const bytes = downloadBytes(name, at, Math.min(end, at + PIECE))
    at += bytes.length
    yield { write: isChunked ? chunk(bytes) : bytes }
    if (rate > 0 && at < end) yield { waitMs: (1000 * bytes.length) / rate }
  }
  if (end < to) yield { end: file.end }
  else if (isChunked) yield { write: '0\r\n\r\n' }
}

function chunk(bytes: Buffer): Buffer {
  return Buffer.concat([
    Buffer.from(`${bytes.length.toString(16)}\r\n`, 'latin1'),
    bytes,
    Buffer.from('\r\n', 'latin1'),
  ])
}

function shiftOf(name: string): number {
  let hash = 0
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash, 31) + name.charCodeAt(i)
  return mix32(9, hash) % PERIOD
}

function patternOf(): Buffer {
  const bytes = Buffer.allocUnsafeSlow(PERIOD)
  for (let i = 0; i < PERIOD; i++) bytes[i] = mix32(18, i)
  return bytes
}
