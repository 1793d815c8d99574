import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { systemClock } from '../../src/engine/clock.ts'
import type { LedgerRow } from '../../src/frontier/frontier.ts'
import { sqliteFrontier } from '../../src/frontier/sqlite/index.ts'
import { sumCounts } from '../../src/model/outcome.ts'
import { fpOf } from '../../src/testing/frontier/lab.ts'
import { random } from '../../src/testing/random.ts'

const CHILD = fileURLToPath(new URL('./kill-child.ts', import.meta.url))
const INPUTS = 150

interface Acknowledged {
  /** Inputs below it were added. */
  added: number
  seqs: Set<number>
  finished: boolean
}

async function runChild(folder: string, dieAt: number, known: Acknowledged): Promise<void> {
  const child = spawn(
    process.execPath,
    ['--conditions=sluice-source', '--no-warnings', CHILD, folder, String(INPUTS), String(dieAt)],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  const exited = once(child, 'exit')
  for await (const line of createInterface({ input: child.stdout })) {
    const said = JSON.parse(line) as { to?: number; settled?: number[]; finished?: boolean }
    if (said.to !== undefined) known.added = Math.max(known.added, said.to)
    for (const seq of said.settled ?? []) known.seqs.add(seq)
    if (said.finished === true) known.finished = true
  }
  const [code, signal] = (await exited) as [number | null, string | null]
  assert.ok(signal === 'SIGKILL' || code === 0, `the child ended with ${code ?? signal}`)
}

/** Opens a copy, so that looking changes nothing. */
async function audit(folder: string, known: Acknowledged): Promise<void> {
  const copy = mkdtempSync(join(tmpdir(), 'sluice-audit-'))
  try {
    for (const name of ['job.db', 'job.db-wal'])
      if (existsSync(join(folder, name))) copyFileSync(join(folder, name), join(copy, name))
    const { frontier, positions } = await sqliteFrontier({
      path: copy,
      clock: systemClock(),
      defaults: () => ({ delayMs: 0, conns: 2 }),
      inputFp: (source, ordinal) => fpOf(`input ${source} ${ordinal}`),
    })
    const stats = await frontier.stats()
    const settled = await all((after) => frontier.scan({ what: 'ledger', limit: 1_000, after }))
    const left = await all((after) => frontier.scan({ what: 'left', limit: 1_000, after }))
    await frontier.close()
    assert.equal(stats.known, settled.length + left.length)
    assert.equal(sumCounts(stats.done), settled.length)
    const seqs = settled.map((row) => row.ref)
    assert.equal(new Set(seqs).size, seqs.length)
    for (const seq of known.seqs) assert.ok(seqs.includes(seq), `settlement ${seq} was acknowledged and is gone`)
    assert.equal(Number(Buffer.from(positions.get('settled') ?? Buffer.from('0')).toString()), settled.length)
    const read = Number(Buffer.from(positions.get('source') ?? Buffer.from('0')).toString())
    assert.ok(read >= known.added)
    const ordinals = [...settled, ...left]
      .flatMap((row) => (row.input === undefined ? [] : [row.input.ordinal]))
      .sort((a, b) => a - b)
    assert.deepEqual(
      ordinals,
      Array.from({ length: read }, (_, i) => i),
      'every input that was read has one row',
    )
  } finally {
    rmSync(copy, { recursive: true, force: true })
  }
}

async function all(
  slice: (after: number) => Promise<{ rows: LedgerRow[]; next: number | null }>,
): Promise<LedgerRow[]> {
  const rows: LedgerRow[] = []
  for (let after: number | null = 0; after !== null; ) {
    const part: { rows: LedgerRow[]; next: number | null } = await slice(after)
    rows.push(...part.rows)
    after = part.next
  }
  return rows
}

test('a frontier killed at random writes loses nothing it acknowledged and settles every input once', async (t) => {
  const seed = Number(process.env['SLUICE_SEED'] ?? Math.floor(Math.random() * 1e9))
  const kills = Number(process.env['SLUICE_KILLS'] ?? 8)
  t.diagnostic(`SLUICE_SEED=${seed}`)
  const dice = random(seed)
  const root = mkdtempSync(join(tmpdir(), 'sluice-kill-'))
  const folder = join(root, 'job')
  mkdirSync(folder)
  const known: Acknowledged = { added: 0, seqs: new Set(), finished: false }
  try {
    for (let i = 0; i < kills; i++) {
      await runChild(folder, dice.int(1, i === 0 ? 60 : 130), known)
      if (existsSync(join(folder, 'job.db'))) await audit(folder, known)
      if (known.finished) break
    }
    if (!known.finished) await runChild(folder, 0, known)
    assert.ok(known.finished)
    assert.equal(known.added, INPUTS)
    await audit(folder, known)
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
})
