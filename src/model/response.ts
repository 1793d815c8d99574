/** An answer as users see it. Plain data; bodies over the spool size live in a file instead of memory. */
export interface Timing {
  /** Time the request waited for its turn before it was started, ms. */
  readonly waitMs: number
  readonly dnsMs: number
  readonly connectMs: number
  readonly tlsMs: number
  /** From the request being written to the first byte of the reply. */
  readonly firstByteMs: number
  readonly bodyMs: number
  readonly totalMs: number
}

/** Where the first hop of a chain led, step by step. */
export interface RedirectHop {
  readonly url: string
  readonly status: number
}

export interface Response {
  readonly url: string
  readonly status: number
  readonly statusText: string
  /** Spoken on the connection; absent: HTTP/1.1. HTTP/2 has no `statusText`, and header names in lower case. */
  readonly protocol?: 'h2'
  /** Header names and values in the order of the wire, spelling kept, flat: name, value, name, value … */
  readonly rawHeaders: readonly string[]
  /** First value of a header by case-insensitive name (all values joined by ', ' except set-cookie). */
  header(name: string): string | undefined
  /** MIME essence in lower case ('text/html'), '' when absent. */
  readonly contentType: string
  /** Decoded body; empty when it was spooled to `file` or not kept. */
  readonly body: Uint8Array
  /** Path of the spooled body; it is deleted when the page has been settled. */
  readonly file?: string
  /** Decoded length in bytes; `bytes` in records. */
  readonly size: number
  /** Content digest, `xxh64:` + 16 hex digits over the decoded body; '' without a body. */
  readonly digest: string
  /** Connected IP address. */
  readonly address: string
  readonly timing: Timing
  /** As it was asked: method, and header names and values in the order of the wire, flat (with Host for `:authority`). */
  readonly method: string
  readonly requestHeaders: readonly string[]
  /** Wall-clock time at which the request was sent, ms since 1970. */
  readonly startedAt: number
  /**
   * What was odd about it: `not-encoded` (Content-Encoding was named, the body came plain), `resumed`,
   * `cached` (kept from an earlier time, nobody was asked), `revalidated` (kept, and confirmed with a 304).
   */
  readonly flags?: readonly string[]
  /** Bytes of the body that earlier attempts had fetched (`resumed`): the head is that of the first one, a 200. */
  readonly resumedAt?: number
}
