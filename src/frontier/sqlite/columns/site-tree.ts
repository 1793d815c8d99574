/**
 * The paths of a job's URLs as a tree of folders, made when somebody looks for the first time: every request knows its
 * folder (4 bytes), a folder its parent and its name. What a folder holds is counted from the columns in one pass, so that
 * outcomes are always those of now. Reads in steps. It must not know who shows it.
 */
import { OUTCOMES } from '../../../model/outcome.ts'
import type { OutcomeWord } from '../../../model/outcome.ts'
import { detach } from '../../../url/detach.ts'
import { Column } from './column.ts'
import { LEFT } from './columns.ts'
import type { JobColumns } from './columns.ts'

/** Folders told apart: what comes beyond counts for the last folder above it that there was room for. */
const MOST_FOLDERS = 300_000
/** With more folders below it a folder gets a table of their names; few are looked through. */
const FEW = 8
/** Depth of the tree; what is deeper counts for the folder there. */
const DEEPEST = 12
/** Rows of a step: about 10 ms, so that whoever asks for something else meanwhile does not notice. */
const STEP = 2_000
/** While the tree is being made it is counted again after so much of it. */
const PART = 1 / 8

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
  readonly #names: string[] = ['']
  /** By folder: the one it is in, the first right below it, the next beside it, how many are right below. */
  readonly #parents = new Column((length) => new Uint32Array(length))
  readonly #first = new Column((length) => new Uint32Array(length))
  readonly #next = new Column((length) => new Uint32Array(length))
  readonly #inside = new Column((length) => new Uint32Array(length))
  /** Of folders with many: what is right below by name. */
  readonly #byName = new Map<number, Map<string, number>>()
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
    return [...this.#below(folder)]
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
      folders: this.#inside.values[id] as number,
      pages: pages[id] ?? 0,
    }
  }

  #prefixOf(id: number): string {
    const names: string[] = []
    for (let at = id; at !== 0; at = this.#parents.values[at] as number) names.push(`${this.#names[at]}/`)
    return names.reverse().join('')
  }

  #find(prefix: string): number | undefined {
    if (prefix === '') return 0
    let folder = 0
    for (const name of segmentsOf(prefix)) {
      const next = this.#child(folder, name)
      if (next === 0) return undefined
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
      const known = this.#child(folder, name)
      if (known === 0 && this.#names.length >= MOST_FOLDERS) break
      folder = known === 0 ? this.#make(folder, name) : known
    }
    return folder
  }

  /** The folder of a name right below another; 0: there is none. */
  #child(folder: number, name: string): number {
    const table = this.#byName.get(folder)
    if (table !== undefined) return table.get(name) ?? 0
    for (const id of this.#below(folder)) if (this.#names[id] === name) return id
    return 0
  }

  *#below(folder: number): Generator<number> {
    for (let id = this.#first.values[folder] as number; id !== 0; id = this.#next.values[id] as number) yield id
  }

  #make(parent: number, name: string): number {
    const id = this.#names.length
    // A part of a URL would keep the whole URL in memory.
    this.#names.push(detach(name))
    for (const column of [this.#parents, this.#first, this.#next, this.#inside]) column.reserve(id + 1)
    this.#parents.values[id] = parent
    this.#next.values[id] = this.#first.values[parent] as number
    this.#first.values[parent] = id
    const inside = (this.#inside.values[parent] as number) + 1
    this.#inside.values[parent] = inside
    const table = this.#byName.get(parent)
    if (table !== undefined) table.set(this.#names[id] as string, id)
    else if (inside > FEW)
      this.#byName.set(parent, new Map([...this.#below(parent)].map((one) => [this.#names[one] as string, one])))
    return id
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
    const progress = this.isComplete ? `${this.#rows} ${this.#seq}` : `part ${Math.floor(this.share / PART)}`
    const version = this.isComplete ? `${this.#columns.version} ${progress}` : progress
    if (this.#sums?.version === version) return this.#sums
    const folders = this.#names.length
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
      const parent = this.#parents.values[folder] as number
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
