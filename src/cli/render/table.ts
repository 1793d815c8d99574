/** Rows of any result as a table for people. Knows no command. */
import { cut, padEnd, padStart, visible } from './format.ts'
import { cellsOf } from './width.ts'

/** Terminal cells of a column at most; whoever wants more asks for another format. */
const WIDEST = 60

export interface TableLayout {
  /** Head and a line below it. */
  readonly head: readonly string[]
  line(row: readonly unknown[]): string
}

/** Widths follow the rows given; later rows that are wider are cut. */
export function tableLayout(names: readonly string[], rows: readonly (readonly unknown[])[]): TableLayout {
  const heads = names.map(oneLine)
  const widths = heads.map((head, i) =>
    Math.min(
      WIDEST,
      rows.reduce((width, row) => Math.max(width, cellsOf(textOf(row[i]))), cellsOf(head)),
    ),
  )
  const line = (texts: readonly string[], isNumber: (i: number) => boolean): string =>
    texts
      .map((text, i) => {
        const width = widths[i] ?? 0
        const shown = cut(text, width)
        return isNumber(i) ? padStart(shown, width) : padEnd(shown, width)
      })
      .join('  ')
      .trimEnd()
  return {
    head: [line(heads, () => false), widths.map((width) => '-'.repeat(width)).join('  ')],
    line: (row) => line(row.map(textOf), (i) => typeof row[i] === 'number'),
  }
}

function textOf(value: unknown): string {
  if (value === null || value === undefined) return ''
  return oneLine(typeof value === 'string' ? value : JSON.stringify(value))
}

function oneLine(text: string): string {
  return visible(text)
    .replaceAll('\r\n', ' ')
    .replaceAll(/[\n\t]/g, ' ')
}
