/**
 * From the bytes of an endless answer to records, whatever pieces the bytes come in. One decoder lives as long as one
 * connection: what a broken connection left half is thrown away with it. What a record means is decided in `item.ts`.
 */

/** How records are told apart: `sse` (WHATWG HTML 9.2), `ndjson` and `lines` (a line each), `delimited` (length first), `ws` (a message each). */
export const SHAPES = ['sse', 'ndjson', 'lines', 'delimited', 'ws'] as const
export type Shape = (typeof SHAPES)[number]

/** A record as the wire gave it. */
export interface RawRecord {
  readonly text: string
  /** Last event id in force (`sse`), '' where the server named none. */
  readonly id?: string
  /** Type the server named (`sse`); absent for `message`. */
  readonly event?: string
  /** A message of bytes that are no text (`ws`): `text` is their base64. */
  readonly isBinary?: true
}

export interface DecoderOptions {
  /** Longest record, bytes. */
  readonly maxBytes: number
  onRecord(record: RawRecord): void
  /** The server's wish for the pause before a reconnect, ms (`retry:` of SSE). */
  onRetry?(ms: number): void
  /** Last event id the connection begins with (SSE keeps it over connections). */
  readonly lastId?: string
}

export interface Decoder {
  /**
   * Takes bytes as they come, in pieces of any size. The buffer may be filled again after the call.
   * @throws SluiceError `TOO_LARGE` for a record over `maxBytes`; `BAD_FRAMING` for what is not this shape
   */
  push(chunk: Uint8Array): void
  /** The answer ended as its framing says: a last record without its end is one. Not called where it broke off. */
  end(): void
}
