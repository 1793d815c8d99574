/**
 * What web archives hold, in memory: one row for each stored answer, with its place, found again by URL or by digest.
 * Columns of typed arrays, about 60 bytes a row, no text: URLs and digests are known by 64 bits of their sha1, so whoever
 * reads the record at a place compares the whole. Knows no file.
 */
import { hash } from 'node:crypto'

/** Where a record is. */
export interface RecordPlace {
  /** Number of the file. */
  readonly file: number
  readonly offset: number
  /** Bytes in the file. */
  readonly length: number
  /** Where it starts in its gzip member, decoded. */
  readonly inner: number
}

export interface NewCapture extends RecordPlace {
  readonly url: string
  /** ISO 8601; what cannot be read sorts first. */
  readonly date: string
  /** 0 where the block says none. */
  readonly status: number
  /** As in the record, `sha1:…`; '' for none. */
  readonly digest: string
  readonly isRevisit: boolean
}

export interface CaptureRow extends RecordPlace {
  /** ms since 1970; 0 where unknown. */
  readonly time: number
  readonly status: number
  readonly isRevisit: boolean
}

const FIRST_ROWS = 1024

interface Columns {
  readonly urlHigh: Uint32Array
  readonly urlLow: Uint32Array
  readonly digestHigh: Uint32Array
  readonly digestLow: Uint32Array
  readonly file: Uint32Array
  readonly offset: Float64Array
  readonly length: Float64Array
  readonly time: Float64Array
  /** Status, negative for a revisit. */
  readonly status: Int16Array
  /** Row + 1 of the capture of the same URL before; 0 = none. */
  readonly before: Int32Array
}

export class CaptureTable {
  #columns = columnsOf(FIRST_ROWS)
  /** Row + 1 of the last capture of a URL; open addressing, at most half full. */
  #byUrl = new Int32Array(FIRST_ROWS * 2)
  /** Row + 1 of the first original with a digest. */
  #byDigest = new Int32Array(FIRST_ROWS * 2)
  /** Few archives put several records into one member. */
  readonly #inner = new Map<number, number>()
  #size = 0

  get size(): number {
    return this.#size
  }

  add(capture: NewCapture): void {
    if (this.#size === this.#columns.file.length) this.#grow()
    const row = this.#size++
    const columns = this.#columns
    const [urlHigh, urlLow] = bitsOf(capture.url)
    const [digestHigh, digestLow] = capture.digest === '' ? [0, 0] : bitsOf(capture.digest.toLowerCase())
    columns.urlHigh[row] = urlHigh
    columns.urlLow[row] = urlLow
    columns.digestHigh[row] = digestHigh
    columns.digestLow[row] = digestLow
    columns.file[row] = capture.file
    columns.offset[row] = capture.offset
    columns.length[row] = capture.length
    columns.time[row] = Date.parse(capture.date) || 0
    columns.status[row] = capture.isRevisit ? -1 - capture.status : capture.status
    if (capture.inner > 0) this.#inner.set(row, capture.inner)
    this.#link(row)
  }

  *rows(): Generator<number> {
    for (let row = 0; row < this.#size; row++) yield row
  }

  row(row: number): CaptureRow {
    const { file, offset, length, time, status } = this.#columns
    const stored = status[row] as number
    return {
      file: file[row] as number,
      offset: offset[row] as number,
      length: length[row] as number,
      inner: this.#inner.get(row) ?? 0,
      time: time[row] as number,
      status: stored < 0 ? -1 - stored : stored,
      isRevisit: stored < 0,
    }
  }

  /** Captures of a URL, the earliest first. */
  ofUrl(url: string): CaptureRow[] {
    const [high, low] = bitsOf(url)
    const found = [...this.#chain(this.#byUrl[this.#urlSlot(high, low)] as number)].reverse()
    return found.map((row) => this.row(row)).toSorted((a, b) => a.time - b.time)
  }

  /** The first capture that holds a payload of that digest itself; undefined where there is none. */
  original(digest: string): CaptureRow | undefined {
    const [high, low] = bitsOf(digest.toLowerCase())
    const row = (this.#byDigest[this.#digestSlot(high, low)] as number) - 1
    return row < 0 ? undefined : this.row(row)
  }

  /** Rows of the last capture of each URL that was answered 200; of two of one time the later row counts. */
  *latest(): Generator<number> {
    const { status, time, urlHigh, urlLow } = this.#columns
    const best = new Int32Array(this.#byUrl.length)
    const isOk = (row: number): boolean => status[row] === 200 || status[row] === -201
    const slot = (row: number): number => this.#urlSlot(urlHigh[row] as number, urlLow[row] as number)
    for (const row of this.rows()) {
      const at = slot(row)
      const known = (best[at] as number) - 1
      if (isOk(row) && (known < 0 || (time[row] as number) >= (time[known] as number))) best[at] = row + 1
    }
    for (const row of this.rows()) if (best[slot(row)] === row + 1) yield row
  }

  *#chain(last: number): Generator<number> {
    for (let next = last; next !== 0; next = this.#columns.before[next - 1] as number) yield next - 1
  }

  #link(row: number): void {
    const { urlHigh, urlLow, digestHigh, digestLow, before, status } = this.#columns
    const url = this.#urlSlot(urlHigh[row] as number, urlLow[row] as number)
    before[row] = this.#byUrl[url] as number
    this.#byUrl[url] = row + 1
    const [high, low] = [digestHigh[row] as number, digestLow[row] as number]
    if ((status[row] as number) < 0 || (high === 0 && low === 0)) return
    const slot = this.#digestSlot(high, low)
    if (this.#byDigest[slot] === 0) this.#byDigest[slot] = row + 1
  }

  #urlSlot(high: number, low: number): number {
    return slotOf(this.#byUrl, this.#columns.urlHigh, this.#columns.urlLow, high, low)
  }

  #digestSlot(high: number, low: number): number {
    return slotOf(this.#byDigest, this.#columns.digestHigh, this.#columns.digestLow, high, low)
  }

  #grow(): void {
    const old = this.#columns
    const grown = columnsOf(this.#size * 2)
    for (const name of Object.keys(old) as (keyof Columns)[]) grown[name].set(old[name])
    this.#columns = grown
    this.#byUrl = new Int32Array(this.#size * 4)
    this.#byDigest = new Int32Array(this.#size * 4)
    for (const row of this.rows()) this.#link(row)
  }
}

function columnsOf(rows: number): Columns {
  return {
    urlHigh: new Uint32Array(rows),
    urlLow: new Uint32Array(rows),
    digestHigh: new Uint32Array(rows),
    digestLow: new Uint32Array(rows),
    file: new Uint32Array(rows),
    offset: new Float64Array(rows),
    length: new Float64Array(rows),
    time: new Float64Array(rows),
    status: new Int16Array(rows),
    before: new Int32Array(rows),
  }
}

function slotOf(slots: Int32Array, highs: Uint32Array, lows: Uint32Array, high: number, low: number): number {
  const mask = slots.length - 1
  let slot = low & mask
  for (let row = slots[slot] as number; row !== 0; row = slots[slot] as number) {
    if (highs[row - 1] === high && lows[row - 1] === low) break
    slot = (slot + 1) & mask
  }
  return slot
}

function bitsOf(text: string): [high: number, low: number] {
  const digest = hash('sha1', text, 'buffer')
  return [digest.readUInt32BE(0), digest.readUInt32BE(4)]
}
