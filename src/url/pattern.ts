/**
 * The patterns of `--include`, `--exclude` and per-URL rules: globs and regular expressions over canonical URLs. Which
 * list means what is for the scope to say.
 *
 * - `/body/` or `/body/i`, the body without a bare slash: a regular expression on the whole URL. Other flags are read as
 *   flags only if the body has one of `\ ^ $ ( ) | + [ ] { }`, so that `/en/us` stays a path. A `RegExp` is one, too.
 * - a glob that begins with `/` covers path and query: `/blog/**`, `/search?q=*`.
 * - a glob with a scheme covers the whole URL: `http*://example.com/a/*`.
 * - any other glob covers host, port, path and query, without userinfo: `*.example.com/docs/**`, `**.pdf`. With neither
 *   `/` nor `**` it stands for a whole host: `example.com` is `example.com/**`.
 *
 * In globs `*` is any run without `/`, `**` any run, `?` any one character; they are case-sensitive (hosts are written
 * in lower case whatever the pattern says) and cover their subject from end to end. Characters that URLs escape may be
 * written plainly: `/café/**`.
 */
import { SluiceError } from '../model/errors.ts'
import { compileGlob } from './glob.ts'

export interface Patterns {
  /** Source text of the first pattern that matches a canonical URL, for `why`; undefined where none does. */
  match(url: string): string | undefined
}

interface Compiled {
  readonly source: string
  readonly subject: 'url' | 'host' | 'path'
  test(subject: string): boolean
}

/** @throws {SluiceError} OPTION_INVALID for an empty pattern or an invalid regular expression. */
export function compilePatterns(patterns: readonly (string | RegExp)[]): Patterns {
  const compiled = patterns.map(compileOne)
  return {
    match(url) {
      let path: string | undefined
      let host: string | undefined
      for (const pattern of compiled) {
        let subject = url
        if (pattern.subject === 'path') subject = path ??= url.slice(pathStart(url))
        else if (pattern.subject === 'host') subject = host ??= url.slice(hostStart(url))
        if (pattern.test(subject)) return pattern.source
      }
      return undefined
    },
  }
}

function pathStart(url: string): number {
  return url.indexOf('/', 8)
}

function hostStart(url: string): number {
  const start = url.indexOf('//') + 2
  const at = url.indexOf('@', start)
  return at < 0 || at > pathStart(url) ? start : at + 1
}

function compileOne(pattern: string | RegExp): Compiled {
  if (typeof pattern !== 'string') return fromRegExp(pattern.source, pattern.flags, String(pattern))
  const expression = /^\/((?:[^/\\[]|\\.|\[(?:[^\]\\]|\\.)*\])+)\/([dgimsuvy]*)$/.exec(pattern)
  if (expression !== null) {
    const body = expression[1]!
    const flags = expression[2]!
    if (flags === '' || flags === 'i' || /[\\^$()|+[\]{}]/.test(body)) return fromRegExp(body, flags, pattern)
  }
  if (pattern.trim() === '') {
    throw new SluiceError('OPTION_INVALID', 'a pattern is empty', { hint: 'give a glob such as /blog/** or a /regex/' })
  }
  if (pattern.startsWith('/')) return { source: pattern, subject: 'path', test: compileGlob(escapePlain(pattern)) }
  const scheme = /^[a-z*?]+:\/\//i.exec(pattern)?.[0] ?? ''
  const rest = pattern.slice(scheme.length)
  const slash = rest.search(/\/|\*\*/)
  const host = asciiHost(slash < 0 ? rest : rest.slice(0, slash))
  const glob = slash < 0 ? `${host}/**` : host + escapePlain(rest.slice(slash))
  return { source: pattern, subject: scheme === '' ? 'host' : 'url', test: compileGlob(scheme.toLowerCase() + glob) }
}

function fromRegExp(body: string, flags: string, source: string): Compiled {
  try {
    // `g` and `y` would make one test depend on the one before.
    const expression = new RegExp(body, flags.replace(/[gy]/g, ''))
    return { source, subject: 'url', test: (url) => expression.test(url) }
  } catch (cause) {
    throw new SluiceError(
      'OPTION_INVALID',
      `${source} is not a valid regular expression: ${(cause as Error).message}`,
      {
        hint: 'correct it, or write a glob such as /blog/**',
        cause,
      },
    )
  }
}

/** Characters that never stand plainly in a canonical URL, written as they stand there. */
function escapePlain(glob: string): string {
  return glob
    .toWellFormed()
    .replace(/[^!-~]+|["<>]/g, encodeURIComponent)
    .replace(/%[0-9a-f]{2}/gi, (escape) => escape.toUpperCase())
}

function asciiHost(host: string): string {
  if (/^[!-~]*$/.test(host)) return host.toLowerCase()
  return host
    .split('.')
    .map((label) => (/[*?]/.test(label) ? label : (URL.parse(`http://${label}/`)?.host ?? label)))
    .join('.')
    .toLowerCase()
}
