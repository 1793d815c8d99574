/** The page in a stored body: undoes Transfer-Encoding and Content-Encoding as far as the stored headers name them. */
import { brotliDecompressSync, gunzipSync, inflateRawSync, inflateSync, zstdDecompressSync } from 'node:zlib'
import { reasonOf } from '../model/errors.ts'
import { headerOf } from './http-block.ts'

export interface DecodedBody {
  readonly body: Uint8Array
  /** Why the rest of the codings is still on it. */
  readonly problem?: string
}

/** More layers than anyone means are an attack. */
const LAYERS = 5

/**
 * @param headers flat, of the response whose body it is
 * @param limit most bytes that a layer may grow to; beyond it the body is returned as it was, with a `problem`
 */
export function decodedBody(headers: readonly string[], stored: Uint8Array, limit: number): DecodedBody {
  let body = stored
  const transfer = codings(headerOf(headers, 'transfer-encoding'))
  if (transfer.includes('chunked')) {
    const whole = unchunked(body)
    // Archives exist whose writer took the chunks off and left the header.
    if (whole !== undefined) body = whole
  }
  const layers = [...codings(headerOf(headers, 'content-encoding')), ...transfer.filter((name) => name !== 'chunked')]
  if (layers.length > LAYERS) return { body, problem: `more than ${LAYERS} layers of coding` }
  for (const layer of layers.reverse()) {
    if (body.length === 0) break
    try {
      body = decodeLayer(layer, body, limit)
    } catch (error) {
      // Named, but never applied: servers do it, and so do writers that decoded the body.
      if (layer === 'gzip' && body[0] !== 0x1f) continue
      return { body, problem: `${layer}: ${reasonOf(error)}` }
    }
  }
  return { body }
}

function codings(value: string | undefined): string[] {
  const names = (value ?? '').toLowerCase().split(',')
  return names.map((name) => name.trim().replace(/^x-/, '')).filter((name) => !['', 'identity', 'none'].includes(name))
}

function decodeLayer(coding: string, bytes: Uint8Array, maxOutputLength: number): Uint8Array {
  const options = { maxOutputLength }
  switch (coding) {
    case 'gzip':
      return gunzipSync(bytes, options)
    case 'deflate':
      // RFC 1950 2.2; "deflate" is sent with and without this header.
      return ((bytes[0] as number) & 0x0f) === 8 ? inflateSync(bytes, options) : inflateRawSync(bytes, options)
    case 'br':
      return brotliDecompressSync(bytes, options)
    case 'zstd':
      return zstdDecompressSync(bytes, options)
    default:
      throw new Error('unknown coding')
  }
}

/** The data of the chunks (RFC 9112 7.1); undefined where the bytes are not chunked. A missing end is tolerated. */
function unchunked(bytes: Uint8Array): Uint8Array | undefined {
  const pieces: Uint8Array[] = []
  let at = 0
  while (at < bytes.length) {
    const end = bytes.indexOf(10, at)
    if (end < 0) return undefined
    const size = /^([0-9a-f]{1,8})[ \t]*(?:;.*)?\r?$/i.exec(Buffer.from(bytes.subarray(at, end)).toString('latin1'))
    if (size === null) return undefined
    const length = Number.parseInt(size[1] as string, 16)
    if (length === 0) return Buffer.concat(pieces)
    pieces.push(bytes.subarray(end + 1, end + 1 + length))
    at = end + 1 + length
    if (bytes[at] === 13) at++
    if (at < bytes.length && bytes[at] !== 10) return undefined
    at++
  }
  return pieces.length === 0 ? undefined : Buffer.concat(pieces)
}
