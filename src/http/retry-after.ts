/** When a server says to come again: `Retry-After` and the dates it may hold (RFC 9110 sections 10.2.3 and 5.6.7). */

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']

/** Sun, 06 Nov 1994 08:49:37 GMT */
const IMF = /^[a-z]{3,9},?\s+(\d{1,2})\s+([a-z]{3})\s+(\d{4})\s+(\d{1,2}):(\d{2}):(\d{2})\s*(?:GMT|UTC|[+-]0000)?$/i
/** Sunday, 06-Nov-94 08:49:37 GMT */
const RFC850 = /^[a-z]{3,9},?\s+(\d{1,2})-([a-z]{3})-(\d{2}|\d{4})\s+(\d{1,2}):(\d{2}):(\d{2})\s*(?:GMT|UTC)?$/i
/** Sun Nov  6 08:49:37 1994 */
const ASCTIME = /^[a-z]{3}\s+([a-z]{3})\s+(\d{1,2})\s+(\d{1,2}):(\d{2}):(\d{2})\s+(\d{4})$/i

/**
 * Milliseconds to wait from now, 0 for a date that has passed, undefined for what is neither seconds nor a date. Not
 * capped.
 *
 * @param wallNowMs Wall clock, ms since 1970.
 */
export function parseRetryAfter(value: string | undefined, wallNowMs: number): number | undefined {
  if (value === undefined) return undefined
  const text = value.trim()
  // Fractions are not in the grammar, but what a server means by 1.5 is clear.
  if (/^\d+(?:\.\d+)?$/.test(text)) return Math.min(Math.ceil(Number(text) * 1000), Number.MAX_SAFE_INTEGER)
  const date = parseHttpDate(text, wallNowMs)
  return date === undefined ? undefined : Math.max(0, date - wallNowMs)
}

/**
 * An HTTP-date in any of its three formats, ms since 1970. The weekday is not checked.
 *
 * @param wallNowMs Wall clock, for the century of two-digit years: more than 50 years ahead means the past.
 */
export function parseHttpDate(text: string, wallNowMs: number): number | undefined {
  // The longest date is 33 characters: nothing longer is worth a look.
  if (text.length > 64) return undefined
  const found = IMF.exec(text) ?? RFC850.exec(text)
  if (found !== null) {
    const [, day, month, year, hour, minute, second] = found
    return utc(fullYear(year!, wallNowMs), month!, Number(day), Number(hour), Number(minute), Number(second))
  }
  const asctime = ASCTIME.exec(text)
  if (asctime === null) return undefined
  const [, month, day, hour, minute, second, year] = asctime
  return utc(Number(year), month!, Number(day), Number(hour), Number(minute), Number(second))
}

function fullYear(digits: string, wallNowMs: number): number {
  if (digits.length > 2) return Number(digits)
  const now = new Date(wallNowMs).getUTCFullYear()
  const year = now - (now % 100) + Number(digits)
  return year > now + 50 ? year - 100 : year
}

function utc(
  year: number,
  monthName: string,
  day: number,
  hour: number,
  minute: number,
  second: number,
): number | undefined {
  const month = MONTHS.indexOf(monthName.toLowerCase())
  // Second 60 is a leap second. Years before 100 mean the 20th century to Date.UTC.
  if (month < 0 || hour > 23 || minute > 59 || second > 60 || year < 100) return undefined
  const date = new Date(Date.UTC(year, month, day, hour, minute, second))
  // The 31st of February would have become a day of March.
  return day >= 1 && new Date(Date.UTC(year, month, day)).getUTCDate() === day ? date.getTime() : undefined
}
