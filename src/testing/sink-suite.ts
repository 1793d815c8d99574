/**
 * What every sink must keep, whatever it writes to: each committed settlement is there once, through any death, and
 * nothing that is not ours is touched. Run it over a sink of your own; it knows sinks by their interface only.
 */
import assert from 'node:assert/strict'
import { readFile, rename, rm, truncate, writeFile } from 'node:fs/promises'
import { describe, test } from 'node:test'
import type { ExtractedItem, ItemColumn } from '../model/item.ts'
import type { PageRecord } from '../model/record.ts'
import type { JobInfo, Sink, SinkRecord } from '../sink/sink.ts'

/** One storage and the ways to reach it. */
export interface SinkUnderTest {
  /** A new sink over the same storage, as after a restart. The one before may not have been closed: it died. */
  sink(): Sink
  /** Every stored record, in the order in which they were written where the storage has one. */
  rows(): Promise<readonly unknown[]>
  /** What `rows` gives for this record; default: the record. For formats that cannot keep every value as it is. */
  readonly stored?: (record: PageRecord) => unknown
  /** The same for the value of an item. */
  readonly storedItem?: (value: unknown) => unknown
  /** True: the latest record per dedupe key is kept. False: every record is appended. */
  readonly keyed: boolean
  /** Path of the file that is appended to, where that is how the sink works: its bytes are cut and edited. */
  readonly file?: string
  /** Bytes that the sink may add to the file when it is closed, and writes anew where they are torn or gone. Default 0. */
  readonly ending?: number
  /** Deletes the storage. */
  remove(): Promise<void>
}

export interface SinkSuiteOptions {
  /** Reason to skip all of it, or false. */
  readonly skip?: string | boolean
  /** Run it with an extractor: the sink gets items and `rows` reads them. Default: page records. */
  readonly items?: boolean | { readonly columns: readonly ItemColumn[] }
}

/** Registers the tests for a sink with node:test. `open` makes a fresh, empty storage for each of them. */
export function sinkSuite(name: string, open: () => Promise<SinkUnderTest>, options: SinkSuiteOptions = {}): void {
  const { items = false } = options
  describe(`${name} as a sink`, { skip: options.skip ?? false }, () => {
    const check = (title: string, body: (lab: Lab) => Promise<void>): void => {
      test(`${name}: ${title}`, async () => {
        const lab = new Lab(await open(), items)
        try {
          await body(lab)
        } finally {
          await lab.end()
        }
      })
    }
    recovery(check)
    values(check)
    files(check)
    if (items !== false) replacing(check)
  })
}

type Check = (title: string, body: (lab: Lab) => Promise<void>) => void

function recovery(check: Check): void {
  check('what is written is stored, over several batches and restarts', async (lab) => {
    await lab.open()
    await lab.commit(records(1, 3))
    await lab.commit(records(4, 64))
    await lab.close()
    await lab.open()
    await lab.commit(records(68, 1))
    await lab.close()
    await lab.expectCommitted()
  })

  check('an empty batch changes nothing', async (lab) => {
    await lab.open()
    await lab.commit([])
    await lab.commit(records(1, 2))
    await lab.commit([])
    await lab.die()
    await lab.open()
    await lab.expectCommitted()
  })

  check('a batch whose commit never came is gone after a restart and stored once when it comes again', async (lab) => {
    await lab.open()
    await lab.commit(records(1, 5))
    await lab.write(records(6, 5))
    await lab.die()
    await lab.open()
    await lab.expectCommitted()
    await lab.commit(records(6, 5))
    await lab.expectCommitted()
  })

  check('a death before the first commit leaves nothing behind', async (lab) => {
    await lab.open()
    await lab.write(records(1, 3))
    await lab.die()
    await lab.open()
    await lab.expectCommitted()
    await lab.commit(records(1, 3))
    await lab.expectCommitted()
  })

  check('deaths in a row leave what the last commit left', async (lab) => {
    await lab.open()
    await lab.commit(records(1, 2))
    for (let death = 0; death < 5; death++) {
      await lab.write(records(3 + death, death + 1, 'v', 'other'))
      await lab.die()
      await lab.open()
      await lab.expectCommitted()
    }
    await lab.commit(records(3, 2))
    await lab.expectCommitted()
  })

  check('two jobs share a storage and repair only their own rows', async (lab) => {
    await lab.open('one')
    await lab.commit(records(1, 3))
    await lab.close()
    lab.nextJob()
    await lab.open('two')
    await lab.commit(records(1, 4, 'v', 'two'))
    await lab.write(records(5, 2, 'v', 'two'))
    await lab.die()
    await lab.open('two')
    await lab.expectCommitted()
  })

  check('a page settled again is kept as the interface says: the latest of its key, or one line each', async (lab) => {
    await lab.open()
    await lab.commit(records(1, 3))
    const [first] = records(1, 1, 'again')
    assert.ok(first !== undefined)
    await lab.commit([{ ...first, ...rebuilt({ ...first.record, seq: 4, run: 2 }) }])
    await lab.expectCommitted()
  })
}

