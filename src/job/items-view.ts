/**
 * Items of a job as a table: an index of where each line of its NDJSON begins, what type it is and which fields it has, made
 * when somebody looks at items for the first time and followed from then on. Rows are read when they are shown. Works in
 * steps, so that whoever holds it can serve others in between; it must not know how items came to be.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { extname } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { Column, Names } from '../frontier/sqlite/columns/column.ts'
import { SluiceError } from '../model/errors.ts'
import { findItemsFile, itemOf } from './item-file.ts'

/** Bytes of a step. */
const STEP = 512 * 1024
/** A longer line is no item of ours: extractors are held to less. */
const LONGEST_LINE = 64 * 1024 * 1024
/** Items that are sorted by a field, or looked through for the latest of each key. */
const MOST_SORTED = 500_000
/** Different types and fields told apart. */
const MOST_TYPES = 1000
const MOST_FIELDS = 500
/** Fields that say what sort of thing an item is, the first that is there. */
const TYPE_FIELDS = ['_type', '@type', 'type', 'kind']
/** Fields that tell things apart over time, the first that every item has. */
const KEY_FIELDS = ['_key', 'url', 'id', 'key', 'sku', 'isbn', 'slug', 'name', 'title']
const NEWLINE = 10

export interface ItemQuery {
  /** Part of the line, ASCII letters in either case. */
  readonly search: string
  readonly type: string | undefined
  /** Items without this field. */
  readonly missing: string | undefined
  /** Only the last item of each key. */
  readonly latest: boolean
  /** A field; undefined: in the order of the file. */
  readonly sort: string | undefined
  readonly descending: boolean
}

export interface FieldFigures {
  readonly name: string
  /** Items that have it. */
  readonly items: number
}

export interface ItemPage {
  readonly matched: number
  readonly rows: readonly Readonly<Record<string, unknown>>[]
}

export interface ItemsFigures {
  /** False: the job has no NDJSON of items that can be read by places. */
  readonly isReadable: boolean
  readonly items: number
  /** Items by type; empty where no field says it. */
  readonly types: Readonly<Record<string, number>>
  /** Which field that is; '' for none. */
  readonly typeField: string
  /** By which field the latest is told; '' for none. */
  readonly keyField: string
  /** In the order in which they were seen first. */
  readonly fields: readonly FieldFigures[]
}

export class ItemsView {
  readonly #folder: string
  readonly #starts = new Column((length) => new Float64Array(length))
  readonly #typeOf = new Column((length) => new Uint16Array(length))
  #types = new Names(MOST_TYPES)
  #fields = new Map<string, number>()
  #byType: number[] = []
  #count = 0
  #end = 0
  /** Of a line whose end has not been written. */
  #advancing: Promise<void> | undefined
  #chosen: { readonly name: string; readonly ids: Uint32Array } | undefined

  constructor(folder: string) {
    this.#folder = folder
  }

