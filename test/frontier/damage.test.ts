/**
 * Damage to a job's database: every byte that changes is noticed where it is in a row, the repair keeps all that can be
 * read, and what it made is a job like any other.
 */
import assert from 'node:assert/strict'
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, test } from 'node:test'
import { systemClock } from '../../src/engine/clock.ts'
import type { Claim, Frontier } from '../../src/frontier/frontier.ts'
import { auditStore } from '../../src/frontier/sqlite/audit.ts'
import { sqliteFrontier } from '../../src/frontier/sqlite/index.ts'
import { repairStore } from '../../src/frontier/sqlite/repair.ts'
import type { PageRecord } from '../../src/model/record.ts'
import { fpOf, request } from '../../src/testing/frontier/lab.ts'
import { random } from '../../src/testing/random.ts'

/** Flips a run; the long form is in test/long. */
const FLIPS = Number(process.env['SLUICE_FLIPS'] ?? 40)
const LINES = 600
const SETTLED = 250
const TABLES = 'meta key lane robots source request added ledger settled again state position event'.split(' ')

let root: string
let sound: string

async function open(folder: string): Promise<Frontier> {
  const opened = await sqliteFrontier({
    path: folder,
    clock: systemClock(),
    defaults: () => ({ delayMs: 0, conns: 50 }),
    inputFp: (source, ordinal) => fpOf(`${source} ${ordinal}`),
  })
  return opened.frontier
}

function urlOf(line: number): string {
  return `http://h${line % 20}.test/${line}`
}

async function addLines(frontier: Frontier): Promise<void> {
  await frontier.add(
    Array.from({ length: LINES }, (_, i) => request(urlOf(i), { input: { source: 'list', ordinal: i } })),
    new Map([
      ['source:list', Buffer.from('600')],
      ['sink:x', Buffer.from('12345')],
    ]),
  )
}

/** @param most settlements; all that is left, tries included, where it is infinite */
async function settle(frontier: Frontier, most: number): Promise<void> {
  let { seq } = await frontier.stats()
  for (let settled = 0; settled < most; ) {
    const { claims } = await frontier.claim({ max: Math.min(50, most - settled), leaseMs: 60_000, worker: 'w' })
    if (claims.length === 0) {
      const { queued, delayed } = await frontier.stats()
      if (queued + delayed === 0) return
      await new Promise((resolve) => setImmediate(resolve))
      continue
    }
    await frontier.end(claims.map(({ id }) => ({ id, paceMs: 0, endedAgoMs: 0 })))
    await frontier.settle({
      outcomes: claims.map((claim, i) => {
        // Some wait for another try, so that there are states to damage.
        if (i % 10 === 9 && most < LINES) return { id: claim.id, do: 'retry', afterMs: 0, code: 'CONNECTION_RESET' }
        return { id: claim.id, do: 'done', outcome: 'ok', record: recordOf(claim, ++seq) }
      }),
    })
    settled += claims.length
  }
}

function recordOf({ url, attempt }: Claim, seq: number): PageRecord {
  return { url, outcome: 'ok', status: 200, depth: 0, attempt, t: '2025-01-01T00:00:00.000Z', run: 1, seq }
}

/** All rows as text, or undefined where they cannot be read. */
function dump(folder: string): Map<string, string> | undefined {
  const db = new DatabaseSync(join(folder, 'job.db'), { readOnly: true })
  try {
    return new Map(
      TABLES.map((table) => [
        table,
        JSON.stringify(db.prepare(`SELECT * FROM ${table}`).all(), (_, value: unknown) =>
          value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value,
        ),
      ]),
    )
  } catch {
    return undefined
  } finally {
    db.close()
  }
}

function damaged(name: string): string {
  const folder = join(root, name)
  rmSync(folder, { recursive: true, force: true })
  cpSync(sound, folder, { recursive: true })
  return folder
}

function problemsOf(folder: string): readonly string[] {
  try {
    return auditStore(folder).problems
  } catch (error) {
    const { code, message } = error as { code?: string; message: string }
    assert.ok(code === 'FRONTIER_CORRUPT' || code === 'FORMAT_UNSUPPORTED', `${String(code)}: ${message}`)
    return [message]
  }
}

before(async () => {
  root = mkdtempSync(join(tmpdir(), 'sluice-damage-'))
  sound = join(root, 'sound')
  const frontier = await open(sound)
  await addLines(frontier)
  await settle(frontier, SETTLED)
  await frontier.close()
})

after(() => rmSync(root, { recursive: true, force: true }))

/** Runs what is left to its end after the list was given again, as the same command does. */
async function finish(folder: string): Promise<void> {
  const frontier = await open(folder)
  await addLines(frontier)
  await settle(frontier, Number.POSITIVE_INFINITY)
  const { known, done: outcomes, queued, delayed } = await frontier.stats()
  assert.equal(queued + delayed, 0)
  assert.equal(
    Object.values(outcomes).reduce((sum, count) => sum + count, 0),
    known,
  )
  assert.ok(known >= LINES, `${known} known`)
  await frontier.close()
  assert.deepEqual(auditStore(folder).problems, [])
  const db = new DatabaseSync(join(folder, 'job.db'), { readOnly: true })
  const settled = new Set(
    db
      .prepare('SELECT record FROM ledger')
      .all()
      .map((row) => (JSON.parse(String(row['record'])) as { url: string }).url),
  )
  db.close()
  for (let i = 0; i < LINES; i++) assert.ok(settled.has(urlOf(i)), `${urlOf(i)} has no outcome`)
}