/** What keyed sinks do with items of pages that are visited again; the others append them. */
function replacing(check: Check): void {
  check('a page that gives other items than before leaves only the new ones', async (lab) => {
    await lab.open()
    await lab.commit(records(1, 5))
    await lab.commit([revisited(2, 6, 1), revisited(5, 7, 4), revisited(1, 8, 0)])
    await lab.expectCommitted()
  })

  check('a page that was not extracted again keeps its items', async (lab) => {
    await lab.open()
    await lab.commit(records(1, 5))
    await lab.commit([{ ...revisited(2, 6, 0), items: undefined }])
    await lab.expectCommitted()
  })

  check('items that a batch replaced and removed are back where its commit never came', async (lab) => {
    await lab.open()
    await lab.commit(records(1, 5))
    await lab.write([revisited(2, 6, 1), revisited(5, 7, 1, 'own'), revisited(2, 8, 0)])
    await lab.die()
    await lab.open()
    await lab.expectCommitted()
    await lab.commit([revisited(2, 6, 2, 'own')])
    await lab.write([revisited(5, 7, 2, 'own')])
    await lab.die()
    await lab.open()
    await lab.expectCommitted()
  })

  check('what was replaced and committed is not put back by the next open', async (lab) => {
    await lab.open()
    await lab.commit(records(1, 5))
    await lab.commit([revisited(2, 6, 1), revisited(5, 7, 1, 'own'), revisited(1, 8, 0)])
    await lab.close()
    await lab.open()
    await lab.expectCommitted()
    await lab.close()
    await lab.open()
    await lab.commit([revisited(2, 9, 2)])
    await lab.close()
    await lab.open()
    await lab.expectCommitted()
  })

  check('an item with a key of its own is one item, whichever page gave it last', async (lab) => {
    await lab.open()
    await lab.commit([revisited(1, 1, 2, 'own'), revisited(2, 2, 2, 'own')])
    await lab.commit([revisited(1, 3, 0)])
    await lab.expectCommitted()
  })
}

function values(check: Check): void {
  check('hostile values come back as they went in and change nothing else', async (lab) => {
    await lab.open()
    await lab.commit(HOSTILE.map((value, index) => hostile(index + 1, value)))
    await lab.close()
    await lab.expectCommitted()
    assert.equal(({} as Record<string, unknown>)['polluted'], undefined)
  })

  check('a batch of 10,000 records is stored whole', async (lab) => {
    await lab.open()
    await lab.commit(records(1, 10_000))
    await lab.close()
    await lab.expectCommitted()
  })
}

function files(check: Check): void {
  check('a tail torn at any byte of the last batch is cut and nothing else', async (lab) => {
    const { file, ending = 0 } = lab.target
    if (file === undefined) return
    await lab.open()
    await lab.commit(records(1, 3))
    const kept = (await readFile(file)).length
    await lab.write(records(4, 2))
    await lab.die()
    const whole = await readFile(file)
    assert.ok(whole.length > kept)
    for (let length = kept; length <= whole.length; length++) {
      await writeFile(file, whole.subarray(0, length))
      await lab.open()
      await lab.close()
      const left: Buffer = await readFile(file)
      assert.ok(left.length <= kept + ending, `torn at byte ${length}`)
      assert.equal(left.subarray(0, kept).compare(whole.subarray(0, kept)), 0, `torn at byte ${length}`)
    }
    await lab.expectCommitted()
  })

  for (const [what, damage] of Object.entries(DAMAGES)) {
    check(`a file that was ${what} between two runs stops the job and is left as it is`, async (lab) => {
      const { file, ending = 0 } = lab.target
      if (file === undefined) return
      await lab.open()
      await lab.commit(records(1, 30))
      await lab.close()
      await damage(file, ending)
      const before = await readFile(file).catch(() => undefined)
      await assert.rejects(lab.open(), { code: 'SINK_CHANGED' })
      assert.deepEqual(await readFile(file).catch(() => undefined), before)
    })

    check(`a file that was ${what} during a run stops the job at the next batch`, async (lab) => {
      const { file } = lab.target
      // Bytes changed in place are found by the next open.
      if (file === undefined || what === 'edited') return
      await lab.open()
      await lab.commit(records(1, 30))
      await damage(file, 0)
      const before = await readFile(file).catch(() => undefined)
      await assert.rejects(lab.write(records(31, 1)), { code: 'SINK_CHANGED' })
      assert.deepEqual(await readFile(file).catch(() => undefined), before)
    })
  }
}

