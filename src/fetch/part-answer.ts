/**
 * What answers say about parts (docs/adr/0018): which bodies can be gone on with later, how the rest is asked for, and
 * what the answer to that means. Pure; it knows neither files nor connections.
 */
import { headerValue } from '../http/headers.ts'
import { parseHttpDate } from '../http/retry-after.ts'

/** What joins two answers to one body. */
export interface Validator {
  readonly name: 'etag' | 'last-modified'
  /** As it was sent: servers compare it letter by letter (RFC 9110 13.1.5). */
  readonly value: string
}

/** What a part must know of the answer it began with. */
export interface Unfinished {
  readonly validator: Validator
  /** Length of the whole; undefined where no answer has told it yet. */
  readonly length: number | undefined
  /** Bytes that are there. */
  readonly count: number
}

/**
 * What follows from an answer to `rangeHeaders`.
 * - `append`: the rest comes, of a whole of `length` bytes;
 * - `finish`: everything was there;
 * - `fresh`: the whole comes from its first byte;
 * - `mismatch`: not what was asked for; the part is worth nothing, and the whole has to be asked for;
 * - `other`: it says nothing about the part.
 */
export type PartVerdict =
  | { readonly do: 'append'; readonly length: number }
  | { readonly do: 'finish' | 'fresh' | 'other' }
  | { readonly do: 'mismatch'; readonly why: string }

/** RFC 9110 8.8.3, without `W/`. */
const STRONG_ETAG = /^"[\x21\x23-\x7e\x80-\xff]*"$/
/** RFC 9110 14.4. */
const CONTENT_RANGE = /^bytes\s+(?:(\d{1,16})-(\d{1,16})|\*)\/(\d{1,16})$/i
/** A date is strong where the answer is later by this (RFC 9110 8.8.2.2). */
const DATE_MARGIN_MS = 1_000

/**
 * The validator under which the body of a 200 may be joined with its rest; undefined where there is none: a weak ETag,
 * even beside a date (RFC 9110 13.1.5), a date of the same second, or a server that refuses ranges (14.3).
 *
 * @param wallMs wall clock, for the century of two-digit years.
 */
export function validatorOf(rawHeaders: readonly string[], wallMs: number): Validator | undefined {
  if (headerValue(rawHeaders, 'accept-ranges')?.trim().toLowerCase() === 'none') return undefined
  const etag = headerValue(rawHeaders, 'etag')
  if (etag !== undefined) return STRONG_ETAG.test(etag) ? { name: 'etag', value: etag } : undefined
  const modified = headerValue(rawHeaders, 'last-modified')
  if (modified === undefined) return undefined
  const modifiedMs = parseHttpDate(modified, wallMs)
  const sentMs = parseHttpDate(headerValue(rawHeaders, 'date') ?? '', wallMs)
  if (modifiedMs === undefined || sentMs === undefined || sentMs - modifiedMs < DATE_MARGIN_MS) return undefined
  return { name: 'last-modified', value: modified }
}

/** Asks for what is missing, under the condition that nothing has changed (RFC 9110 13.1.5 and 14.2). */
export function rangeHeaders({ validator, count }: Unfinished): Record<string, string> {
  return { Range: `bytes=${count}-`, 'If-Range': validator.value }
}

export function readPartAnswer(part: Unfinished, status: number, rawHeaders: readonly string[]): PartVerdict {
  if (status === 200) return { do: 'fresh' }
  if (status !== 206 && status !== 416) return { do: 'other' }
  const range = CONTENT_RANGE.exec(headerValue(rawHeaders, 'content-range')?.trim() ?? '')
  const length = Number(range?.[3])
  const answered = headerValue(rawHeaders, part.validator.name)
  if (status === 416) {
    // The answer to a range that cannot be had need not name the validator (RFC 9110 15.5.17).
    if (answered !== undefined && answered !== part.validator.value) return mismatch('it has another validator')
    const isAll = length === part.count && (part.length === undefined || part.length === length)
    if (range !== null && range[1] === undefined && isAll) return { do: 'finish' }
    return mismatch(`the whole is no longer ${part.length ?? part.count} bytes`)
  }
  if (/^\s*multipart\/byteranges/i.test(headerValue(rawHeaders, 'content-type') ?? '')) {
    return mismatch('several ranges came')
  }
  if (range === null || range[1] === undefined) return mismatch('its Content-Range cannot be read')
  const end = Number(range[2])
  if (Number(range[1]) !== part.count || end < part.count || end >= length) {
    return mismatch(`asked from byte ${part.count}, it says ${range[0]}`)
  }
  if (part.length !== undefined && length !== part.length)
    return mismatch(`the whole is no longer ${part.length} bytes`)
  if (answered !== part.validator.value) return mismatch('it has another validator')
  const bytes = headerValue(rawHeaders, 'content-length')
  if (bytes !== undefined && Number(bytes) !== end - part.count + 1)
    return mismatch('its length is not that of its range')
  const transfer = headerValue(rawHeaders, 'transfer-encoding') ?? 'chunked'
  if (headerValue(rawHeaders, 'content-encoding') !== undefined || !/^chunked$/i.test(transfer.trim())) {
    return mismatch('it is coded')
  }
  return { do: 'append', length }
}

function mismatch(why: string): PartVerdict {
  return { do: 'mismatch', why }
}
