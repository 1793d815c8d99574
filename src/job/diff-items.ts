/**
 * Items of two jobs, or of one after two of its runs, compared: told apart by a field, or as wholes where no field tells
 * them apart. Holds the items of the first side in memory.
 */
import { existsSync } from 'node:fs'
import { SluiceError } from '../model/errors.ts'
import { findItemsFile, itemOf } from './item-file.ts'
import { fieldsOf, ItemDiff } from './item-diff.ts'
import type { FieldDiff } from './item-diff.ts'
import { itemIndexOf, standingLines } from './standing-items.ts'

/** A job as it stood after one of its runs. */
export interface DiffSide {
  readonly folder: string
  readonly run: number
}

export interface ItemChange {
  readonly change: 'item.new' | 'item.gone' | 'item.changed'
  /** Value of the field that tells items apart; undefined where none does. */
  readonly item: unknown
  /** Of an item that changed: value before and now; one of them is missing where the field is new or gone. */
  readonly fields?: Readonly<Record<string, { readonly before?: unknown; readonly now?: unknown }>>
  /** The item, new or gone. */
  readonly value?: unknown
}

export interface ItemsDiff {
  /** Field that told items apart; undefined: none did, and an item that changed counts as gone and new. */
  readonly by: string | undefined
  readonly new: number
  readonly gone: number
  readonly changed: number
  readonly same: number
  readonly fields: readonly FieldDiff[]
}

/** In this order. */
const USUAL = ['_key', 'url', 'id', 'key', 'sku', 'isbn', 'slug', 'name', 'title']

/** @throws SluiceError `OPTION_INVALID` where the field `by` does not tell items of a job apart */
export async function* diffItems(
  before: DiffSide,
  now: DiffSide,
  by: string | undefined,
): AsyncGenerator<ItemChange, ItemsDiff | undefined> {
  const [old, young] = [findItemsFile(before.folder), findItemsFile(now.folder)]
  if (old === undefined || young === undefined) return undefined
  // Without an index nobody knows which run gave an item.
  if (before.folder === now.folder && !existsSync(itemIndexOf(now.folder, young))) return undefined
  const lines: string[] = []
  for await (const some of standingLines(before.folder, old, before.run)) lines.push(...some)
  const field = by ?? USUAL.find((name) => tellsApart(lines, name))
  if (by !== undefined && !tellsApart(lines, by)) {
    throw new SluiceError('OPTION_INVALID', `--by ${by}: not every item of ${before.folder} has one of its own`, {
      hint: 'name a field that no two items share',
    })
  }
  const known = new Map<string, string[]>()
  for (const line of lines) {
    const identity = identityOf(line, field)
    known.set(identity, [...(known.get(identity) ?? []), line])
  }
  const diff = new ItemDiff()
  for await (const some of standingLines(now.folder, young, now.run)) {
    for (const line of some) {
      const identity = identityOf(line, field)
      const change = compare(diff, identity, known.get(identity)?.shift(), line, field)
      if (change !== undefined) yield change
    }
  }
  for (const [identity, rest] of known) {
    for (const line of rest) {
      const gone = compare(diff, identity, line, undefined, field)
      if (gone !== undefined) yield gone
    }
  }
  const { added, removed, changed, same, fields } = diff
  return { by: field, new: added, gone: removed, changed, same, fields }
}

function tellsApart(lines: readonly string[], name: string): boolean {
  const values = new Set<string>()
  for (const line of lines) {
    const item = itemOf(line)
    if (!Object.hasOwn(item, name) || item[name] === null) return false
    values.add(JSON.stringify(item[name]))
  }
  return values.size === lines.length && lines.length > 0
}

function identityOf(line: string, field: string | undefined): string {
  return field === undefined ? line : JSON.stringify(itemOf(line)[field] ?? null)
}

function compare(
  diff: ItemDiff,
  identity: string,
  before: string | undefined,
  now: string | undefined,
  field: string | undefined,
): ItemChange | undefined {
  const items = (line: string | undefined): { items: { json: string; key: string; position: number }[] } => ({
    items: line === undefined ? [] : [{ json: JSON.stringify(itemOf(line)), key: identity, position: 0 }],
  })
  diff.compare(identity, items(before), items(now))
  const item: unknown = field === undefined ? undefined : JSON.parse(identity)
  if (before === undefined) return { change: 'item.new', item, value: JSON.parse(now as string) }
  if (now === undefined) return { change: 'item.gone', item, value: JSON.parse(before) }
  const differing = fieldsOf(itemOf(before), itemOf(now)).filter(({ was, is }) => was !== is)
  if (differing.length === 0) return undefined
  const fields = differing.map(({ name, was, is }) => [
    name,
    {
      ...(was === undefined ? {} : { before: JSON.parse(was) as unknown }),
      ...(is === undefined ? {} : { now: JSON.parse(is) as unknown }),
    },
  ])
  return { change: 'item.changed', item, fields: Object.fromEntries(fields) as ItemChange['fields'] & object }
}
