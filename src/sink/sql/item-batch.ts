/**
 * What a batch of settlements makes of the rows of a table of items, worked out before the database is asked: each item
 * replaces the one of its key, and each visit of a page removes what the page's earlier visits gave. Pure.
 */
import type { ExtractedItem } from '../../model/item.ts'
import { itemKey } from '../item-fields.ts'
import type { SinkRecord } from '../sink.ts'

export interface ItemRow {
  readonly key: string
  readonly page: SinkRecord
  /** The page's dedupe key as it is stored. */
  readonly pageKey: string
  readonly item: ExtractedItem
}

export interface ItemBatch {
  /** Rows to write; none of them twice. */
  readonly rows: readonly ItemRow[]
  /** Dedupe keys of pages whose rows of before the batch go, where `rows` did not replace them. */
  readonly pages: readonly string[]
  /** Keys that items brought along, whether they are in `rows` or not: rows of other pages may have them. */
  readonly ownKeys: readonly string[]
}

/** @param keyOf makes a key storable */
export function planItems(batch: readonly SinkRecord[], keyOf: (key: string) => string): ItemBatch {
  return planDistinct(batch, keyOf) ?? planLatest(batch, keyOf)
}

/** Of most batches: each page is there once and its items have no keys of their own, so no two rows meet. */
function planDistinct(batch: readonly SinkRecord[], keyOf: (key: string) => string): ItemBatch | undefined {
  const rows: ItemRow[] = []
  const pages = new Set<string>()
  for (const page of batch) {
    if (page.items === undefined) continue
    const pageKey = keyOf(page.dedupeKey)
    if (pages.has(pageKey)) return undefined
    pages.add(pageKey)
    for (const item of page.items) {
      if (item.key !== undefined) return undefined
      rows.push({ key: keyOf(itemKey(page, item)), page, pageKey, item })
    }
  }
  return { rows, pages: [...pages], ownKeys: [] }
}

function planLatest(batch: readonly SinkRecord[], keyOf: (key: string) => string): ItemBatch {
  const rows = new Map<string, ItemRow>()
  const pages = new Map<string, SinkRecord>()
  const given = new Map<SinkRecord, string[]>()
  const ownKeys = new Set<string>()
  for (const page of batch) {
    if (page.items === undefined) continue
    const pageKey = keyOf(page.dedupeKey)
    const keys: string[] = []
    for (const item of page.items) {
      const key = keyOf(itemKey(page, item))
      rows.set(key, { key, page, pageKey, item })
      keys.push(key)
      if (item.key !== undefined) ownKeys.add(key)
    }
    given.set(page, keys)
    const earlier = pages.get(page.dedupeKey)
    for (const key of earlier === undefined ? [] : (given.get(earlier) ?? [])) {
      if (rows.get(key)?.page === earlier) rows.delete(key)
    }
    pages.set(page.dedupeKey, page)
  }
  return { rows: [...rows.values()], pages: [...pages.keys()].map(keyOf), ownKeys: [...ownKeys] }
}
