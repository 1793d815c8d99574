/**
 * The items of a job as they stand: of every page what its last visit gave, of every key the last item, though the file
 * has a line for each visit. Two passes over the index beside the file and one over the file; about 50 bytes a page and a
 * keyed item are held. What stood in the file before the job wrote to it is not the job's.
 */
import { existsSync } from 'node:fs'
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { SluiceError } from '../model/errors.ts'
import { headOf, visitOf } from '../sink/item-index.ts'
import type { ItemVisit } from '../sink/item-index.ts'
import { createFingerprint } from '../url/fingerprint.ts'
import { linesOf } from './lines.ts'
import { UrlTable } from './url-table.ts'

const LAST_RUN = Number.MAX_SAFE_INTEGER
const NO_RUN = Number.POSITIVE_INFINITY
/** Digits of the name: a job has few outputs. */
const NAME_DIGITS = 8

/** The index of one file of items of a job. */
export function itemIndexOf(folder: string, path: string): string {
  const name = createHash('sha256').update(path).digest('hex').slice(0, NAME_DIGITS)
  return join(folder, `items-${name}.index`)
}

/**
 * Lines of the file that stand, a piece at a time. @param run as they stood after this run
 * @throws SluiceError `SINK_CHANGED` where the file has fewer lines than the job wrote
 */
export async function* standingLines(
  folder: string,
  path: string,
  run = LAST_RUN,
): AsyncGenerator<string[], undefined> {
  const index = itemIndexOf(folder, path)
  // Without one every line is told, as in jobs of earlier versions.
  if (!existsSync(index)) return yield* linesOf(path)
  const stands = await standingOf(index, run)
  let next = 0
  for await (const lines of linesOf(path)) {
    const some = lines.filter((_, i) => stands.has(next + i))
    next += lines.length
    if (some.length > 0) yield some
    if (next >= stands.end) return
  }
  if (next < stands.end && stands.has(stands.end - 1)) throw cut(path, next, stands.end)
}

class Standing {
  /** Bit by bit: the line stands. */
  #bits = new Uint8Array(1024)
  /** Behind the last line. */
  end = 0

  add(stands: boolean): void {
    const byte = this.end >> 3
    if (byte >= this.#bits.length) {
      const grown = new Uint8Array(this.#bits.length * 2)
      grown.set(this.#bits)
      this.#bits = grown
    }
    if (stands) this.#bits[byte] = (this.#bits[byte] as number) | (1 << (this.end & 7))
    this.end++
  }

  has(line: number): boolean {
    return line < this.end && ((this.#bits[line >> 3] as number) & (1 << (line & 7))) !== 0
  }
}

async function standingOf(index: string, run: number): Promise<Standing> {
  const fingerprint = await createFingerprint(0n)
  const [pages, keys] = [new UrlTable(), new UrlTable()]
  let visit = 0
  let line = 0
  for await (const one of visitsOf(index)) {
    visit++
    if (one.run <= run) {
      pages.set(fingerprint.of(one.page), visit)
      for (const [i, key] of (one.keys ?? []).entries()) if (key !== null) keys.set(fingerprint.of(key), line + i + 1)
    }
    line += one.lines
  }
  const standing = new Standing()
  visit = 0
  for await (const one of visitsOf(index)) {
    visit++
    const isLast = pages.get(fingerprint.of(one.page)) === visit
    for (let i = 0; i < one.lines; i++) {
      const key = one.keys?.[i]
      standing.add(isLast && (typeof key !== 'string' || keys.get(fingerprint.of(key)) === standing.end + 1))
    }
  }
  return standing
}

/** Lines that were there before come first: as a visit without a number, of the first run where they are the job's, else of none. */
export async function* visitsOf(index: string): AsyncGenerator<ItemVisit, undefined> {
  for await (const lines of linesOf(index)) {
    for (const line of lines) {
      const head = headOf(line)
      if (head === undefined) yield visitOf(line)
      else yield { page: '', lines: head.before, run: head.own ? 1 : NO_RUN, seq: 0, crc: 0, keys: undefined }
    }
  }
}

function cut(path: string, lines: number, wanted: number): SluiceError {
  return new SluiceError('SINK_CHANGED', `${path} has ${lines} lines; this job wrote ${wanted}`, {
    hint: 'sluice verify tells what else has changed',
  })
}