/** What people and log rotation do to a file of at least some hundred bytes. */
const DAMAGES: Readonly<Record<string, (file: string, ending: number) => Promise<void>>> = {
  cut: async (file, ending) => truncate(file, (await readFile(file)).length - ending - 1),
  emptied: (file) => truncate(file, 0),
  deleted: (file) => rm(file),
  rotated: async (file) => {
    await rename(file, `${file}.1`)
    await writeFile(file, '')
  },
  edited: async (file) => {
    const bytes = await readFile(file)
    bytes[bytes.length - 100] = (bytes[bytes.length - 100] ?? 0) ^ 1
    await writeFile(file, bytes)
  },
  'appended to': async (file) => writeFile(file, 'a line of the user\n', { flag: 'a' }),
}

/** Texts that break naive quoting, escaping, key handling and encodings. */
export const HOSTILE: readonly string[] = [
  '',
  ' ',
  '"',
  '""',
  "'",
  "Robert'); DROP TABLE pages;--",
  '" OR 1=1 --',
  '\u201c\u2018\uff07',
  ',',
  'a,b',
  'a\nb',
  'a\r\nb',
  '\r',
  '\n',
  '\r\n',
  'a\0b',
  '\0',
  '\t',
  '\u2028\u2029',
  '\ufeffbom',
  '\u{1f600}\u{10ffff}',
  'e\u0301 \u00e9',
  '\ud800',
  'a\udfffb',
  '\u202eabc',
  '\u001b[31m\u0007',
  '=1+1',
  '-2',
  '+3',
  '@x',
  '{"$gt":""}',
  '\\',
  '\\"',
  '\\N',
  'NULL',
  '__proto__',
  'constructor',
  '1e3',
  '0x10',
  '007',
  'x'.repeat(1_048_576),
]

function hostile(seq: number, value: string): SinkRecord {
  const input = Object.fromEntries([
    ['line', seq],
    ['note', value],
    ['__proto__', 'own'],
    ['constructor', value],
    [`late ${value.slice(0, 20)}`, value],
  ])
  const record: PageRecord = {
    url: `https://a.example/${seq}`,
    outcome: 'ok',
    status: 200,
    title: value,
    message: value,
    robots: [value, 'noindex'],
    depth: 0,
    input,
    chain: [value],
    flags: [value],
    attempt: 1,
    ms: { wait: 0, total: 12.5 },
    t: '2026-11-21T02:13:37.120Z',
    run: 1,
    seq,
  }
  const fields = [
    ['title', value],
    ['nested', { [value]: [value] }],
    ['note', value],
    ['__proto__', 'own'],
    [`late ${value.slice(0, 20)}`, value],
    ['_key', value],
  ]
  const items = [itemOf(0, Object.fromEntries(fields) as object, `own ${value}`)]
  return { ...rebuilt(record), dedupeKey: `key-${seq}-${value}`, body: Buffer.from(value), items }
}

/** Records with increasing `seq`; the fields that pages have most often. */
export function records(from: number, count: number, title = 'a title', site = 'a'): SinkRecord[] {
  return Array.from({ length: count }, (_, index) => {
    const seq = from + index
    const url = `https://${site}.example/${seq}?q=1`
    const record: PageRecord = {
      url,
      outcome: 'ok',
      status: 200,
      mime: 'text/html',
      charset: 'utf-8',
      bytes: 5120,
      digest: 'xxh64:0123456789abcdef',
      title: `${title} ${seq}`,
      depth: 1,
      from: `https://${site}.example/`,
      via: 'a',
      input: { line: seq, note: 'n' },
      attempt: 1,
      ip: '127.0.0.1',
      ms: { wait: 1, dns: 0, connect: 1, ttfb: 3, body: 1, total: 6 },
      t: '2026-11-21T02:13:37.120Z',
      run: 1,
      seq,
    }
    return {
      ...rebuilt(record),
      dedupeKey: `${site}-${seq}`,
      body: Buffer.from(`body ${seq % 100} of ${site}`),
      items: itemsOf(seq, seq % 3, title),
    }
  })
}

/** Page `page` settled once more, as number `seq`, with other items. */
function revisited(page: number, seq: number, count: number, key?: string): SinkRecord {
  const [first] = records(page, 1)
  assert.ok(first !== undefined)
  return { ...first, ...rebuilt({ ...first.record, seq, run: 2 }), items: itemsOf(seq, count, 'again', key) }
}

/** Items of a page, of the columns `ITEM_COLUMNS`. */
function itemsOf(page: number, count: number, title: string, key?: string): ExtractedItem[] {
  return Array.from({ length: count }, (_, position) => {
    const value = {
      page,
      position,
      title: `${title} ${page}`,
      price: page + 0.5,
      isNew: page % 2 === 0,
      nested: [page],
    }
    return itemOf(position, value, key === undefined ? undefined : `${key} ${position}`)
  })
}

