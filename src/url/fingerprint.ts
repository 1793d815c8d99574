/**
 * Seeded 64-bit fingerprints that stand for URLs in the frontier, and the content digest of bodies. xxh64 by
 * WebAssembly: fast and of proven quality, not cryptographic; the seed, one a job, keeps a site from preparing
 * collisions. Nothing here knows how fingerprints are stored.
 */
import xxhash, { type XXHashAPI } from 'xxhash-wasm'

/** Unsigned 64-bit hashes under one seed. Namespaces start with a character that no canonical URL starts with. */
export interface Fingerprint {
  /** Of a canonical URL, or of the dedupe key made from it. */
  of(text: string): bigint
  /** Of redirect hop number `hop` (1 for the first) of the chain that starts at `root`. */
  ofHop(root: bigint, hop: number): bigint
  /** Of a listed input by its identity (source, ordinal), for lines that need a record of their own. */
  ofInput(source: string, ordinal: number): bigint
  /** Of a row of a table by what makes it the same row again. */
  ofRow(source: string, identity: string): bigint
  /** Of the robots.txt request of an origin. */
  ofGate(origin: string): bigint
}

/** Running digest of one body. */
export interface DigestStream {
  update(chunk: Uint8Array): void
  /** `xxh64:` + 16 hex digits over everything given. */
  end(): string
}

export interface Digester {
  /** `xxh64:` + 16 hex digits over the bytes (seed 0). */
  digest(bytes: Uint8Array): string
  start(): DigestStream
}

/** Bytes hashed in one call at most: WebAssembly memory grows to what it was given once and never shrinks. */
const SLICE = 1 << 20

let loading: Promise<XXHashAPI> | undefined

function load(): Promise<XXHashAPI> {
  loading ??= xxhash()
  return loading
}

/** @param seed 64-bit seed, stored with the job: fingerprints of different seeds do not match. */
export async function createFingerprint(seed: bigint): Promise<Fingerprint> {
  const { h64 } = await load()
  const unsigned = BigInt.asUintN(64, seed)
  return {
    of: (text) => h64(text, unsigned),
    ofHop: (root, hop) => h64(`\0hop\0${hop}\0${hexOf(root)}`, unsigned),
    ofInput: (source, ordinal) => h64(`\0input\0${ordinal}\0${source}`, unsigned),
    ofRow: (source, identity) => h64(`\0row\0${source}\0${identity}`, unsigned),
    ofGate: (origin) => h64(`\0gate\0${origin}`, unsigned),
  }
}

/** Unseeded: digests of the same bytes are equal across jobs. */
export async function createDigest(): Promise<Digester> {
  const { h64Raw, create64 } = await load()
  const start = (): DigestStream => {
    const state = create64()
    return {
      update(chunk) {
        if (chunk.length <= SLICE) state.update(chunk)
        else for (let at = 0; at < chunk.length; at += SLICE) state.update(chunk.subarray(at, at + SLICE))
      },
      end: () => `xxh64:${hexOf(state.digest())}`,
    }
  }
  return {
    start,
    digest(bytes) {
      if (bytes.length <= SLICE) return `xxh64:${hexOf(h64Raw(bytes))}`
      const stream = start()
      stream.update(bytes)
      return stream.end()
    },
  }
}

/** 16 lower-case hex digits. */
export function hexOf(fp: bigint): string {
  return fp.toString(16).padStart(16, '0')
}
