/**
 * The one table of the fault matrix: case → outcome, code, flags, attempts. Jobs run with two retries, so 3 attempts mean
 * that it was tried until the tries were used up, 2 that one more try is all it gets, 1 that it is final at once. Where
 * FAULTS.md allows more than one behaviour, ADR 0035 says why it is this one.
 */
import type { FaultName } from '../../src/testing/origin/fault-cases.ts'
import type { Expected } from './seen.ts'

export interface Row extends Partial<Expected> {
  /** One for each record of the case where they differ: by its paths, or by URL. */
  readonly each?: readonly Expected[]
  /** Which run it is part of. Default `list`. */
  readonly in?: string
  /** What has to be built before it can pass; it counts as open, never as passed. */
  readonly open?: string
}

const OK = { outcome: 'ok' } as const
const LENIENT = { outcome: 'ok', flags: ['lenient'] } as const
const failed = (code: NonNullable<Expected['code']>, attempts = 1): Expected => ({ outcome: 'failed', code, attempts })
const skipped = (code: NonNullable<Expected['code']>): Expected => ({ outcome: 'skipped', code })
const FRAMING = failed('BAD_FRAMING')
const CUT = { ...failed('TRUNCATED', 3), flags: ['truncated'] }

/** Cases that the fake web answers on any host or on one of their own. */
export const TABLE: Readonly<Record<FaultName, Row>> = {
  'lf-lines': LENIENT,
  'folded-headers': LENIENT,
  'header-without-colon': FRAMING,
  'stray-cr': FRAMING,
  nul: FRAMING,
  'large-headers': failed('HEADERS_TOO_LARGE'),
  'headers-cut': CUT,
  'empty-reply': failed('EMPTY_REPLY', 3),
  'http-0.9': failed('NOT_HTTP'),
  'bad-status-line': failed('NOT_HTTP'),
  'status-6xx': failed('HTTP_STATUS', 3),
  'status-999': failed('HTTP_STATUS'),
  'no-reason': OK,
  interim: OK,
  'interim-flood': failed('UNEXPECTED_STATUS', 2),
  'interim-only': CUT,
  switching: failed('UNEXPECTED_STATUS', 2),
  'bad-length': FRAMING,
  'huge-length': LENIENT,
  'equal-lengths': LENIENT,
  'different-lengths': FRAMING,
  'length-and-chunked': LENIENT,
  'chunked-not-last': FRAMING,
  'bad-chunk': FRAMING,
  'chunk-extensions': OK,
  'chunks-cut': CUT,
  'short-body': CUT,
  'extra-bytes': LENIENT,
  'staged-reply': LENIENT,
  'body-where-none-may-be': LENIENT,
  endless: failed('TOO_LARGE'),
  drip: { in: 'slow', ...failed('TIMEOUT_SLOW', 3) },
  silence: { in: 'slow', ...failed('TIMEOUT_HEADERS', 3) },
  'silence-in-body': { in: 'slow', ...failed('TIMEOUT_BODY', 3) },
  'reset-in-body': failed('CONNECTION_RESET', 3),
  'closed-on-reuse': OK,
  'partial-content': { ...failed('PARTIAL_CONTENT'), flags: ['partial'] },
  'wrong-range': { outcome: 'ok', attempts: 2 },
  'unasked-304': {
    each: [failed('UNEXPECTED_STATUS', 2), { ...failed('UNEXPECTED_STATUS', 2), flags: ['lenient'] }],
  },
  'retry-after': { in: 'patient', outcome: 'ok', attempts: 2 },
  'retry-after-early': { outcome: 'ok', attempts: 2 },
  denied: { outcome: 'denied' },
  'status-407': failed('HTTP_STATUS'),

  codings: OK,
  'six-layers': failed('BAD_ENCODING'),
  bombs: failed('BOMB'),
  'broken-coding': failed('BAD_ENCODING'),
  'coding-cut': CUT,
  'coding-tail': OK,
  'identity-coding': OK,
  'unknown-coding': failed('BAD_ENCODING'),
  'coding-lie': { outcome: 'ok', flags: ['not-encoded'] },
  'gz-file': { outcome: 'ok', mime: 'application/gzip' },
  charsets: {
    each: ['Страница', 'Страница', '日本語のページ', 'Página über café'].map((title) => ({ outcome: 'ok', title })),
  },
  'dead-charsets': { outcome: 'ok', title: 'A page' },
  'several-types': { outcome: 'ok', mime: 'text/html', title: 'A page' },
  'no-type': { outcome: 'ok', flags: ['sniffed'], mime: 'text/html', title: 'A page' },
  'lying-type': { outcome: 'ok', mime: 'text/html' },
  'odd-text': { outcome: 'ok', title: 'a\u{fffd}\u{fffd}\u{fffd}\u{fffd}b\u{fffd}c \u{fffd}' },
  'deep-page': { in: 'extractors', ...OK },
  'slow-pattern': { in: 'patterns', ...failed('EXTRACT_TIMEOUT') },
  'xml-attacks': { in: 'sitemaps', ...OK },
  'odd-sitemaps': { in: 'sitemaps', ...OK },
  'broken-pdf': { in: 'texts', ...failed('EXTRACT_THREW') },
  'odd-json': { in: 'extractors', each: [failed('EXTRACT_THREW'), OK, OK, OK] },
  'odd-names': { in: 'stored-names', ...OK },

  'redirect-loop': failed('REDIRECT_LOOP'),
  'many-redirects': failed('TOO_MANY_REDIRECTS'),
  'no-location': failed('HTTP_STATUS'),
  'bad-location': failed('BAD_REDIRECT'),
  'odd-location': OK,
  'other-scheme': failed('BAD_REDIRECT'),
  'inward-redirect': { in: 'inward', ...skipped('ADDRESS_DENIED') },
  'method-after-redirect': { in: 'methods', ...OK },
  'leaky-redirect': { in: 'redirects', ...OK },
  'secure-redirects': { in: 'secure-redirects', ...OK },
  'scope-redirect': { in: 'crawls', each: [OK, skipped('SCOPE_DENIED'), OK] },
  'robots-redirect': { in: 'crawls', ...skipped('ROBOTS_DENIED') },
  refresh: { in: 'crawls', each: [OK, OK, OK, OK] },
  'odd-cookies': { in: 'cookies', ...OK },
  'foreign-cookies': { in: 'cookies', ...OK },
  'odd-urls': { in: 'urls', ...OK },
  'bad-urls': { in: 'urls', ...skipped('URL_INVALID') },
  'long-url': { in: 'urls', ...skipped('URL_TOO_LONG') },
  userinfo: { in: 'userinfo', ...OK },

  'closed-in-handshake': { in: 'tls', ...failed('TLS_FAILED', 2) },
  'missing-name': { in: 'names', ...failed('DNS_NOT_FOUND', 2) },
  'broken-name': { in: 'names', ...failed('DNS_FAILED', 3) },
  'silent-name': { in: 'names', ...failed('TIMEOUT_DNS', 3) },
  'slow-name': { in: 'names', ...OK },
  'dead-ipv6': { in: 'names', ...OK },
  rebinding: { in: 'names', ...skipped('ADDRESS_DENIED') },
  'bad-certificate': { in: 'tls', ...failed('TLS_FAILED') },
  'old-tls': { in: 'tls', ...failed('TLS_FAILED') },
  'http-for-https': { in: 'tls', ...failed('TLS_FAILED') },
  'https-for-http': { in: 'tls', ...failed('NOT_HTTP') },
  // What names nothing as done is sent again at once; what breaks the protocol is asked again, by HTTP/1.1.
  http2: {
    in: 'http2',
    each: [
      OK,
      OK,
      { ...OK, attempts: 2 },
      OK,
      failed('CONNECTION_RESET', 3),
      OK,
      ...Array.from({ length: 6 }, () => ({ ...OK, attempts: 2 })),
    ],
  },
  'bad-proxy': { in: 'proxies', ...failed('PROXY_FAILED', 3) },
  'out-of-descriptors': { in: 'descriptors', ...OK },

  'robots-4xx': { in: 'robots', each: [OK, OK] },
  'robots-404': { in: 'robots', each: [OK, OK] },
  'robots-5xx': { in: 'robots', ...skipped('ROBOTS_UNREACHABLE') },
  'robots-429': { in: 'robots', ...skipped('ROBOTS_UNREACHABLE') },
  'robots-redirects': { in: 'robots', each: [OK, skipped('ROBOTS_DENIED')] },
  'robots-large': { in: 'robots', each: [OK, skipped('ROBOTS_DENIED')] },
  'robots-html': { in: 'robots', each: [OK, OK] },
  'robots-odd': { in: 'robots', each: [OK, skipped('ROBOTS_DENIED')] },
  'robots-wildcards': { in: 'robots', each: [OK, skipped('ROBOTS_DENIED')] },
  'robots-delays': { in: 'robots-delays', each: [OK, skipped('ROBOTS_DENIED')] },
  'robots-changes': { in: 'robots-day', each: [OK, skipped('ROBOTS_DENIED')] },
  'robots-directives': { in: 'crawls', ...OK },

  traps: { in: 'traps', ...skipped('TRAP_LIMIT') },
  'many-links': { in: 'many-links', ...OK },
}
