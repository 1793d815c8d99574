/** Reads sources in tests: whole, from a cursor, or stopped behind a batch. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { Source, SourceBatch, SourceItem } from '../../src/source/source.ts'

export async function batchesOf(source: Source, cursor?: Uint8Array): Promise<SourceBatch[]> {
  const batches: SourceBatch[] = []
  for await (const batch of source.batches(cursor, new AbortController().signal)) batches.push(batch)
  return batches
}

export async function itemsOf(source: Source, cursor?: Uint8Array): Promise<SourceItem[]> {
  return (await batchesOf(source, cursor)).flatMap((batch) => batch.items)
}

export async function urlsOf(source: Source, cursor?: Uint8Array): Promise<string[]> {
  return (await itemsOf(source, cursor)).map((item) => item.url)
}

/** Cursor behind the last batch. */
export async function endOf(source: Source): Promise<Uint8Array> {
  return (await batchesOf(source)).at(-1)!.cursor
}

/** Writes files into a folder that is removed after the test; gives their paths. */
export function folderOf(context: TestContext): (name: string, contents: string | Uint8Array) => string {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-source-'))
  context.after(() => rmSync(folder, { recursive: true, force: true }))
  return (name, contents) => {
    const path = join(folder, name)
    writeFileSync(path, contents)
    return path
  }
}