function itemOf(position: number, value: object, key: string | undefined): ExtractedItem {
  return { json: JSON.stringify(value), position, key }
}

/** The schema of the items that `records` makes. */
export const ITEM_COLUMNS: readonly ItemColumn[] = [
  { name: 'page', type: 'integer', required: true },
  { name: 'position', type: 'integer', required: true },
  { name: 'title', type: 'text', required: true },
  { name: 'price', type: 'number', required: false },
  { name: 'isNew', type: 'boolean', required: false },
  { name: 'nested', type: 'json', required: false },
]

function rebuilt(record: PageRecord): { record: PageRecord; json: string } {
  return { record, json: JSON.stringify(record) }
}

/** A job as the sink sees it: opens, writes, commits positions, dies. */
class Lab {
  readonly target: SinkUnderTest
  #sink: Sink | undefined
  readonly #dead: Sink[] = []
  #position: Uint8Array | undefined
  #seq = 0
  #committed: SinkRecord[] = []
  #earlier: SinkRecord[] = []
  readonly #items: SinkSuiteOptions['items']

  constructor(target: SinkUnderTest, items: SinkSuiteOptions['items']) {
    this.target = target
    this.#items = items
  }

  async open(id = 'job'): Promise<void> {
    const columns = ['note', '__proto__']
    const items = this.#items === true ? { columns: undefined } : this.#items === false ? undefined : this.#items
    const job: JobInfo = { name: id, id, run: 1, committedSeq: this.#seq, columns, items }
    const sink = this.target.sink()
    await sink.open(job, this.#position)
    this.#sink = sink
    this.#position ??= sink.position?.()
  }

  async write(batch: readonly SinkRecord[]): Promise<Uint8Array | undefined> {
    assert.ok(this.#sink !== undefined)
    return this.#sink.write(batch)
  }

  async commit(batch: readonly SinkRecord[]): Promise<void> {
    this.#position = (await this.write(batch)) ?? this.#position
    this.#committed.push(...batch)
    this.#seq = batch.at(-1)?.record.seq ?? this.#seq
  }

  async die(): Promise<void> {
    if (this.#sink !== undefined) this.#dead.push(this.#sink)
    this.#sink = undefined
  }

  async close(): Promise<void> {
    await this.#sink?.close()
    this.#sink = undefined
  }

  /** What was committed so far stays; a job that knows nothing of it starts. */
  nextJob(): void {
    this.#earlier = this.#committed
    this.#committed = []
    this.#position = undefined
    this.#seq = 0
  }

  async expectCommitted(): Promise<void> {
    const { keyed } = this.target
    const expected = [...this.#valuesOf(this.#earlier), ...this.#valuesOf(this.#committed)]
    const rows = await this.target.rows()
    assert.equal(rows.length, expected.length)
    const texts = (list: readonly unknown[]): string[] => list.map((row) => JSON.stringify(sortedKeys(row)))
    const wanted = texts(expected)
    const found = texts(rows)
    assert.deepEqual(keyed ? found.toSorted() : found, keyed ? wanted.toSorted() : wanted)
  }

  #valuesOf(all: readonly SinkRecord[]): unknown[] {
    const { keyed, stored = same, storedItem = same } = this.target
    if (this.#items === false) return (keyed ? latest(all) : all).map(({ record }) => stored(record))
    const items = keyed ? latestItems(all) : all.flatMap(({ items: found = [] }) => found)
    return items.map(({ json }) => storedItem(JSON.parse(json)))
  }

  async end(): Promise<void> {
    await this.close()
    // The dead are closed for their handles; what they would still write is of no account.
    for (const sink of this.#dead) await sink.close().catch(() => undefined)
    await this.target.remove()
  }
}

function latest(all: readonly SinkRecord[]): SinkRecord[] {
  return [...new Map(all.map((stored) => [stored.dedupeKey, stored])).values()]
}

/** By their own key or page and position; each visit of a page removes what its earlier visits left. */
function latestItems(all: readonly SinkRecord[]): ExtractedItem[] {
  const rows = new Map<string, { readonly page: string; readonly visit: SinkRecord; readonly item: ExtractedItem }>()
  for (const visit of all) {
    const { dedupeKey: page, items } = visit
    for (const item of items ?? []) rows.set(item.key ?? `${page}:${item.position}`, { page, visit, item })
    for (const [key, row] of rows) if (items !== undefined && row.page === page && row.visit !== visit) rows.delete(key)
  }
  return [...rows.values()].map(({ item }) => item)
}

function same(value: unknown): unknown {
  return value
}

function sortedKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortedKeys)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1))
  return Object.fromEntries(entries.map(([key, inner]) => [key, sortedKeys(inner)]))
}
