/** WARC files read to their end: digests of blocks and payloads, and the indexes beside them, line by line. */
import { existsSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { type ArchiveBreak, WarcFiles } from '../source/warc-files.ts'
import { indexOf } from '../warc/archive-files.ts'
import { entryOf, indexLine, parseIndexLine } from '../warc/cdxj.ts'
import { isDigestOf } from '../warc/digest.ts'
import { readHttpHead } from '../warc/http-block.ts'
import type { WarcRecord } from '../warc/reader.ts'

export interface ArchiveCheck {
  readonly files: number
  readonly records: number
  /** Digests that were computed again. */
  readonly digests: number
  /** Lines of indexes that were compared. */
  readonly lines: number
}

/** Larger blocks are not held in memory: their digests stay unchecked. */
const KEEP = 256 * 1024 * 1024

/**
 * @param mayGrow a file may end within a record, as while a job runs or after its death
 * @throws SluiceError `INPUT_UNREADABLE` where there is no archive, `FORMAT_UNSUPPORTED` for ARC
 */
export async function verifyArchive(
  paths: readonly string[],
  mayGrow: boolean,
  tell: (problem: string) => void,
): Promise<ArchiveCheck> {
  const files = new WarcFiles(paths)
  let [records, digests, lines] = [0, 0, 0]
  let index: IndexCheck | undefined
  try {
    for await (const { file, record } of files.records(KEEP)) {
      if (index?.file !== file) {
        lines += index?.end(files.breaks) ?? 0
        index = new IndexCheck(file, tell)
      }
      records++
      index.see(record)
      for (const { name, label, bytes } of labelsOf(record)) {
        const isRight = isDigestOf(label, bytes)
        if (isRight !== undefined) digests++
        if (isRight === false) tell(`${file}, byte ${record.offset}: the ${name} digest is not ${label}`)
      }
    }
    for (const { file, offset, reason, kind } of files.breaks) {
      if (kind === 'damaged' || !mayGrow) tell(`${file}, byte ${offset}: ${reason}`)
    }
    lines += index?.end(files.breaks) ?? 0
    return { files: files.names.length, records, digests, lines }
  } finally {
    files.close()
  }
}

function labelsOf(record: WarcRecord): { name: string; label: string; bytes: Uint8Array }[] {
  if (record.block.length < record.blockLength) return []
  const labels: { name: string; label: string; bytes: Uint8Array }[] = []
  const block = record.header('warc-block-digest')
  if (block !== undefined) labels.push({ name: 'block', label: block, bytes: record.block })
  const payload = record.header('warc-payload-digest')
  // That of a repeat is of the page that it repeats.
  if (payload === undefined || record.type === 'revisit') return labels
  const isHttp = record.type === 'response' || record.type === 'request'
  const head = isHttp ? readHttpHead(record.block) : undefined
  labels.push({ name: 'payload', label: payload, bytes: record.block.subarray(head?.length ?? 0) })
  return labels
}

/** The index of one file beside its records; indexes that are not ours are passed by, as they hold other lines. */
class IndexCheck {
  readonly file: string
  readonly #tell: (problem: string) => void
  readonly #lines = new Map<number, string>()
  readonly #isOurs: boolean
  #compared = 0

  constructor(file: string, tell: (problem: string) => void) {
    this.file = file
    this.#tell = tell
    const path = indexOf(file)
    const text = [path, `${path}.open`].map((one) => (existsSync(one) ? readFileSync(one, 'latin1') : '')).join('')
    const lines = text.split('\n').filter(Boolean)
    this.#isOurs = lines.some((line) => line.includes('"date":'))
    if (!this.#isOurs) return
    for (const line of lines) {
      const offset = parseIndexLine(line)?.offset
      if (offset === undefined) tell(`${path}: a line is torn or damaged: ${line.slice(0, 60)}`)
      else this.#lines.set(offset, line)
    }
  }

  see(record: WarcRecord): void {
    if (!this.#isOurs) return
    const entry = entryOf(record, basename(this.file))
    if (entry === undefined) return
    this.#compared++
    const line = this.#lines.get(record.offset)
    this.#lines.delete(record.offset)
    if (line === indexLine(entry)) return
    const what = line === undefined ? 'is not in the index' : 'is another one in the index'
    this.#tell(`${this.file}, byte ${record.offset}: ${entry.url} ${what}`)
  }

  /** How many lines were compared. @param breaks behind them nothing was read */
  end(breaks: readonly ArchiveBreak[]): number {
    const read = breaks.find(({ file }) => file === this.file)?.offset ?? Infinity
    for (const offset of this.#lines.keys()) {
      if (offset >= read) continue
      this.#tell(`${indexOf(this.file)}: a line names byte ${offset}, where no record of an answer is`)
    }
    return this.#compared
  }
}
