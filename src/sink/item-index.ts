/**
 * Whose the lines of an NDJSON file of items are: an item is its own line there, so which page of which run gave it, and
 * under which key, stands in a file beside, a line a page in the same order. Both grow in the same commits. By it readers
 * tell which lines are the latest of their page and key, and whether they are as they were written. Knows neither the file of items nor its format.
 */
import { crc32 } from 'node:zlib'
import { AppendFile, type Durability } from './append-file.ts'
import type { JobInfo, Sink, SinkRecord } from './sink.ts'

/** What one page gave in one visit; none says that it gives nothing any more. */
export interface ItemVisit {
  /** Dedupe key of the page. */
  readonly page: string
  /** Lines in the file of items. */
  readonly lines: number
  readonly run: number
  readonly seq: number
  /** CRC-32 of its lines in the file, with their ends. */
  readonly crc: number
  /** The items' own keys, null where an item has none; undefined: no item of the visit has one. */
  readonly keys: readonly (string | null)[] | undefined
}

export interface ItemIndexOptions {
  /** Absolute path of the index. */
  readonly path: string
  readonly durability: Durability
  /** Lines that the file of items has; asked once, when the index begins. */
  linesBefore(): Promise<number>
}

/** The first line of an index: lines that the file had before it, and whether they are this job's all the same. */
export interface IndexHead {
  readonly v: 1
  readonly before: number
  readonly own: boolean
}

/** A sink that stores, of each batch, whose items they are. */
export function itemIndexSink({ path, durability, linesBefore }: ItemIndexOptions): Sink {
  const file = new AppendFile({ path, durability, followLink: false })
  /** The first line, until something is written. */
  let head = ''
  return {
    name: `items:${path}`,
    wantsBodies: false,
    async open({ committedSeq }: JobInfo, position: Uint8Array | undefined): Promise<void> {
      const { size } = file.open(position, () => true)
      if (size > 0) return
      // Jobs of earlier versions wrote without an index.
      const first: IndexHead = { v: 1, before: await linesBefore(), own: committedSeq > 0 }
      head = `${JSON.stringify(first)}\n`
    },
    position: () => file.position(),
    async write(batch: readonly SinkRecord[]): Promise<Uint8Array | undefined> {
      let text = ''
      for (const page of batch) if (page.items !== undefined) text += lineOf(page)
      if (text === '') return file.position()
      const position = await file.append(Buffer.from(head + text))
      head = ''
      return position
    },
    async close(): Promise<void> {
      file.close()
    },
  }
}

/** Undefined: the line is no head. */
export function headOf(line: string): IndexHead | undefined {
  return line.startsWith('{') ? (JSON.parse(line) as IndexHead) : undefined
}

export function visitOf(line: string): ItemVisit {
  const parts = JSON.parse(line) as [string, number, number, number, number, (string | null)[]?]
  const [page, lines, run, seq, crc, keys] = parts
  return { page, lines, run, seq, crc, keys }
}

function lineOf({ record: { run, seq }, dedupeKey, items = [] }: SinkRecord): string {
  let crc = 0
  for (const { json } of items) crc = crc32(`${json}\n`, crc)
  const visit: unknown[] = [dedupeKey, items.length, run, seq, crc]
  if (items.some(({ key }) => key !== undefined)) visit.push(items.map(({ key }) => key ?? null))
  return `${JSON.stringify(visit)}\n`
}
