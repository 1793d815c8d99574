/** Reads the number out of a price, a count or a measure as people write them. Pure; knows nothing of pages. */

/** Spaces that stand inside numbers: no-break, figure, punctuation, thin, narrow no-break. */
const TIGHT = '\\u00a0\\u2007\\u2008\\u2009\\u202f'

/** Dashes that people use for a minus. */
const SIGN = '[-\\u2212\\u2013]'
/** A currency before the number: `$`, `R$`, `US$`, `PLN`. */
const CURRENCY = `(?:[A-Z]{3}|[A-Z]{0,2}\\p{Sc})[ ${TIGHT}]?`
const DIGITS = `\\d+(?:[.,'\\u2019 ${TIGHT}]\\d+)*`

/** A sign stands before the digits or before a currency; after a letter or digit it is a dash. */
const NUMBER = new RegExp(
  `(?<![\\p{L}\\p{N}])(?:(${SIGN})(?:${CURRENCY})?|\\p{Sc}[ ${TIGHT}]?(${SIGN}))?((?<![\\d.,])[.,]\\d+|${DIGITS})|(${DIGITS})`,
  'u',
)

/** What may stand before a number whose thousands are set apart by ordinary spaces: a sign, a currency. */
const BARE_START = /^[\s\p{Sc}\-\u2212\u2013]*(?:\p{L}{1,3}[\p{Sc}.]?)?[\s\p{Sc}\-\u2212\u2013]*$/u

/**
 * The first number of a text: `1,234.56`, `1.234,56 €`, `1 234,56 zł`, `1'234.50`, `-$5`, `€ -3`, `.99`. Undefined where
 * there is none, or where the digits cannot be one number (`1.2.3`, `10,2,3`) or one that JavaScript has.
 *
 * With both `.` and `,` the last one is the decimal sign. With one of them, once, it is the decimal sign, unless exactly
 * three digits follow and one to three, not beginning with 0, stand before: then it sets thousands apart (`1.234` and
 * `1,234` are 1234, `0.234` is 0.234, `1.5` is 1.5). Apostrophes and narrow spaces set thousands apart; ordinary spaces
 * only where the number begins the text, but for a sign, a currency sign or a code of at most three letters. A dash after
 * a digit or letter is no minus (`10-20` is 10). Digits are 0 to 9.
 */
export function parseNumber(text: string): number | undefined {
  const match = NUMBER.exec(text)
  if (match === null) return undefined
  const isNegative = (match[1] ?? match[2]) !== undefined
  let digits = (match[3] ?? match[4])!
  if (digits.includes(' ')) {
    const start = match.index + match[0].length - digits.length
    const isGrouped = BARE_START.test(text.slice(0, start)) && /^[1-9]\d{0,2}(?: \d{3})+(?:[.,]\d+)?$/.test(digits)
    if (!isGrouped) digits = digits.slice(0, digits.indexOf(' '))
  }
  const plain = plainNumber(digits)
  if (plain === undefined) return undefined
  const value = Number(plain)
  if (!Number.isFinite(value)) return undefined
  return isNegative && value !== 0 ? -value : value
}

/** As JavaScript writes it. */
function plainNumber(digits: string): string | undefined {
  const signs = digits.replace(/\d+/g, '')
  const dot = signs.lastIndexOf('.')
  const comma = signs.lastIndexOf(',')
  // The last sign is the decimal one where it is `.` or `,`, stands once, and does not set thousands apart.
  const last = signs.at(-1)
  let decimal = -1
  if (last === '.' || last === ',') {
    const isOnce = signs.indexOf(last) === signs.length - 1
    const isThousands = signs.length === 1 && /^[1-9]\d{0,2}[.,]\d{3}$/.test(digits)
    if (isOnce && !isThousands) decimal = digits.lastIndexOf(last)
    else if (!isOnce && dot >= 0 && comma >= 0) return undefined
  }
  const whole = decimal < 0 ? digits : digits.slice(0, decimal)
  if (/\D/.test(whole)) {
    const groups = whole.split(/\D/)
    const kinds = new Set(whole.replace(/\d/g, ''))
    // Groups of two are India's: 12,34,567.
    if (kinds.size > 1 || groups.at(-1)!.length !== 3 || groups[0]!.length > 3) return undefined
    if (!groups.slice(1, -1).every(({ length }) => length === 3 || length === 2)) return undefined
  }
  return `${whole.replace(/\D/g, '') || '0'}${decimal < 0 ? '' : `.${digits.slice(decimal + 1)}`}`
}
