/** Lines of JSON at the end of an append file: how to go on behind what is there, and which lines can be ours. */
import type { AppendFile } from './append-file.ts'

const NEWLINE = 0x0a

/** A last line of the user's without its newline must not run into our first one. */
export function glueOf(file: AppendFile): string {
  const last = file.lastByte()
  return last === undefined || last === NEWLINE ? '' : '\n'
}

/**
 * Whether a surplus can be lines of this job that were never committed: every whole line is a record with a `seq` above
 * the committed one, and a torn one begins like one.
 */
export function areOurLines(surplus: Buffer, committedSeq: number): boolean {
  const lines = surplus.toString().split('\n')
  const torn = lines.pop() ?? ''
  // A leading empty line is our glue behind a line of the user's.
  if (lines[0] === '') lines.shift()
  if (torn !== '' && torn[0] !== '{') return false
  return lines.every((line) => line.includes('\0') || seqOf(line) > committedSeq)
}

/** -1 where the line is no record. */
function seqOf(line: string): number {
  try {
    const value = JSON.parse(line) as { seq?: unknown } | null
    return typeof value?.seq === 'number' ? value.seq : -1
  } catch {
    return -1
  }
}
