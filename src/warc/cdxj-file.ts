/** A CDXJ file as a whole, and lookups in a sorted one by binary search, a few dozen small reads in a large index. */
import { readFileSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { type IndexEntry, parseIndexLine } from './cdxj.ts'

/** A line with a URL of the usual length fits several times. */
const BLOCK = 8192

/** Lines of an index or of its journal, the torn one at the end too, for the caller to find it torn; none without the file. */
export function indexLines(path: string): string[] {
  let text: string
  try {
    text = readFileSync(path, 'latin1')
  } catch {
    return []
  }
  return text.split('\n').filter((line) => line !== '')
}

/** Entries under one key of a sorted file, in the order of their time; none where the file is missing. */
export async function lookupKey(path: string, key: string): Promise<IndexEntry[]> {
  let file: FileHandle
  try {
    file = await open(path, 'r')
  } catch {
    return []
  }
  try {
    return await search(file, `${key} `)
  } finally {
    await file.close()
  }
}

async function search(file: FileHandle, prefix: string): Promise<IndexEntry[]> {
  const { size } = await file.stat()
  // Every line that starts before `low` is smaller than the prefix; none that starts at or behind `high` is.
  let low = 0
  let high = size
  while (high - low > BLOCK) {
    const middle = low + Math.floor((high - low) / 2)
    const line = await lineFrom(file, middle, size)
    if (line === undefined || line.start >= high || line.text >= prefix) high = middle
    else low = line.start + line.text.length + 1
  }
  const found: IndexEntry[] = []
  let at = low
  while (at < size) {
    const line = await lineAt(file, at, size)
    if (line.startsWith(prefix)) {
      const entry = parseIndexLine(line)
      if (entry !== undefined) found.push(entry)
    } else if (line > prefix) break
    at += line.length + 1
  }
  return found
}

/** The first line that starts at or behind `from`; undefined where none does. */
async function lineFrom(
  file: FileHandle,
  from: number,
  size: number,
): Promise<{ readonly start: number; readonly text: string } | undefined> {
  const start = (await startsLine(file, from)) ? from : from + (await lineAt(file, from, size)).length + 1
  return start >= size ? undefined : { start, text: await lineAt(file, start, size) }
}

async function startsLine(file: FileHandle, at: number): Promise<boolean> {
  if (at === 0) return true
  const { buffer } = await file.read(Buffer.alloc(1), 0, 1, at - 1)
  return buffer[0] === 10
}

/** From there to the end of the line, which is ASCII. */
async function lineAt(file: FileHandle, from: number, size: number): Promise<string> {
  let text = ''
  for (let at = from; at < size; at += BLOCK) {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(BLOCK), 0, BLOCK, at)
    const end = buffer.subarray(0, bytesRead).indexOf(10)
    text += buffer.toString('latin1', 0, end < 0 ? bytesRead : end)
    if (end >= 0 || bytesRead === 0) break
  }
  return text
}