test('a byte that changes anywhere in a row is noticed, and the repaired job ends with every line of its list', async () => {
  const chance = random(7)
  const whole = dump(sound)
  assert.ok(whole !== undefined)
  const bytes = readFileSync(join(sound, 'job.db'))
  const pages = bytes.length / 4096
  let repaired = 0
  for (let n = 0; n < FLIPS; n++) {
    const folder = damaged('flipped')
    const flipped = Buffer.from(bytes)
    const at = chance.int(0, pages - 1) * 4096 + chance.int(0, 4095)
    flipped[at] = (flipped[at] as number) ^ (1 << chance.int(0, 7))
    writeFileSync(join(folder, 'job.db'), flipped)
    if (problemsOf(folder).length === 0) {
      assert.deepEqual(dump(folder), whole, `byte ${at} changed a row and nobody noticed`)
      continue
    }
    // In the header of the file: another format, or no job at all.
    if (at < 100) continue
    const repair = repairStore(folder, systemClock())
    assert.ok(repair !== undefined, `byte ${at}`)
    assert.deepEqual(auditStore(folder).problems, [], `byte ${at}`)
    assert.ok(readFileSync(join(repair.aside, 'job.db')).equals(flipped), 'what was damaged is kept')
    await finish(folder)
    repaired++
  }
  assert.ok(repaired > FLIPS / 2, `${repaired} repaired`)
})

test('a page that is overwritten costs its own rows alone', async () => {
  const chance = random(8)
  const bytes = readFileSync(join(sound, 'job.db'))
  for (let n = 0; n < 12; n++) {
    const folder = damaged('overwritten')
    const page = chance.int(2, bytes.length / 4096 - 1)
    const damagedBytes = Buffer.from(bytes)
    damagedBytes.fill(0xa5, page * 4096, (page + 1) * 4096)
    writeFileSync(join(folder, 'job.db'), damagedBytes)
    if (problemsOf(folder).length === 0) continue
    const repair = repairStore(folder, systemClock())
    assert.ok(repair !== undefined)
    assert.deepEqual(auditStore(folder).problems, [], `page ${page}`)
    await finish(folder)
  }
})

test('a sound job is not repaired, and one of which nothing can be read is left as it is', () => {
  const folder = damaged('repaired')
  const before = readFileSync(join(folder, 'job.db'))
  assert.equal(repairStore(folder, systemClock()), undefined)
  assert.ok(readFileSync(join(folder, 'job.db')).equals(before))
  const garbage = Buffer.alloc(64 * 1024, 'this is no database ')
  writeFileSync(join(folder, 'job.db'), garbage)
  assert.throws(() => repairStore(folder, systemClock()), { code: 'FRONTIER_CORRUPT' })
  assert.ok(readFileSync(join(folder, 'job.db')).equals(garbage))
  assert.deepEqual(
    readdirSync(folder).filter((name) => name.startsWith('damaged')),
    [],
  )
})

test('a repair that died in its last step is ended by the next one', async () => {
  const folder = damaged('halfway')
  cpSync(join(folder, 'job.db'), join(folder, 'job.db.new'))
  rmSync(join(folder, 'job.db'))
  assert.equal(repairStore(folder, systemClock()), undefined)
  assert.ok(!existsSync(join(folder, 'job.db.new')))
  await finish(folder)
})

test('a database of format 1 is brought up to date with all its rows, and viewers read it as it is', async () => {
  const folder = damaged('old')
  const db = new DatabaseSync(join(folder, 'job.db'))
  for (const table of ['meta', 'key', 'lane', 'source', 'again', 'state', 'position', 'event'])
    db.exec(`ALTER TABLE ${table} DROP COLUMN sum`)
  db.exec('UPDATE robots SET sum = 1; PRAGMA user_version=1')
  db.close()
  assert.deepEqual(auditStore(folder).problems, [])
  await finish(folder)
  const after = new DatabaseSync(join(folder, 'job.db'), { readOnly: true })
  assert.equal(after.prepare('PRAGMA user_version').get()?.['user_version'], 2)
  after.close()
})

test('a log that is cut or gone costs the last commits, never the job', async () => {
  const folder = damaged('logged')
  const frontier = await open(folder)
  await settle(frontier, 200)
  // As a kill leaves it: nothing is moved out of the log.
  const killed = join(root, 'killed')
  cpSync(folder, killed, { recursive: true })
  await frontier.close()
  const log = join(killed, 'job.db-wal')
  const size = statSync(log).size
  assert.ok(size > 4096, `${size} bytes`)
  const cuts = Array.from({ length: Math.floor(size / 512) }, (_, i) => i * 512)
  const chance = random(9)
  for (const cut of chance.shuffle(cuts).slice(0, FLIPS / 2)) {
    const copy = join(root, 'cut')
    rmSync(copy, { recursive: true, force: true })
    cpSync(killed, copy, { recursive: true })
    if (chance.next() < 0.5) rmSync(join(copy, 'job.db-shm'), { force: true })
    if (cut === 0) rmSync(join(copy, 'job.db-wal'))
    else truncateSync(join(copy, 'job.db-wal'), cut)
    assert.deepEqual(auditStore(copy).problems, [], `cut at ${cut}`)
    await finish(copy)
  }
})
