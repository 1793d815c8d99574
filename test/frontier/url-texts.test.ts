/** Searches in memory find what searches in the file find. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { systemClock } from '../../src/engine/clock.ts'
import { JobColumns } from '../../src/frontier/sqlite/columns/columns.ts'
import { UrlTexts } from '../../src/frontier/sqlite/columns/url-texts.ts'
import { UrlFilter } from '../../src/frontier/sqlite/columns/url-filter.ts'
import { sqliteFrontier } from '../../src/frontier/sqlite/index.ts'
import { createFingerprint } from '../../src/url/fingerprint.ts'

test('a search in memory finds the same rows as one in the file, in either case of letters and while the job grows', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-texts-'))
  const fingerprint = await createFingerprint(7n)
  const { frontier } = await sqliteFrontier({
    path: folder,
    clock: systemClock(),
    durability: 'kill',
    defaults: () => ({ delayMs: 0, conns: 1 }),
    inputFp: (source, ordinal) => fingerprint.ofInput(source, ordinal),
  })
  const add = async (from: number, to: number): Promise<void> => {
    const batch = []
    for (let n = from; n < to; n++) {
      const url = `https://h${n % 40}.test/Part/${n % 7}/${'x'.repeat(n % 900)}/p-${n}`
      batch.push({ url, key: `h${n % 40}.test`, fp: fingerprint.of(url) })
    }
    await frontier.add(batch)
  }
  try {
    // More than fit into one piece of memory, and more than one step.
    for (let from = 0; from < 14_000; from += 1000) await add(from, from + 1000)
    const columns = new JobColumns(folder)
    while (!columns.advance()) await setImmediate()
    const texts = new UrlTexts(columns)
    const filter = new UrlFilter(columns)
    const inFile = (text: string): number[] =>
      columns.db
        .prepare("SELECT id FROM request WHERE id <= ? AND url LIKE ? ESCAPE '\\'")
        .all(columns.rows, `%${text.replaceAll(/[\\%_]/g, '\\$&')}%`)
        .map(({ id }) => id as number)
    while (texts.find('p-1') === undefined) await setImmediate()
    for (const text of ['p-1', 'PART/3', 'h39.test', 'xxxx/p-77', 'p-13999', 'none', 'a_b', '%', '/', 'https', '\n']) {
      assert.deepEqual([...(texts.find(text) ?? [])], inFile(text), JSON.stringify(text))
    }
    await add(14_000, 14_500)
    while (!columns.advance()) await setImmediate()
    assert.deepEqual([...(texts.find('p-144') ?? [])], inFile('p-144'))
    assert.equal(filter.page({ search: 'P-14400' }, 0, 10).matched, 1)
    columns.close()
  } finally {
    await frontier.close()
    rmSync(folder, { recursive: true })
  }
})
