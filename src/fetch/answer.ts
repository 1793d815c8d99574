/** The `Response` that users see. One object an answer; header values are looked up only when asked for. */
import { headerValue } from '../http/headers.ts'
import type { Response, Timing } from '../model/response.ts'

export const NO_BYTES = new Uint8Array(0)

export class Answer implements Response {
  readonly url: string
  readonly status: number
  readonly statusText: string
  readonly protocol?: 'h2'
  readonly rawHeaders: readonly string[]
  readonly contentType: string
  readonly address: string
  body: Uint8Array
  readonly file?: string
  readonly size: number
  readonly digest: string
  readonly timing: Timing
  readonly method: string
  readonly startedAt: number
  readonly #asked: Head['asked']
  readonly flags?: readonly string[]
  readonly resumedAt?: number

  constructor(
    head: Head,
    body: Uint8Array,
    file: string | undefined,
    size: number,
    digest: string,
    timing: Timing,
    flags: readonly string[],
    resumedAt: number,
  ) {
    this.url = head.url
    this.status = head.status
    this.statusText = head.statusText
    if (head.protocol === 'h2') this.protocol = 'h2'
    this.rawHeaders = head.rawHeaders
    this.contentType = head.contentType
    this.address = head.address
    this.body = body
    if (file !== undefined) this.file = file
    this.size = size
    this.digest = digest
    this.timing = timing
    this.method = head.asked.method
    this.startedAt = head.startedAt
    this.#asked = head.asked
    if (flags.length > 0) this.flags = flags
    if (resumedAt > 0) this.resumedAt = resumedAt
  }

  get requestHeaders(): readonly string[] {
    const host = ['Host', this.#asked.host]
    // RFC 9113 8.2.2: connections of HTTP/2 have no such field.
    return this.protocol === 'h2'
      ? [...host, ...this.#asked.headers]
      : [...host, 'Connection', 'keep-alive', ...this.#asked.headers]
  }

  /** Its memory is needed for another one. */
  forgetBody(): void {
    this.body = NO_BYTES
  }

  header(name: string): string | undefined {
    return headerValue(this.rawHeaders, name)
  }
}

export interface Head {
  readonly url: string
  readonly status: number
  readonly statusText: string
  readonly protocol: 'http/1.1' | 'h2'
  readonly rawHeaders: readonly string[]
  readonly contentType: string
  readonly address: string
  readonly startedAt: number
  readonly asked: { readonly method: string; readonly host: string; readonly headers: readonly string[] }
}
