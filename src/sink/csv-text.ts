/** CSV text after RFC 4180: cells, rows and reading back one row. Knows no record and no file. */

/** RFC 4180, 2.1. */
export const ROW_END = '\r\n'

const SPECIAL = /[",\r\n]/
/** Beginnings that spreadsheets take for a formula (OWASP, "CSV Injection"). */
const FORMULA = /^[=+\-@\t\r]/

/**
 * One cell. An empty text is written as `""`, so that it differs from a missing value (an empty cell), as PostgreSQL's
 * COPY reads it too.
 */
export function csvCell(text: string): string {
  if (text === '') return '""'
  return SPECIAL.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

/** Puts `'` before what a spreadsheet would run as a formula. Not lossless: only on request. */
export function withoutFormula(text: string): string {
  return FORMULA.test(text) ? `'${text}` : text
}

/** One row with its end. */
export function csvRow(texts: readonly string[]): string {
  return texts.map(csvCell).join(',') + ROW_END
}

/** The first row of a text; undefined where it has no end. Quotes are read leniently: any text gives some row. */
export function firstRow(text: string): string[] | undefined {
  const cells: string[] = []
  let cell = ''
  let quoted = false
  for (let at = 0; at < text.length; at++) {
    const char = text[at]
    if (quoted) {
      if (char !== '"') cell += char
      else if (text[at + 1] === '"') cell += text[++at]
      else quoted = false
    } else if (char === '"') {
      quoted = true
    } else if (char === ',') {
      cells.push(cell)
      cell = ''
    } else if (char === '\n') {
      cells.push(cell.endsWith('\r') ? cell.slice(0, -1) : cell)
      return cells
    } else {
      cell += char
    }
  }
  return undefined
}
