/**
 * The paths of a job's URLs as a tree of folders, made when somebody looks for the first time: every request knows its
 * folder (4 bytes), a folder its parent and its name. What a folder holds is counted from the columns in one pass, so that
 * outcomes are always those of now. Reads in steps. It must not know who shows it.
 */
import { OUTCOMES } from '../../../model/outcome.ts'
import type { OutcomeWord } from '../../../model/outcome.ts'
import { Column } from './column.ts'
import { LEFT } from './columns.ts'
import type { JobColumns } from './columns.ts'

/** Folders told apart: what comes beyond counts for the last folder above it that there was room for. */
const MOST_FOLDERS = 500_000
/** Depth of the tree; what is deeper counts for the folder there. */
const DEEPEST = 12
/** Rows of a step. */
const STEP = 20_000

export interface Folder {
  /** Of the last segment; of the first level the origin. */
  readonly name: string
  /** Whole, with a slash at its end: what URLs in it begin with. */
  readonly prefix: string
  /** URLs in it and below. */
  readonly known: number
  readonly left: number
  readonly done: Readonly<Record<OutcomeWord, number>>
  /** Decoded bytes of the answers. */
  readonly bytes: number
  /** Folders right below. */
  readonly folders: number
  /** URLs right in it. */
  readonly pages: number
}

/** request, url, bytes. */
type UrlRow = readonly [number, string]
type BytesRow = readonly [number, number | null]

interface Sums {
  readonly version: string
  readonly known: Uint32Array
  readonly pages: Uint32Array
  readonly bytes: Float64Array
  /** By state, by folder: outcomes, then what is left. */
  readonly states: readonly Uint32Array[]
}

export class SiteTree {
  readonly #columns: JobColumns
  readonly #folderOf = new Column((length) => new Uint32Array(length))
  readonly #bytesOf = new Column((length) => new Uint32Array(length))
  readonly #parents: number[] = [0]
  readonly #names: string[] = ['']
  /** Folders right below each; undefined: none. */
  readonly #below: (Map<string, number> | undefined)[] = [undefined]
  #rows = 0
  #seq = 0
  #sums: Sums | undefined

  constructor(columns: JobColumns) {
    this.#columns = columns
  }

  /** False while requests are still to be read. */
  get isComplete(): boolean {
    return this.#rows >= this.#columns.rows && this.#seq >= this.#columns.lastSeq
  }

