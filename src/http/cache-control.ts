/** The directives of Cache-Control (RFC 9111 5.2), of requests and answers, and the dates that freshness counts with. */
import { headerValues } from './headers.ts'
import { parseHttpDate } from './retry-after.ts'

export interface CacheControl {
  has(directive: string): boolean
  /** Of a directive that counts seconds; undefined without it, 0 where its value is no number. Of several the least. */
  seconds(directive: string): number | undefined
}

/** RFC 9111 1.2.2: more than this is as good as this. */
const MOST_SECONDS = 2 ** 31
/** A token, and a value that may be quoted: what stands in quotes names no directive. */
const DIRECTIVE = /([^\s,="]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*)))?/g

/** @param values of the field, one for each line */
export function parseCacheControl(values: readonly string[]): CacheControl {
  const found = new Map<string, string[]>()
  for (const value of values) {
    for (const [, name = '', quoted, token] of value.matchAll(DIRECTIVE)) {
      const key = name.toLowerCase()
      const known = found.get(key)
      if (known === undefined) found.set(key, [quoted ?? token ?? ''])
      else known.push(quoted ?? token ?? '')
    }
  }
  return {
    has: (directive) => found.has(directive),
    seconds(directive) {
      const all = found.get(directive)
      return all === undefined ? undefined : Math.min(...all.map((text) => parseSeconds(text) ?? 0))
    },
  }
}

export function cacheControlOf(rawHeaders: readonly string[]): CacheControl {
  return parseCacheControl(headerValues(rawHeaders, 'cache-control'))
}

/** delta-seconds; undefined for anything else. */
export function parseSeconds(text: string): number | undefined {
  return /^\d+$/.test(text) ? Math.min(Number(text), MOST_SECONDS) : undefined
}

const DAY = '(?:mon|tue|wed|thu|fri|sat|sun)'
const TIME = '\\d{2}:\\d{2}:\\d{2}'
/** IMF-fixdate, and the two obsolete formats (RFC 9110 5.6.7). */
const STRICT_DATE = new RegExp(
  `^(?:${DAY}, \\d{2} [a-z]{3} \\d{4} ${TIME} GMT|[a-z]{6,9}, \\d{2}-[a-z]{3}-\\d{2} ${TIME} GMT|${DAY} [a-z]{3} [ \\d]\\d ${TIME} \\d{4})$`,
  'i',
)

/** Ms since 1970 of a date as the grammar has it: a date that is nearly right says nothing about freshness. */
export function strictDate(text: string, wallNowMs: number): number | undefined {
  return STRICT_DATE.test(text) ? parseHttpDate(text, wallNowMs) : undefined
}