  /** Reads what was appended since. Calls do not overlap. */
  advance(): Promise<void> {
    this.#advancing ??= this.#follow().finally(() => {
      this.#advancing = undefined
    })
    return this.#advancing
  }

  figures(): ItemsFigures {
    const fields = [...this.#fields].map(([name, items]) => ({ name, items }))
    const typeField = this.#typeField()
    return {
      isReadable: this.#path() !== undefined,
      items: this.#count,
      types: Object.fromEntries(
        this.#byType.flatMap((items, id) => (id === 0 ? [] : [[this.#types.texts[id], items]])),
      ),
      typeField,
      keyField: this.#keyField(),
      fields,
    }
  }

  /** @throws SluiceError OPTION_INVALID for a field that no item has, or where there are too many to sort */
  async page(query: ItemQuery, offset: number, limit: number): Promise<ItemPage> {
    const ids = await this.#idsOf(query)
    return { matched: ids.length, rows: this.#read(ids.subarray(offset, offset + limit)).map(itemOf) }
  }

  /** Lines of all items that match now, some at a time. */
  async *lines(query: ItemQuery): AsyncGenerator<readonly string[], undefined> {
    const ids = await this.#idsOf(query)
    for (let at = 0; at < ids.length; at += 500) yield this.#read(ids.subarray(at, at + 500))
  }

  /** Undefined where there is none, or one that is compressed. */
  #path(): string | undefined {
    const path = findItemsFile(this.#folder)
    return path === undefined || /^\.(gz|zst)$/i.test(extname(path)) ? undefined : path
  }

  async #follow(): Promise<void> {
    const path = this.#path()
    if (path === undefined) return
    const file = openSync(path, 'r')
    try {
      const { size } = fstatSync(file)
      // Another file of the same name: a job that was started over.
      if (size < this.#end) this.#forget()
      let length = STEP
      while (this.#end < size) {
        const bytes = Buffer.alloc(Math.min(length, size - this.#end))
        const read = readSync(file, bytes, 0, bytes.length, this.#end)
        const end = bytes.subarray(0, read).lastIndexOf(NEWLINE) + 1
        if (end > 0) this.#take(bytes.subarray(0, end))
        else if (this.#end + read >= size || length >= LONGEST_LINE) return
        length = end > 0 ? STEP : length * 2
        await setImmediate()
      }
    } finally {
      closeSync(file)
    }
  }

  #forget(): void {
    this.#types = new Names(MOST_TYPES)
    this.#fields = new Map()
    this.#byType = []
    this.#count = this.#end = 0
    this.#chosen = undefined
  }

  /** Whole lines. */
  #take(bytes: Buffer): void {
    for (let at = 0; at < bytes.length; ) {
      const end = bytes.indexOf(NEWLINE, at)
      if (end > at) this.#note(bytes.toString('utf8', at, end), this.#end + at)
      at = end + 1
    }
    this.#end += bytes.length
  }

  #note(line: string, start: number): void {
    const item = parsed(line)
    if (item === undefined) return
    this.#starts.reserve(this.#count + 2)
    this.#typeOf.reserve(this.#count + 2)
    for (const name of Object.keys(item)) {
      const known = this.#fields.get(name)
      if (known !== undefined || this.#fields.size < MOST_FIELDS) this.#fields.set(name, (known ?? 0) + 1)
    }
    const type = TYPE_FIELDS.map((name) => item[name]).find((value) => typeof value === 'string')
    const id = this.#types.idOf(typeof type === 'string' ? type.slice(0, 100) : '')
    this.#byType[id] = (this.#byType[id] ?? 0) + 1
    this.#typeOf.values[this.#count] = id
    this.#starts.values[this.#count++] = start
    this.#starts.values[this.#count] = start + Buffer.byteLength(line) + 1
  }

  #typeField(): string {
    return TYPE_FIELDS.find((name) => this.#fields.has(name)) ?? ''
  }

  #keyField(): string {
    return KEY_FIELDS.find((name) => this.#fields.get(name) === this.#count) ?? ''
  }

  async #idsOf(query: ItemQuery): Promise<Uint32Array> {
    const name = JSON.stringify([query, this.#count])
    if (this.#chosen?.name === name) return this.#chosen.ids
    const ids = await this.#sorted(await this.#matching(query), query)
    this.#chosen = { name, ids }
    return ids
  }

  async #matching({ search, type, missing, latest }: ItemQuery): Promise<Uint32Array> {
    const count = this.#count
    const wanted = type === undefined ? undefined : this.#types.find(type)
    let ids = new Uint32Array(count)
    let found = 0
    for (let id = 0; id < count; id++) if (wanted === undefined || this.#typeOf.values[id] === wanted) ids[found++] = id
    ids = ids.subarray(0, found)
    const text = search.toLowerCase()
    if (text !== '') ids = await this.#keep(ids, (line) => line.toLowerCase().includes(text))
    if (missing !== undefined) ids = await this.#keep(ids, (line) => !Object.hasOwn(itemOf(line), missing))
    return latest ? this.#latest(ids) : ids
  }

  async #keep(ids: Uint32Array<ArrayBuffer>, isWanted: (line: string) => boolean): Promise<Uint32Array<ArrayBuffer>> {
    const kept = new Uint32Array(ids.length)
    let count = 0
    await this.#each(ids, (line, id) => {
      if (isWanted(line)) kept[count++] = id
    })
    return kept.subarray(0, count)
  }

  async #latest(ids: Uint32Array): Promise<Uint32Array> {
    const field = this.#keyField()
    if (field === '') return ids
    checkCount(ids)
    const last = new Map<string, number>()
    await this.#each(ids, (line, id) => last.set(JSON.stringify(itemOf(line)[field] ?? null), id))
    return Uint32Array.from(last.values()).sort()
  }

  async #sorted(ids: Uint32Array, { sort, descending }: ItemQuery): Promise<Uint32Array> {
    if (sort === undefined || sort === '') return descending ? ids.slice().reverse() : ids
    if (!this.#fields.has(sort)) {
      throw new SluiceError('OPTION_INVALID', `no item has a field ${JSON.stringify(sort)}`, {
        hint: `one of ${[...this.#fields.keys()].slice(0, 20).join(', ')}`,
      })
    }
    checkCount(ids)
    const values = new Map<number, unknown>()
    await this.#each(ids, (line, id) => values.set(id, itemOf(line)[sort]))
    const sign = descending ? -1 : 1
    return ids.slice().sort((a, b) => sign * compare(values.get(a), values.get(b)) || a - b)
  }

  async #each(ids: Uint32Array, visit: (line: string, id: number) => void): Promise<void> {
    for (let at = 0; at < ids.length; at += 1000) {
      const some = ids.subarray(at, at + 1000)
      this.#read(some).forEach((line, i) => visit(line, some[i] as number))
      await setImmediate()
    }
  }

  /** Neighbours are read in one go. */
  #read(ids: Uint32Array): string[] {
    const path = this.#path()
    if (path === undefined || ids.length === 0) return []
    const file = openSync(path, 'r')
    try {
      const lines: string[] = []
      for (let i = 0; i < ids.length; ) {
        let last = i
        const from = this.#starts.values[ids[i] as number] as number
        while (
          last + 1 < ids.length &&
          ids[last + 1] === (ids[last] as number) + 1 &&
          this.#endOf(ids[last + 1]!) - from < STEP
        )
          last++
        const bytes = Buffer.alloc(this.#endOf(ids[last] as number) - from)
        readSync(file, bytes, 0, bytes.length, from)
        for (; i <= last; i++) {
          const start = (this.#starts.values[ids[i] as number] as number) - from
          lines.push(bytes.toString('utf8', start, bytes.indexOf(NEWLINE, start)))
        }
      }
      return lines
    } finally {
      closeSync(file)
    }
  }

  #endOf(id: number): number {
    return this.#starts.values[id + 1] as number
  }
}

function parsed(line: string): Record<string, unknown> | undefined {
  try {
    return itemOf(line)
  } catch {
    // What somebody else has written into the file.
    return undefined
  }
}

function checkCount(ids: Uint32Array): void {
  if (ids.length <= MOST_SORTED) return
  throw new SluiceError('OPTION_INVALID', `${ids.length} items are too many to sort here`, {
    hint: 'choose fewer by type or search, or ask in SQL',
  })
}

/** Numbers before texts before the rest, what is missing last. */
function compare(a: unknown, b: unknown): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b
  const [first, second] = [rank(a), rank(b)]
  if (first !== second) return first - second
  const [x, y] = [textOf(a), textOf(b)]
  return x < y ? -1 : x > y ? 1 : 0
}

function rank(value: unknown): number {
  return value === undefined || value === null ? 3 : typeof value === 'number' ? 0 : typeof value === 'string' ? 1 : 2
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '')
}
