/** Short figures for terminals. Unit symbols are international and stay the same in every language. */
import { shortBytes } from '../../locales/catalog.ts'
import { shortDuration } from '../../model/duration.ts'
import { cellsOf } from './width.ts'

export { shortBytes, shortDuration }

/** `1h52m`: one word, for lines that programs split at blanks. */
export function tightDuration(ms: number): string {
  return shortDuration(ms).replaceAll(' ', '')
}

/** `118`, `9.4`, `0.2`: requests a second. */
export function shortRate(perSecond: number): string {
  return perSecond >= 9.95 || perSecond === 0 ? String(Math.round(perSecond)) : perSecond.toFixed(1)
}

/**
 * Text from elsewhere (a URL as given, a line of robots.txt, a reason phrase) with its control characters spelt out, so
 * that no site can speak to the terminal. Tabs and line ends stay.
 */
export function visible(text: string): string {
  return text.replaceAll(
    /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g,
    (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`,
  )
}

/** Pads to a width in terminal cells: East Asian characters take two. */
export function padEnd(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - cellsOf(text)))
}

export function padStart(text: string, width: number): string {
  return ' '.repeat(Math.max(0, width - cellsOf(text))) + text
}

/** Cuts to a width in cells, the last one an ellipsis. Colours of a cut line are dropped. */
export function cut(text: string, width: number): string {
  if (cellsOf(text) <= width) return text
  let cells = 0
  let kept = ''
  segments ??= new Intl.Segmenter()
  for (const { segment } of segments.segment(text.replaceAll(/\u001b\[[0-9;]*m/g, ''))) {
    cells += cellsOf(segment)
    if (cells > width - 1) break
    kept += segment
  }
  return `${kept}…`
}

let segments: Intl.Segmenter | undefined

/** Fields in rows of at most `width` cells, `gap` blanks apart; rows after the first are indented by `indent`. */
export function pack(fields: readonly string[], width: number, gap: number, indent: number): string[] {
  const rows: string[] = []
  let row = ''
  for (const field of fields) {
    const longer = row === '' ? field : `${row}${' '.repeat(gap)}${field}`
    if (row !== '' && cellsOf(longer) + indent > width) {
      rows.push(row)
      row = field
    } else row = longer
  }
  if (row !== '') rows.push(row)
  return rows
}

/** Labelled rows, the labels in one column; long rows continue under their first field. */
export function labelled(
  rows: readonly { readonly label: string; readonly fields: readonly string[] }[],
  width: number,
  paintLabel: (text: string) => string,
): string[] {
  const column = Math.max(...rows.map(({ label }) => cellsOf(label))) + 2
  const lines: string[] = []
  for (const { label, fields } of rows) {
    pack(fields, width - 1, 3, column).forEach((row, i) => {
      lines.push(` ${i === 0 ? paintLabel(padEnd(label, column)) : ' '.repeat(column)}${row}`)
    })
  }
  return lines
}
