/**
 * Width of text in terminal cells. Nearly all that is printed is in scripts whose characters take one cell each; the
 * tables for the rest cost as much to load as a fetch, so they are loaded when a text first needs them.
 */
import { createRequire } from 'node:module'

type Measure = (text: string) => number

/** ASCII, Latin and punctuation with one cell a character (Unicode's East Asian Width N, Na and A), box drawing, blocks. */
const NARROW = /^[\u0020-\u007e\u00a0-\u00ac\u00ae-\u02ff\u2010-\u2027\u2030-\u205e\u2500-\u259f]*$/
const COLOURS = /\u001b\[[0-9;]*m/g

let measure: Measure | undefined

/** Cells that `text` takes; colours take none. */
export function cellsOf(text: string): number {
  const bare = text.includes('\u001b') ? text.replaceAll(COLOURS, '') : text
  if (NARROW.test(bare)) return bare.length
  measure ??= (createRequire(import.meta.url)('string-width') as { default: Measure }).default
  return measure(bare)
}
