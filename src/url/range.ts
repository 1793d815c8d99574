/**
 * URL ranges in the spelling of curl: `{a,b}`, `[1-500]`, `[001-100]`, `[2000-61000:1000]`, `[a-z]`. Both ends belong to
 * the range; of several in one text the last varies fastest. Nothing is written out: the n-th text is computed. Whether
 * the texts are URLs is not known here.
 */
import { SluiceError } from '../model/errors.ts'

export interface Range {
  /** Number of texts, 1 without any range. */
  readonly total: number
  /** Text number `i`, 0-based; RangeError outside. */
  at(i: number): string
}

interface Part {
  readonly count: number
  at(i: number): string
}

/**
 * A backslash makes the bracket or brace after it plain. Brackets that hold no range (`[::1]`, `a[]=1`, `a[0]=1`) are
 * plain, too.
 *
 * @throws {SluiceError} OPTION_INVALID for a range that is malformed, reversed, or too large to count.
 */
export function expandRange(text: string): Range {
  const parts = parse(text)
  let total = 1
  for (const part of parts) total *= part.count
  if (!Number.isSafeInteger(total)) throw invalid(text, 'has more members than can be counted', 'make it smaller')
  return {
    total,
    at(i) {
      if (!Number.isInteger(i) || i < 0 || i >= total) throw new RangeError(`no member ${i} among ${total}`)
      let rest = i
      let out = ''
      for (let p = parts.length - 1; p >= 0; p--) {
        const part = parts[p]!
        out = part.at(rest % part.count) + out
        rest = Math.floor(rest / part.count)
      }
      return out
    },
  }
}

/** Whether `expandRange` would do anything with the text: expand it, or complain. */
export function hasRange(text: string): boolean {
  if (!/[[{\\]/.test(text)) return false
  try {
    const parts = parse(text)
    return parts.length > 1 || (parts.length === 1 && parts[0]!.at(0) !== text)
  } catch {
    return true
  }
}

function parse(text: string): readonly Part[] {
  const parts: Part[] = []
  let plain = ''
  const add = (part: Part): void => {
    if (plain !== '') parts.push(fixed(plain))
    plain = ''
    parts.push(part)
  }
  for (let i = 0; i < text.length; i++) {
    const character = text.charAt(i)
    if (character === '\\' && /[[\]{}]/.test(text.charAt(i + 1))) plain += text.charAt(++i)
    else if (character === '{') {
      const end = text.indexOf('}', i)
      const names = text.slice(i + 1, end)
      if (end < 0) throw invalid(text, 'has a { without }', 'close it, or write \\{ for a plain brace')
      if (names === '') throw invalid(text, 'has an empty set {}', 'name its members, or write \\{\\} for plain braces')
      if (names.includes('{')) throw invalid(text, 'has a set inside a set', 'write them one after the other')
      add(set(names.split(',')))
      i = end
    } else if (character === '[') {
      const end = text.indexOf(']', i)
      const range = end < 0 ? undefined : rangeOf(text, text.slice(i + 1, end))
      if (range === undefined) plain += character
      else {
        add(range)
        i = end
      }
    } else plain += character
  }
  if (plain !== '') parts.push(fixed(plain))
  return parts
}

function fixed(text: string): Part {
  return { count: 1, at: () => text }
}

function set(names: readonly string[]): Part {
  return { count: names.length, at: (i) => names[i]! }
}

function rangeOf(text: string, inside: string): Part | undefined {
  const found = /^(?:(\d+)-(\d+)|([a-z])-([a-z])|([A-Z])-([A-Z]))(?::(\d+))?$/.exec(inside)
  if (found === null) {
    // What looks as if a range was meant is not passed on silently; everything else is plain text.
    if (/^(?:\d+|[a-z])-(?:\d*|[a-z])(?::.*)?$/i.test(inside)) {
      throw invalid(text, `has a malformed range [${inside}]`, 'write [1-500], [1-500:10] or [a-z], or \\[ for plain')
    }
    return undefined
  }
  const low = found[1] ?? found[3] ?? found[5]!
  const high = found[2] ?? found[4] ?? found[6]!
  const numeric = found[1] !== undefined
  const from = numeric ? Number(low) : low.charCodeAt(0)
  const to = numeric ? Number(high) : high.charCodeAt(0)
  const step = found[7] === undefined ? 1 : Number(found[7])
  if (!Number.isSafeInteger(to)) throw invalid(text, `has a number too large in [${inside}]`, 'make it smaller')
  if (from > to) throw invalid(text, `has a reversed range [${inside}]`, `write [${high}-${low}]`)
  if (step === 0) throw invalid(text, `has the step 0 in [${inside}]`, 'a step is at least 1')
  const count = Math.floor((to - from) / step) + 1
  const width = numeric && low.startsWith('0') ? low.length : 0
  return {
    count,
    at: (i) => (numeric ? String(from + i * step).padStart(width, '0') : String.fromCharCode(from + i * step)),
  }
}

function invalid(text: string, what: string, hint: string): SluiceError {
  return new SluiceError('OPTION_INVALID', `${JSON.stringify(text)} ${what}`, { hint })
}
