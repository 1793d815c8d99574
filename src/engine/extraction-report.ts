/**
 * What extractors gave and what was wrong with it, over the life of the job: counts, and for each field of the items
 * what the schema said of it, how often and where first. Small, so that it rides with commits.
 */
import type { Extraction } from '../extract/extraction.ts'
import type { RefusedItem } from '../sink/sink.ts'

export interface FieldReport {
  /** Dotted path, '' for whole items. Numbers in it (places in lists) read `*`. */
  readonly path: string
  readonly message: string
  count: number
  /** Page where it was seen first, and the value there (JSON, cut). */
  readonly url: string
  readonly value: string
}

export interface ExtractionFigures {
  /** Items that the sinks took. */
  items: number
  /** Items that did not match their schema, or that a sink's storage refused. */
  rejected: number
  /** Pages an extractor ran on to its end. */
  pages: number
  /** Pages it threw on, or that it was ended on. */
  failed: number
  /** Most frequent first. */
  fields: FieldReport[]
}

/** Position under which the figures are kept with the frontier. */
export const EXTRACTION_POSITION = 'extraction'

/** Different complaints kept; what comes beyond is counted in `rejected` only. */
const FIELDS = 100

export class ExtractionReport {
  readonly figures: ExtractionFigures
  #changed = false

  /** @param stored as `encode` gave it, of an earlier run. */
  constructor(stored: Uint8Array | undefined) {
    this.figures =
      stored === undefined
        ? { items: 0, rejected: 0, pages: 0, failed: 0, fields: [] }
        : (JSON.parse(Buffer.from(stored).toString('utf8')) as ExtractionFigures)
  }

  add(url: string, extraction: Extraction): void {
    const { figures } = this
    this.#changed = true
    if (extraction.failure !== undefined) {
      figures.failed++
      return
    }
    figures.pages++
    figures.items += extraction.items.length
    const rejected = new Set<number>()
    for (const { position, path, message, value } of extraction.issues) {
      rejected.add(position)
      this.#field(path.replaceAll(/(^|\.)\d+(?=\.|$)/g, '$1*'), message, url, value)
    }
    figures.rejected += rejected.size
  }

  /** An item that matched its schema, and that a storage did not take. */
  refuse({ url, path, message, value }: RefusedItem): void {
    this.#changed = true
    this.figures.items--
    this.figures.rejected++
    this.#field(path, message, url, value)
  }

  /** What to commit, where something has changed since it was asked for last. */
  encode(): Uint8Array | undefined {
    if (!this.#changed) return undefined
    this.#changed = false
    this.figures.fields.sort((a, b) => b.count - a.count)
    return Buffer.from(JSON.stringify(this.figures))
  }

  #field(path: string, message: string, url: string, value: string): void {
    const { fields } = this.figures
    const known = fields.find((field) => field.path === path && field.message === message)
    if (known !== undefined) known.count++
    else if (fields.length < FIELDS) fields.push({ path, message, count: 1, url, value })
  }
}
