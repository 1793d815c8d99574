/**
 * Refuses statements that do more than read, before a database sees them: a read-only transaction still lets a server
 * write files, run programs and change settings. Looks at words outside of comments and quotes only.
 */
import { SluiceError } from '../../model/errors.ts'

interface Reading {
  /** First words of the statements that are let through. */
  readonly words: readonly string[]
  /** Comments within comments (PostgreSQL, "Comments"). */
  readonly nests?: true
  /** `#` begins a comment, `--` only before a space, and what is in `/*!` is run (MySQL, "Comments"). */
  readonly isMysql?: true
}

const READING = {
  PostgreSQL: { words: ['SELECT', 'WITH', 'VALUES', 'TABLE', 'SHOW', 'EXPLAIN'], nests: true },
  MySQL: {
    words: ['SELECT', 'WITH', 'VALUES', 'TABLE', 'SHOW', 'EXPLAIN', 'DESCRIBE', 'DESC'],
    isMysql: true,
  },
  SQLite: { words: ['SELECT', 'WITH', 'VALUES', 'EXPLAIN', 'PRAGMA'] },
} as const satisfies Readonly<Record<string, Reading>>

/** Kinds of quotes in which a backslash escapes: as the server is set up, which is not known here. */
const ESCAPING = [`'"`, `'`, '']

/**
 * The first word of the statement, in capitals.
 * @throws SluiceError `OPTION_INVALID` for a statement that does not only read
 */
export function readingWord(database: keyof typeof READING, sql: string): string {
  const reading: Reading = READING[database]
  const texts =
    reading.isMysql === true ? ESCAPING.map((escaping) => bare(sql, reading, escaping)) : [bare(sql, reading)]
  const word = /^[\s(]*([a-z]+)/i.exec(texts[0] as string)?.[1]?.toUpperCase() ?? ''
  const refuse = (what: string): SluiceError =>
    new SluiceError('OPTION_INVALID', `${database}: ${what}`, {
      hint: `a query only reads: ${reading.words.join(', ')}`,
    })
  if (!reading.words.includes(word)) {
    throw refuse(word === '' ? 'there is no statement' : `${word} is no statement that reads`)
  }
  if (word === 'PRAGMA' && texts.some((text) => text.includes('='))) throw refuse('PRAGMA with = changes a setting')
  if (reading.isMysql !== true) return word
  if (texts.some((text) => /\/\*m?!/i.test(text))) throw refuse('a comment with ! is run by the server')
  if (texts.some((text) => /\binto\s+(outfile|dumpfile)\b/i.test(text))) throw refuse('INTO OUTFILE writes a file')
  return word
}

/** The text with a space for each comment. */
export function withoutComments(database: keyof typeof READING, sql: string): string {
  let text = ''
  for (let i = 0; i < sql.length; ) {
    const quoteEnd = endOfQuoted(sql, i, '')
    const end = quoteEnd ?? endOfComment(sql, i, READING[database]) ?? i + 1
    const isKept = quoteEnd !== undefined || end === i + 1
    text += isKept ? sql.slice(i, end) : ' '
    i = end
  }
  return text
}

/** The statement with a space for each comment and each quoted text; comments that MySQL runs stay. */
function bare(sql: string, reading: Reading, escaping = ''): string {
  let text = ''
  for (let i = 0; i < sql.length; ) {
    const end = endOfComment(sql, i, reading) ?? endOfQuoted(sql, i, escaping)
    text += end === undefined ? (sql[i] as string) : ' '
    i = end ?? i + 1
  }
  return text
}

function endOfComment(sql: string, start: number, { nests, isMysql }: Reading): number | undefined {
  const isLine = isMysql === true ? /#|--(?=[\s\0-\x20]|$)/y : /--/y
  isLine.lastIndex = start
  if (isLine.test(sql)) {
    const end = sql.slice(start).search(nests === true ? /[\r\n]/ : /\n/)
    return end < 0 ? sql.length : start + end
  }
  if (!sql.startsWith('/*', start)) return undefined
  if (isMysql === true && /^\/\*m?!/i.test(sql.slice(start, start + 4))) return undefined
  let depth = 1
  for (let i = start + 2; i < sql.length; i++) {
    if (sql.startsWith('*/', i)) {
      i++
      if (--depth === 0) return i + 1
    } else if (nests === true && sql.startsWith('/*', i)) {
      i++
      depth++
    }
  }
  return sql.length
}

/** A doubled quote is the end of one text and the beginning of the next. */
function endOfQuoted(sql: string, start: number, escaping: string): number | undefined {
  const quote = sql[start] as string
  if (quote !== "'" && quote !== '"' && quote !== '`') return undefined
  for (let i = start + 1; i < sql.length; i++) {
    if (sql[i] === quote) return i + 1
    if (sql[i] === '\\' && escaping.includes(quote)) i++
  }
  return sql.length
}
