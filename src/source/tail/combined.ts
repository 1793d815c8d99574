/**
 * A line of the combined log format (Apache httpd, mod_log_config: `%h %l %u %t "%r" %>s %b "%{Referer}i"
 * "%{User-agent}i"`; nginx writes the same), or of the common one, which ends before the referrer. `-` is nothing.
 */
import type { ItemColumn } from '../../model/item.ts'

/** Fields of a hit; those that the line does not have are absent. */
export interface Hit {
  readonly host: string
  readonly ident?: string
  readonly user?: string
  /** ISO 8601 with the offset of the log: `2000-10-10T13:55:36-07:00`. */
  readonly time: string
  readonly method?: string
  /** Target as it was requested; the whole request line where it is not one of HTTP. */
  readonly path?: string
  readonly protocol?: string
  readonly status: number
  /** Bytes of the body; absent for `-`. */
  readonly bytes?: number
  readonly referrer?: string
  readonly agent?: string
}

const text = (name: string): ItemColumn => ({ name, type: 'text', required: false })
const integer = (name: string): ItemColumn => ({ name, type: 'integer', required: false })

/** Columns of a hit, in the order of the line. */
export const COMBINED_COLUMNS: readonly ItemColumn[] = [
  text('host'),
  text('ident'),
  text('user'),
  text('time'),
  text('method'),
  text('path'),
  text('protocol'),
  integer('status'),
  integer('bytes'),
  text('referrer'),
  text('agent'),
]

const QUOTED = '"((?:[^"\\\\]|\\\\.)*)"'
// A user name may hold blanks; the time in brackets ends it.
const LINE = new RegExp(
  `^(\\S+) (\\S+) (.*?) \\[([^\\]]+)\\] ${QUOTED} (\\d{3}) (\\d+|-)(?: ${QUOTED} ${QUOTED})?(?: .*)?$`,
)
const TIME = /^(\d{2})\/([A-Za-z]{3})\/(\d{4}):(\d{2}:\d{2}:\d{2}) ([+-]\d{2})(\d{2})$/
const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
const REQUEST = /^([A-Z][A-Z-]*) (\S+)(?: (HTTP\/\d(?:\.\d)?))?$/
const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', b: '\b', v: '\v' }

/** Undefined for what is not such a line. */
export function parseCombined(line: string): Hit | undefined {
  const found = LINE.exec(line)
  const time = found === null ? undefined : isoTime(found[4] as string)
  if (found === null || time === undefined) return undefined
  const [, host, ident, user, , request, status, bytes, referrer, agent] = found
  const asked = unescaped(request as string)
  const parts = REQUEST.exec(asked)
  return {
    host: host as string,
    ...some('ident', ident),
    ...some('user', user === undefined ? undefined : unescaped(user)),
    time,
    ...some('method', parts?.[1]),
    ...some('path', parts === null ? asked : parts[2]),
    ...some('protocol', parts?.[3]),
    status: Number(status),
    ...(bytes === '-' ? {} : { bytes: Number(bytes) }),
    ...some('referrer', referrer === undefined ? undefined : unescaped(referrer)),
    ...some('agent', agent === undefined ? undefined : unescaped(agent)),
  }
}

function some<Name extends string>(name: Name, value: string | undefined): { [K in Name]?: string } {
  return value === undefined || value === '-' || value === '' ? {} : ({ [name]: value } as { [K in Name]?: string })
}

function isoTime(written: string): string | undefined {
  const found = TIME.exec(written)
  if (found === null) return undefined
  const [, day, name, year, clock, hours, minutes] = found
  const month = MONTHS.indexOf((name as string).toLowerCase()) + 1
  if (month === 0) return undefined
  return `${year}-${String(month).padStart(2, '0')}-${day}T${clock}${hours}:${minutes}`
}

/** `\"`, `\\`, control characters, and `\xhh`: bytes of UTF-8, latin1 where they are not. */
function unescaped(written: string): string {
  if (!written.includes('\\')) return written
  return written
    .replaceAll(/(?:\\x[0-9a-fA-F]{2})+/g, (run) => {
      const bytes = Buffer.from(run.replaceAll('\\x', ''), 'hex')
      const decoded = bytes.toString()
      // Quotes and backslashes stay escaped for the step below.
      return (decoded.includes('�') ? bytes.toString('latin1') : decoded).replaceAll(/["\\]/g, '\\$&')
    })
    .replaceAll(/\\(.)/g, (_, character: string) => ESCAPES[character] ?? character)
}
