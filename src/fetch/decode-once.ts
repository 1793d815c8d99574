/**
 * Decodes a small body in one synchronous call a layer: several times cheaper than a stream. It takes only what is
 * entirely in order; anything odd is left to `decode-stream.ts`, which can say how far it came.
 */
import { brotliDecompressSync, gunzipSync, inflateRawSync, inflateSync, zstdDecompressSync } from 'node:zlib'
import { hasZlibHeader, startsLike, type Coding } from './codings.ts'

/** What a layer is expected to grow by where nothing says it; a wrong guess costs another buffer. */
const USUAL_RATIO = 5
const LARGEST_BUFFER = 1024 * 1024

interface Info {
  readonly buffer: Buffer
  readonly engine: { readonly bytesWritten: number }
}

/** The decoded bytes in an array of their own, or undefined where the body is odd or grows past `limit`. */
export function decodeOnce(layers: readonly Coding[], raw: Uint8Array, limit: number): Uint8Array | undefined {
  let bytes = raw
  try {
    for (const coding of layers) {
      if (bytes.length === 0 || !startsLike(coding, bytes)) return undefined
      const decoded = decodeLayer(coding, bytes, limit)
      if (decoded === undefined) return undefined
      bytes = decoded
    }
  } catch {
    return undefined
  }
  if (bytes.byteLength === bytes.buffer.byteLength) return new Uint8Array(bytes.buffer as ArrayBuffer)
  return new Uint8Array(bytes)
}

function decodeLayer(coding: Coding, bytes: Uint8Array, limit: number): Uint8Array | undefined {
  const announced = coding === 'gzip' ? announcedLength(bytes) : undefined
  // Not even tried: what it would fill up to the limit is garbage that waits for the collector.
  if (announced !== undefined && announced > limit) return undefined
  const size = Math.min(announced ?? bytes.length * USUAL_RATIO, limit, LARGEST_BUFFER)
  const options = { maxOutputLength: limit, chunkSize: Math.max(64, size) }
  switch (coding) {
    case 'gzip':
      return gunzipSync(bytes, options)
    case 'deflate':
      return hasZlibHeader(bytes) ? inflateSync(bytes, options) : inflateRawSync(bytes, options)
    case 'br':
      return brotliDecompressSync(bytes, options)
    case 'zstd': {
      const { buffer, engine } = zstdDecompressSync(bytes, { ...options, info: true }) as unknown as Info
      // One call decodes one frame; more of them are for the stream.
      return engine.bytesWritten === bytes.length ? buffer : undefined
    }
  }
}

/** gzip ends with the length of what was put in (RFC 1952 2.3.1): with it one buffer does. Undefined: too short for that. */
function announcedLength(bytes: Uint8Array): number | undefined {
  const end = bytes.length
  return end < 18 ? undefined : new DataView(bytes.buffer, bytes.byteOffset, end).getUint32(end - 4, true)
}
