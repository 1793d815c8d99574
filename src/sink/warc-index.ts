/**
 * The index of an archive while it is written: lines of new records go to `x.cdxj.open` as they come, and are sorted
 * into `x.cdxj` when the file is full or closed. What a death left is made whole at the start: lines beyond the
 * committed offset are dropped, records without a line are read from the archive. Runs in the archive's thread, so it
 * may block. Knows no job.
 */
import { closeSync, fsyncSync, openSync, renameSync, rmSync, statSync, writeSync } from 'node:fs'
import type { ArchiveNames } from '../warc/archive-files.ts'
import { entryOf, type IndexEntry, indexLine, parseIndexLine, REVISIT_MIME } from '../warc/cdxj.ts'
import { indexLines, lookupKey } from '../warc/cdxj-file.ts'
import { readRecords } from '../warc/reader.ts'
import { surtOf } from '../warc/surt.ts'

/** Enough of a block for the status and the Content-Type of nearly any response. */
const BLOCK_START = 65_536

export class WarcIndex {
  readonly #names: ArchiveNames
  #number = 0
  #journal = -1
  #lines: string[] = []
  #count = 0

  constructor(names: ArchiveNames) {
    this.#names = names
  }

  /** Entries of the file that is written now. */
  get count(): number {
    return this.#count
  }

  /**
   * Makes the indexes of all files up to `number` whole and sorted; `each` sees every entry.
   * @param committed bytes of the last file that count
   */
  async start(number: number, committed: number, each: (entry: IndexEntry, file: number) => void): Promise<void> {
    for (const file of this.#names.numbers()) {
      if (file > number) break
      const end = file === number ? committed : statSync(this.#names.warc(file)).size
      const entries = await this.#repair(file, end)
      for (const entry of entries) each(entry, file)
      if (file === number) this.#count = entries.length
    }
    this.#number = number
  }

  /** Starts with a file that holds nothing yet. */
  next(number: number): void {
    this.#number = number
    this.#count = 0
  }

  add(entry: IndexEntry): void {
    this.#lines.push(indexLine(entry))
    this.#count++
  }

  /** Writes the lines of records that are in the archive by now. */
  flush(): void {
    if (this.#lines.length === 0) return
    if (this.#journal < 0) this.#journal = openSync(this.#names.journal(this.#number), 'a')
    writeText(this.#journal, `${this.#lines.join('\n')}\n`)
    this.#lines = []
  }

  /** Sorts what came into the index of the file. */
  finish(): void {
    this.flush()
    if (this.#journal < 0) return
    closeSync(this.#journal)
    this.#journal = -1
    const [index, journal] = [this.#names.index(this.#number), this.#names.journal(this.#number)]
    writeSorted(index, [...indexLines(index), ...indexLines(journal)])
    rmSync(journal, { force: true })
  }

  /** The last response of a URL in the sorted indexes, which hold what was stored before this run or this file. */
  async latest(url: string): Promise<IndexEntry | undefined> {
    const key = surtOf(url)
    for (let file = this.#number; file >= 0; file--) {
      const entries = await lookupKey(this.#names.index(file), key)
      const found = entries.findLast((entry) => entry.url === url && entry.mime !== REVISIT_MIME)
      if (found !== undefined) return found
    }
    return undefined
  }

  async #repair(file: number, end: number): Promise<IndexEntry[]> {
    const [index, journal] = [this.#names.index(file), this.#names.journal(file)]
    const [base, added] = [indexLines(index), indexLines(journal)]
    const entries: IndexEntry[] = []
    for (const line of [...base, ...added]) {
      const entry = parseIndexLine(line)
      // A torn line of the journal ends what is known; one of the sorted index makes all of it worthless.
      if (entry === undefined) {
        if (entries.length < base.length) entries.length = 0
        break
      }
      entries.push(entry)
    }
    const isSorted = added.length === 0 && entries.length === base.length
    const kept = entries.filter((entry) => entry.offset + entry.length <= end)
    const covered = kept.reduce((most, entry) => Math.max(most, entry.offset + entry.length), 0)
    const known = kept.length
    const path = this.#names.warc(file)
    for await (const record of readRecords(path, { from: covered, to: end, keep: BLOCK_START })) {
      const entry = entryOf(record, path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1))
      if (entry !== undefined) kept.push(entry)
    }
    if (!isSorted || kept.length !== known || known !== entries.length) writeSorted(index, kept.map(indexLine))
    rmSync(journal, { force: true })
    return kept
  }
}

/** The index appears whole or not at all, whatever dies. */
function writeSorted(path: string, lines: string[]): void {
  const temporary = `${path}.new`
  const fd = openSync(temporary, 'w')
  try {
    if (lines.length > 0) writeText(fd, `${lines.sort().join('\n')}\n`)
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
  renameSync(temporary, path)
}

function writeText(fd: number, text: string): void {
  const bytes = Buffer.from(text, 'latin1')
  for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done)
}