  /** Of what has to be read, the part that was. */
  get share(): number {
    const all = this.#columns.rows + this.#columns.lastSeq
    return all === 0 ? 1 : Math.min(1, (this.#rows + this.#seq) / all)
  }

  /** Reads a step; true when nothing is left to read. */
  advance(): boolean {
    this.#readUrls()
    this.#readBytes()
    return this.isComplete
  }

  /** Folders right below one, most URLs first; [] for one that is not there. '' is the root, whose folders are origins. */
  folders(prefix: string): Folder[] {
    const folder = this.#find(prefix)
    if (folder === undefined) return []
    const sums = this.#count()
    return [...(this.#below[folder]?.values() ?? [])]
      .map((id) => this.#folder(id, sums))
      .filter(({ known }) => known > 0)
      .sort((a, b) => b.known - a.known || (a.prefix < b.prefix ? -1 : 1))
  }

  folder(prefix: string): Folder | undefined {
    const id = this.#find(prefix)
    return id === undefined ? undefined : this.#folder(id, this.#count())
  }

  #folder(id: number, { known, pages, bytes, states }: Sums): Folder {
    return {
      name: this.#names[id] as string,
      prefix: this.#prefixOf(id),
      known: known[id] ?? 0,
      left: states[OUTCOMES.length]?.[id] ?? 0,
      done: Object.fromEntries(OUTCOMES.map((word, n) => [word, states[n]?.[id] ?? 0])) as Record<OutcomeWord, number>,
      bytes: bytes[id] ?? 0,
      folders: this.#below[id]?.size ?? 0,
      pages: pages[id] ?? 0,
    }
  }

  #prefixOf(id: number): string {
    const names: string[] = []
    for (let at = id; at !== 0; at = this.#parents[at] as number) names.push(`${this.#names[at]}/`)
    return names.reverse().join('')
  }

  #find(prefix: string): number | undefined {
    if (prefix === '') return 0
    let folder = 0
    for (const name of segmentsOf(prefix)) {
      const next = this.#below[folder]?.get(name)
      if (next === undefined) return undefined
      folder = next
    }
    return folder
  }

  /** The folder of a URL, made where it is new. */
  #place(url: string): number {
    let folder = 0
    let depth = 0
    for (const name of segmentsOf(url)) {
      if (depth++ > DEEPEST) break
      const below = (this.#below[folder] ??= new Map())
      const next = below.get(name)
      if (next !== undefined) {
        folder = next
        continue
      }
      if (this.#parents.length >= MOST_FOLDERS) break
      this.#parents.push(folder)
      this.#names.push(name)
      this.#below.push(undefined)
      folder = this.#parents.length - 1
      below.set(name, folder)
    }
    return folder
  }

  #readUrls(): void {
    const { db, rows } = this.#columns
    if (this.#rows >= rows) return
    const statement = db.prepare('SELECT id,url FROM request WHERE id > ? AND id <= ? ORDER BY id')
    statement.setReturnArrays(true)
    const upTo = Math.min(rows, this.#rows + STEP)
    this.#folderOf.reserve(upTo + 1)
    this.#bytesOf.reserve(upTo + 1)
    for (const [id, url] of statement.all(this.#rows, upTo) as unknown as UrlRow[]) {
      if (this.#columns.counted.values[id] === 1) this.#folderOf.values[id] = this.#place(url)
    }
    this.#rows = upTo
  }

  #readBytes(): void {
    const { db, lastSeq } = this.#columns
    if (this.#seq >= lastSeq) return
    const statement = db.prepare(
      "SELECT request,json_extract(record,'$.bytes') FROM ledger WHERE seq > ? AND seq <= ? ORDER BY seq",
    )
    statement.setReturnArrays(true)
    // Numbers of events lie between those of settlements.
    const upTo = Math.min(lastSeq, this.#seq + STEP)
    for (const [id, bytes] of statement.all(this.#seq, upTo) as unknown as BytesRow[]) {
      this.#bytesOf.reserve(id + 1)
      this.#bytesOf.values[id] = Math.min(0xffff_ffff, bytes ?? 0)
    }
    this.#seq = upTo
  }

  #count(): Sums {
    const version = `${this.#columns.version} ${this.#rows} ${this.#seq}`
    if (this.#sums?.version === version) return this.#sums
    const folders = this.#parents.length
    const sums: Sums = {
      version,
      known: new Uint32Array(folders),
      pages: new Uint32Array(folders),
      bytes: new Float64Array(folders),
      states: [...OUTCOMES, LEFT].map(() => new Uint32Array(folders)),
    }
    const { counted, state } = this.#columns
    for (let row = 1; row <= this.#rows; row++) {
      if (counted.values[row] === 0) continue
      const folder = this.#folderOf.values[row] as number
      const of = state.values[row] as number
      const counts = sums.states[of === LEFT ? OUTCOMES.length : of] as Uint32Array
      counts[folder] = (counts[folder] as number) + 1
      sums.pages[folder] = (sums.pages[folder] as number) + 1
      sums.bytes[folder] = (sums.bytes[folder] as number) + (this.#bytesOf.values[row] as number)
    }
    sums.known.set(sums.pages)
    // A folder is made after the one it is in.
    for (let folder = folders - 1; folder > 0; folder--) {
      const parent = this.#parents[folder] as number
      for (const counts of [sums.known, sums.bytes, ...sums.states])
        counts[parent] = (counts[parent] as number) + (counts[folder] as number)
    }
    this.#sums = sums
    return sums
  }
}

/** Origin, then the segments of the path that end with a slash. */
function* segmentsOf(url: string): Generator<string> {
  const slashes = url.indexOf('//')
  let at = url.indexOf('/', slashes < 0 ? 0 : slashes + 2)
  if (at < 0) return
  yield url.slice(0, at)
  const query = url.indexOf('?')
  const end = query < 0 ? url.length : query
  for (;;) {
    const next = url.indexOf('/', at + 1)
    if (next < 0 || next >= end) return
    yield url.slice(at + 1, next)
    at = next
  }
}
