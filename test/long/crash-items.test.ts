/** The long form of the kill test of items: three outputs and the archive hold what an undisturbed crawl leaves. FAULTS.md, E1. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { parse } from 'csv-parse/sync'
import { graph } from '../../src/testing/origin/graph.ts'
import { startOriginProcess } from '../../src/testing/origin/remote.ts'
import { inFolder } from '../cli/run-cli.ts'
import { assertBalanced, instants, killSluice, urlsOf } from '../crash/outputs.ts'
import { readWithWarcio } from '../warc/independent.ts'

const KILLS = 50
const CONTENT = { kind: 'graph', seed: 51, pages: 9999, bytes: 4000 } as const
const OUTPUTS = ['items.ndjson', 'items.csv', 'items.sqlite']
/** None to three items a page, one with text that needs quoting everywhere, so that a page may be torn in the middle. */
const EXTRACTOR = `export default { *extract(page) {
  const n = Number(new URL(page.url).pathname.split('/').at(-1))
  const links = page.links()
  for (let part = 0; part < n % 4; part++)
    yield { url: page.url, part, links: links.length, text: page.title + ' "' + part + '",\\n\\u00e9' }
} }
`

interface Left {
  /** Of each output, one text an item, sorted. */
  readonly items: Readonly<Record<string, string[]>>
  /** Target, type and digest of each record of the archive that stands for an answer or a request, sorted. */
  readonly archived: readonly string[]
  readonly ms: number
}

test('items and archive of a crawl of 10,000 pages killed fifty times equal those of an undisturbed one', async (t) => {
  const origin = await startOriginProcess({ sites: { 'a.test': { content: CONTENT } } })
  t.after(() => origin.close())
  const site = graph(CONTENT)
  const urls = urlsOf('a.test', site.paths())
  const names = ['--resolve', origin.resolveFlag, '--contact', 'https://lab.example/bot', '--progress', 'none']
  const speed = ['--delay', '0', '-c', '64', '--per-host', '64']
  const outputs = OUTPUTS.flatMap((path) => ['-o', path])
  const args = ['crawl', 'http://a.test/', '-j', 'killed', '--extract', 'extract.mjs', '--store', ...outputs]

  async function crawl(kills: number): Promise<Left> {
    let left: Left | undefined
    await origin.clearLedger()
    await inFolder(async (cwd) => {
      writeFileSync(join(cwd, 'extract.mjs'), EXTRACTOR)
      const at = instants(kills, site.size, 51)
      const kill = { event: (run: number) => origin.until(at[run - 1] as number, 'a.test') }
      const started = performance.now()
      const all = [...args, ...names, ...speed]
      const report = await killSluice(all, { cwd, maxKills: kills, kill, timeoutMs: 300_000 })
      const ms = performance.now() - started
      assert.equal(report.exitCode, 0, report.stderr)
      assert.equal(report.kills, kills)
      assertBalanced(cwd, 'killed', site.size)
      const items = Object.fromEntries(OUTPUTS.map((path) => [path, readItems(join(cwd, path))]))
      left = { items, archived: await readArchive(join(cwd, 'killed.sluice', 'archive')), ms }
    })
    return left as Left
  }

  const undisturbed = await crawl(0)
  const killed = await crawl(KILLS)
  const count = undisturbed.items['items.ndjson']?.length ?? 0
  console.log(
    `figure: crash-items: ${KILLS} kills, ${count} items, ${undisturbed.archived.length} archive records, ` +
      `${(killed.ms / 1000).toFixed(2)} s, undisturbed ${(undisturbed.ms / 1000).toFixed(2)} s, ` +
      `${((killed.ms - undisturbed.ms) / KILLS).toFixed(0)} ms a kill over that`,
  )
  const expected = [...urls].reduce((sum, url) => sum + (Number(/\/p\/(\d+)$/.exec(url)?.[1] ?? 0) % 4), 0)
  assert.equal(count, expected)
  for (const path of OUTPUTS) {
    assert.equal(undisturbed.items[path]?.length, expected, path)
    assert.deepEqual(differences(killed.items[path] ?? [], undisturbed.items[path] ?? []), [], path)
  }
  const responses = killed.archived.filter((line) => line.startsWith('response ')).map((line) => line.split(' ')[1])
  assert.deepEqual(responses, [...urls].toSorted())
  assert.deepEqual(differences(killed.archived, undisturbed.archived), [])
})

/** The first few lines that only one of two sorted lists has, or has more often. */
function differences(left: readonly string[], right: readonly string[]): string[] {
  const found: string[] = []
  for (let l = 0, r = 0; (l < left.length || r < right.length) && found.length < 5; ) {
    const [one, other] = [left[l], right[r]]
    if (one === other) {
      l++
      r++
    } else if (other === undefined || (one !== undefined && one < other)) {
      found.push(`+ ${one}`)
      l++
    } else {
      found.push(`- ${other}`)
      r++
    }
  }
  return found
}

function readItems(path: string): string[] {
  if (path.endsWith('.ndjson')) return readFileSync(path, 'utf8').trimEnd().split('\n').toSorted()
  if (path.endsWith('.csv')) {
    const rows = parse(readFileSync(path), { columns: true, bom: true }) as Record<string, string>[]
    return rows.map((row) => JSON.stringify([row['url'], row['part'], row['links'], row['text']])).toSorted()
  }
  const database = new DatabaseSync(path, { readOnly: true })
  try {
    const rows = database.prepare('SELECT url, part, links, text FROM items').all()
    return rows.map((row) => JSON.stringify(Object.values(row))).toSorted()
  } finally {
    database.close()
  }
}

/** What differs from run to run (dates, ids, numbers of settlements) is left out. */
async function readArchive(folder: string): Promise<string[]> {
  const lines: string[] = []
  for (const name of readdirSync(folder).toSorted()) {
    if (!name.endsWith('.warc.gz')) continue
    for (const { type, header } of await readWithWarcio(join(folder, name))) {
      if (type !== 'response' && type !== 'request') continue
      const digest = type === 'response' ? (header('WARC-Payload-Digest') ?? '') : ''
      lines.push(`${type} ${header('WARC-Target-URI') ?? ''} ${digest}`)
    }
  }
  return lines.toSorted()
}
