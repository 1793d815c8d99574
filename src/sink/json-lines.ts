/** Lines of JSON at the end of an append file: how to go on behind what is there, and which lines can be ours. */
import type { TextFile } from './compressed-file.ts'

const NEWLINE = 0x0a

/** A last line of the user's without its newline must not run into our first one. */
export function glueOf(file: Pick<TextFile, 'lastByte'>): string {
  const last = file.lastByte()
  return last === undefined || last === NEWLINE ? '' : '\n'
}

/**
 * Whether a surplus can be lines of this job that were never committed: every whole line is a record with a `seq` above
 * the committed one, and a torn one begins like one.
 */
export function areOurLines(surplus: Buffer, committedSeq: number): boolean {
  return areLines(surplus, /^\{/, (line) => seqOf(line) > committedSeq)
}

/**
 * The same for lines of items, which carry no number of their own: any JSON can be one. With `numbered`, items bear
 * `_seq`, and the proof is as good as that of records.
 */
export function areOurItems(surplus: Buffer, committedSeq: number, numbered: boolean): boolean {
  return areLines(surplus, /^[[{"\d\-tfn]/, (line) => {
    const value = parsed(line)
    return numbered ? numberOf(value, '_seq') > committedSeq : value !== undefined
  })
}

function areLines(surplus: Buffer, start: RegExp, isOurs: (line: string) => boolean): boolean {
  const lines = surplus.toString().split('\n')
  const torn = lines.pop() ?? ''
  // A leading empty line is our glue behind a line of the user's.
  if (lines[0] === '') lines.shift()
  if (torn !== '' && !start.test(torn)) return false
  return lines.every((line) => line.includes('\0') || isOurs(line))
}

/** -1 where the line is no record. */
function seqOf(line: string): number {
  return numberOf(parsed(line), 'seq')
}

function numberOf(value: unknown, name: string): number {
  const number = typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined
  return typeof number === 'number' ? number : -1
}

/** Undefined where the line is not JSON. */
function parsed(line: string): unknown {
  try {
    return JSON.parse(line) as unknown
  } catch {
    return undefined
  }
}
