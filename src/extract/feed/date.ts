/**
 * Dates as feeds write them: W3CDTF and other shapes of ISO 8601, RFC 822 with all that is done to it, asctime, and the
 * clocks of databases. Pure: a date that says no zone is in UTC.
 */

/** Minutes east of UTC. */
const ZONES: Readonly<Record<string, number>> = {
  ut: 0, utc: 0, gmt: 0, z: 0, wet: 0, west: 60, bst: 60, cet: 60, cest: 120, eet: 120, eest: 180, msk: 180, ist: 330,
  jst: 540, kst: 540, aest: 600, aedt: 660, nzst: 720, nzdt: 780, ast: -240, adt: -180, est: -300, edt: -240, et: -300,
  cst: -360, cdt: -300, ct: -360, mst: -420, mdt: -360, mt: -420, pst: -480, pdt: -420, pt: -480, akst: -540,
  akdt: -480, hst: -600, a: -60, n: 60, m: -720, y: 720,
} // biome-ignore format: a table

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
const DAY_MS = 86_400_000
/** Longer texts are no dates. */
const LONGEST = 100

/** @returns ISO 8601 in UTC with milliseconds (`2003-12-31T10:14:55.000Z`); undefined for what is no date. */
export function parseDate(text: string): string | undefined {
  const date = text.trim().toLowerCase()
  if (date === '' || date.length > LONGEST) return undefined
  const ms = ofIso(date) ?? ofWords(date)
  return ms === undefined || Number.isNaN(ms) || Math.abs(ms) > 8.64e15 ? undefined : new Date(ms).toISOString()
}

/** Year, then month and day, ordinal day or ISO week, then time and zone; hyphens and colons may be missing. */
const ISO =
  /^(\d{4})(?:-?w(\d\d)(?:-?([1-7]))?|-?(\d{3})(?!\d)|[-/.]?(\d{1,2})(?:[-/.]?(\d{1,2}))?)?(?:[t\s]\s*(\d{1,2})(?::?(\d\d)(?::?(\d\d)(?:[.,](\d+))?)?)?)?\s*([a-z]+|[+-]\d{1,2}:?\d{0,2})?$/

function ofIso(date: string): number | undefined {
  const found = ISO.exec(date)
  if (found === null) return undefined
  const [, yearText, week, weekday, ordinal, monthText, dayText, hour, minute, second, fraction, zone] = found
  const year = Number(yearText)
  let ms: number | undefined
  if (week !== undefined) {
    // Week 1 is that of 4 January.
    const fourth = Date.UTC(year, 0, 4)
    const monday = fourth - ((new Date(fourth).getUTCDay() + 6) % 7) * DAY_MS
    ms = monday + ((Number(week) - 1) * 7 + Number(weekday ?? 1) - 1) * DAY_MS
  } else if (ordinal !== undefined) ms = utc(year, 0, 1) + (Number(ordinal) - 1) * DAY_MS
  else ms = day(year, Number(monthText ?? 1) - 1, Number(dayText ?? 1))
  return withTime(ms, hour, minute, second, fraction, zone)
}

/** Dates with the month's name: RFC 822 and asctime, in whatever order, with or without weekday, comma and time. */
function ofWords(date: string): number | undefined {
  const time = /(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:[.,](\d+))?)?\s*(am|pm)?/.exec(date)
  const rest = time === null ? date : `${date.slice(0, time.index)} \0 ${date.slice(time.index + time[0].length)}`
  let month: number | undefined
  let zone: string | undefined
  let behindTime = false
  const numbers: string[] = []
  for (const [word] of rest.matchAll(/\0|[+-]\d{1,2}:?\d\d\b|[a-z]+|\d+/g)) {
    if (word === '\0') behindTime = true
    else if (/^\d/.test(word)) numbers.push(word)
    else if (/^[+-]/.test(word)) {
      // 31-12-2003 has no zone; 10:14:55 -0500 has one.
      if (behindTime) zone = /^(?:gmt|utc?)?$/.test(zone ?? '') ? word : zone
      else numbers.push(word.slice(1))
    } else {
      const index = word.length < 3 ? -1 : MONTHS.indexOf(word.slice(0, 3))
      if (index >= 0 && month === undefined) month = index
      else if (Object.hasOwn(ZONES, word)) zone = word
    }
  }
  if (month === undefined || numbers.length < 2) return undefined
  const [a, b] = numbers as [string, string]
  // A year is what is longer than two digits, else what comes last.
  const isYearFirst = a.length > 2
  const year = Number(isYearFirst ? a : b)
  const full = (isYearFirst ? a : b).length > 2 ? year : year + (year < 50 ? 2000 : 1900)
  let hour = time?.[1]
  if (time?.[5] !== undefined) hour = String((Number(hour) % 12) + (time[5] === 'pm' ? 12 : 0))
  return withTime(day(full, month, Number(isYearFirst ? b : a)), hour, time?.[2], time?.[3], time?.[4], zone)
}

function withTime(
  ms: number | undefined,
  hour = '0',
  minute = '0',
  second = '0',
  fraction = '0',
  zone = '',
): number | undefined {
  const east = minutesEast(zone)
  const [h, m, s] = [Number(hour), Number(minute), Number(second)]
  // 24:00:00 is the end of a day, 60 a leap second.
  if (ms === undefined || east === undefined || h > 24 || m > 59 || s > 60) return undefined
  const millis = Math.floor(Number(`0.${fraction}`) * 1000)
  return ms + ((h * 60 + m - east) * 60 + s) * 1000 + millis
}

/** An unknown name counts as UTC: the day is right at least. Undefined for what is no offset. */
function minutesEast(zone: string): number | undefined {
  const found = /^([+-])(\d{1,2}):?(\d\d)?$/.exec(zone)
  if (found === null) return Object.hasOwn(ZONES, zone) ? ZONES[zone] : /^[+-]/.test(zone) ? undefined : 0
  const minutes = Number(found[2]) * 60 + Number(found[3] ?? 0)
  return found[1] === '-' ? -minutes : minutes
}

/** Undefined for days that no month has. */
function day(year: number, month: number, date: number): number | undefined {
  const ms = utc(year, month, date)
  return month < 0 || month > 11 || date < 1 || new Date(ms).getUTCMonth() !== month ? undefined : ms
}

/** `Date.UTC`, which takes the years 0 to 99 for those of the last century. */
function utc(year: number, month: number, date: number): number {
  const made = new Date(0)
  made.setUTCFullYear(year, month, date)
  return made.getTime()
}
