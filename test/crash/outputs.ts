/** Judges what a job that was killed again and again left behind: every URL once in every output, none missing. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { parse } from 'csv-parse/sync'
import type { Summary } from '../../src/job/job.ts'
import { type KillOptions, type KillReport, runAndKill } from '../../src/testing/kill.ts'
import { random } from '../../src/testing/random.ts'
import { BIN } from '../cli/run-cli.ts'
import { readRecords, readSummary } from '../integration/web.ts'

/** The command under test, started anew with the same arguments after each kill. */
export function killSluice(
  args: readonly string[],
  options: Pick<KillOptions, 'kill' | 'maxKills' | 'timeoutMs' | 'onRestart'> & { readonly cwd: string },
): Promise<KillReport> {
  const { cwd } = options
  const env = { PATH: process.env['PATH'] ?? '', HOME: cwd, XDG_CONFIG_HOME: join(cwd, '.config'), LANG: 'C' }
  return runAndKill({ command: process.execPath, args: [BIN, ...args], env, ...options })
}

/** One row of any output, as far as it is judged here. */
export interface Row {
  readonly url: string
  readonly outcome: string
  readonly seq: number
}

/** Rows of `pages.ndjson`, `pages.csv`, `pages.sqlite` or a folder, told apart by the ending. */
export function readRows(path: string): Row[] {
  if (path.endsWith('.ndjson')) return readRecords(path)
  if (path.endsWith('.csv')) {
    const rows = parse(readFileSync(path), { columns: true, bom: true }) as Record<string, string>[]
    return rows.map((row) => ({ url: row['url'] ?? '', outcome: row['outcome'] ?? '', seq: Number(row['seq']) }))
  }
  if (path.endsWith('.sqlite')) {
    const db = new DatabaseSync(path, { readOnly: true })
    try {
      return db.prepare('SELECT url, outcome, seq FROM pages').all() as unknown as Row[]
    } finally {
      db.close()
    }
  }
  return readRecords(join(path, 'pages.ndjson'))
}

/** Asserts that the rows are exactly the URLs expected, each once, numbered without doubles, all with this outcome. */
export function assertOnce(path: string, expected: ReadonlySet<string>, outcome = 'ok'): void {
  const rows = readRows(path)
  const urls = new Set(rows.map(({ url }) => url))
  const lost = [...expected].filter((url) => !urls.has(url))
  const strange = [...urls].filter((url) => !expected.has(url))
  const bad = rows.filter((row) => row.outcome !== outcome)
  assert.deepEqual(
    {
      lost: lost.slice(0, 5),
      strange: strange.slice(0, 5),
      doubled: rows.length - urls.size,
      doubledSeq: rows.length - new Set(rows.map(({ seq }) => seq)).size,
      bad: bad.slice(0, 5),
    },
    { lost: [], strange: [], doubled: 0, doubledSeq: 0, bad: [] },
    path,
  )
}

/** Asserts that the books are closed: everything known has an outcome, and nothing is left. */
export function assertBalanced(cwd: string, job: string, known: number): Summary {
  const summary = readSummary(cwd, job)
  assert.equal(summary.known, known)
  assert.equal(summary.doneTotal, known)
  assert.equal(summary.left.total, 0)
  assert.equal(summary.end, 'finished')
  return summary
}

/**
 * Seeded arrivals at the web at which to kill: one at random in each of as many equal parts of a job's requests. A time
 * after the start would hit the start of the process again and again, and on another machine something else.
 */
export function instants(kills: number, requests: number, seed: number): number[] {
  const draw = random(seed)
  const part = requests / kills
  return Array.from({ length: kills }, (_, n) => Math.ceil((n + draw.next()) * part))
}

/** `http://host` + each path. */
export function urlsOf(host: string, paths: Iterable<string>): Set<string> {
  const urls = new Set<string>()
  for (const path of paths) urls.add(`http://${host}${path}`)
  return urls
}
