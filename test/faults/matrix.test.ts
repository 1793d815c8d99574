/**
 * The fault matrix: 95 ways in which the web misbehaves, each in its class, five times in shuffled order among good URLs
 * that must all be fetched. What cannot pass yet is in the table as open, by name, and the number of it is printed.
 */
import assert from 'node:assert/strict'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { test } from 'node:test'
import type { PageRecord } from '../../src/index.ts'
import { FAULT_CASES, type FaultName } from '../../src/testing/origin/fault-cases.ts'
import { startOriginProcess } from '../../src/testing/origin/remote.ts'
import { random } from '../../src/testing/random.ts'
import { RUNS, TIMED, type Run, type Web } from './runs.ts'
import { difference } from './seen.ts'
import { TABLE } from './table.ts'
import { optionsFor, recordsOf, urlsOf } from './web.ts'

const CASES = 95
const ROUNDS = 5
const GOOD = 500
const AT_ONCE = 5
/**
 * Round after which memory is the base: the first ones load code, fill caches and let the allocator take what the worst
 * moment needs; measured over nine rounds, the resident set rises up to the third and not after it.
 */
const SETTLED = 2
/** What memory may have grown by when all is over: what is held, and what the system counts. */
const GROWTH = 1.1
/** Looks at memory, of which the lowest counts: what was let go returns to the system late. */
const LOOKS = 5
const NAMES = Object.keys(TABLE) as FaultName[]
const chance = random(6)

function goodUrls(round: number): string[] {
  return Array.from({ length: GOOD }, (_, n) => `http://good${n % 10}.r${round}.test/ok?${n}`)
}

/** Cases that any host can be, with the good URLs between them. */
function list(good: readonly string[], onGood: (records: readonly PageRecord[]) => void): Run {
  return async ({ origin, round }, names) => {
    const urls = chance.shuffle([...good, ...names.flatMap((name) => urlsOf(name, round))])
    const byUrl = new Map((await recordsOf(urls, optionsFor(origin))).map((record) => [record.url, record]))
    onGood(good.flatMap((url) => byUrl.get(url) ?? []))
    return new Map(names.map((name) => [name, urlsOf(name, round).flatMap((url) => byUrl.get(url) ?? [])]))
  }
}

function namesOf(run: string): FaultName[] {
  return NAMES.filter((name) => (TABLE[name].in ?? 'list') === run && TABLE[name].open === undefined)
}

/** Notes what is not as the table says. */
function compare(name: FaultName, records: readonly PageRecord[] | undefined, wrong: Map<FaultName, string>): void {
  const row = TABLE[name]
  if (records === undefined || records.length === 0) wrong.set(name, 'no record')
  else if (row.each !== undefined && row.each.length !== records.length) {
    wrong.set(name, `${records.length} records: ${records.map(({ url, outcome }) => `${url} ${outcome}`).join(', ')}`)
  } else {
    for (const [i, record] of records.entries()) {
      const why = difference(record, row.each?.[i] ?? row)
      if (why !== undefined) wrong.set(name, why)
    }
  }
}

async function throughAll(web: Web, wrong: Map<FaultName, string>): Promise<readonly PageRecord[]> {
  let good: readonly PageRecord[] = []
  const runs = { ...RUNS, list: list(goodUrls(web.round), (records) => (good = records)) }
  const all = chance.shuffle(Object.entries(runs)).filter(([run]) => namesOf(run).length > 0)
  await sideBySide(
    all.filter(([run]) => !TIMED.has(run)),
    web,
    wrong,
  )
  await sideBySide(
    all.filter(([run]) => TIMED.has(run)),
    web,
    wrong,
  )
  return good
}

async function sideBySide(waiting: [string, Run][], web: Web, wrong: Map<FaultName, string>): Promise<void> {
  const worker = async (): Promise<void> => {
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      const names = namesOf(next[0])
      try {
        const records = await next[1](web, names)
        for (const name of names) compare(name, records.get(name), wrong)
      } catch (error) {
        for (const name of names) wrong.set(name, `${next[0]}: ${(error as Error).message}`)
      }
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
}

interface Memory {
  readonly held: number
  readonly resident: number
}

async function memory(): Promise<Memory> {
  let lowest = await memoryNow()
  for (let look = 1; look < LOOKS; look++) {
    const now = await memoryNow()
    if (now.resident < lowest.resident) lowest = now
  }
  return lowest
}

async function memoryNow(): Promise<Memory> {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  // Twice, with a turn between: what is finalised in the first frees its memory in the second.
  for (let i = 0; i < 2; i++) {
    collect()
    await new Promise((resolve) => setImmediate(resolve))
  }
  const { heapUsed, external, rss } = process.memoryUsage()
  return { held: heapUsed + external, resident: rss }
}

test('the table has a row for each case of the matrix and each row a case', () => {
  const numbers = new Set(Object.values(FAULT_CASES).map(({ number }) => number))
  assert.deepEqual(
    [...numbers].toSorted((a, b) => a - b),
    Array.from({ length: CASES }, (_, i) => i + 1),
  )
  assert.deepEqual(NAMES.toSorted(), Object.keys(FAULT_CASES).toSorted())
  for (const name of NAMES) {
    const { each, outcome, open, in: run = 'list' } = TABLE[name]
    assert.ok(each !== undefined || outcome !== undefined, name)
    assert.ok(open !== undefined || run === 'list' || RUNS[run] !== undefined, `${name}: no run ${run}`)
  }
})

test('every fault ends in its class, in any order, and no good URL notices any of them', async (t) => {
  const escaped: unknown[] = []
  const note = (error: unknown): void => void escaped.push(error)
  process.on('unhandledRejection', note).on('uncaughtException', note)
  const origin = await startOriginProcess()
  t.after(async () => {
    process.off('unhandledRejection', note).off('uncaughtException', note)
    await origin.close()
  })
  const wrong = new Map<FaultName, string>()
  let base: Memory = { held: 0, resident: 0 }
  for (let round = 0; round < ROUNDS; round++) {
    const good = await throughAll({ origin, round }, wrong)
    assert.equal(good.length, GOOD)
    assert.deepEqual(
      good.filter(({ outcome, attempt }) => outcome !== 'ok' || attempt !== 1),
      [],
    )
    if (round === SETTLED) base = await memory()
  }
  const last = await memory()
  const held = last.held / base.held
  const resident = last.resident / base.resident
  const open = NAMES.filter((name) => TABLE[name].open !== undefined)
  const numbers = (names: readonly FaultName[]): Set<number> => new Set(names.map((name) => FAULT_CASES[name].number))
  const left = numbers([...open, ...wrong.keys()])
  const told = open.map((name) => `${FAULT_CASES[name].number} ${name} (${TABLE[name].open})`)
  console.log(
    `${CASES - left.size} of ${CASES}, ${numbers(open).size} open${told.length > 0 ? `: ${told.join(', ')}` : ''}; ` +
      `memory held ${held.toFixed(2)}, resident ${resident.toFixed(2)} times the base`,
  )
  assert.deepEqual(Object.fromEntries(wrong), {})
  assert.deepEqual(escaped, [])
  assert.ok(held <= GROWTH && resident <= GROWTH, `memory grew by ${held} and ${resident}`)
})
