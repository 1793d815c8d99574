/**
 * A small crawl over a durable frontier that kills itself at a given write to the database. Says on stdout, one JSON
 * line each, what the frontier has acknowledged.
 *
 * Arguments: folder, number of inputs, write at which to die (0: never).
 */
import { writeSync } from 'node:fs'
import { DatabaseSync, StatementSync } from 'node:sqlite'
import { systemClock } from '../../src/engine/clock.ts'
import type { Claim, Settlement } from '../../src/frontier/frontier.ts'
import { sqliteFrontier } from '../../src/frontier/sqlite/index.ts'
import type { NewRequest } from '../../src/model/request.ts'
import { fpOf, keyOf, request } from '../../src/testing/frontier/lab.ts'

const [folder, inputs, dieAt] = [process.argv[2] as string, Number(process.argv[3]), Number(process.argv[4])]
let writes = 0

function countWrite(): void {
  if (++writes === dieAt) process.kill(process.pid, 'SIGKILL')
}

const { run } = StatementSync.prototype
StatementSync.prototype.run = function (this: StatementSync, ...values: Parameters<typeof run>) {
  countWrite()
  return run.apply(this, values)
} as typeof run
const { exec } = DatabaseSync.prototype
DatabaseSync.prototype.exec = function (this: DatabaseSync, sql: string) {
  countWrite()
  return exec.call(this, sql)
}

const { frontier, positions } = await sqliteFrontier({
  path: folder,
  clock: systemClock(),
  defaults: () => ({ delayMs: 0, conns: 2 }),
  inputFp: (source, ordinal) => fpOf(`input ${source} ${ordinal}`),
})
let seq = (await frontier.stats()).seq
let settled = numberOf('settled')
let read = numberOf('source')

function numberOf(name: string): number {
  const value = positions.get(name)
  return value === undefined ? 0 : Number(Buffer.from(value).toString())
}

function say(what: object): void {
  writeSync(1, `${JSON.stringify(what)}\n`)
}

async function feed(): Promise<void> {
  while (read < inputs) {
    const batch: NewRequest[] = []
    const from = read
    for (; batch.length < 7 && read < inputs; read++) {
      // Every ninth line repeats an earlier one.
      const n = read % 9 === 8 ? read - 5 : read
      batch.push(request(`http://h${n % 5}.test/${n}`, { input: { source: 'list', ordinal: read } }))
    }
    await frontier.add(batch, new Map([['source', Buffer.from(String(read))]]))
    say({ added: from, to: read })
  }
}

function decide(claim: Claim): Settlement {
  const { id, url } = claim
  const n = Number(/\d+$/.exec(url)?.[0] ?? 0)
  if (claim.verdict === undefined) {
    if (n % 4 === 1 && claim.attempt === 1) return { id, do: 'retry', afterMs: n % 3, code: 'TIMEOUT_BODY' }
    if (n % 6 === 2 && claim.root === undefined) {
      const to = `http://h${(n + 1) % 5}.test/moved/${n}`
      return {
        id,
        do: 'follow',
        hop: { url: to, key: keyOf(to), fp: fpOf(`hop ${url}`), hop: 1, chain: [url], target: fpOf(to) },
      }
    }
  }
  const record = {
    url: claim.rootUrl ?? url,
    outcome: 'ok' as const,
    depth: 0,
    attempt: claim.attempt,
    t: new Date().toISOString(),
    run: 1,
    seq: ++seq,
  }
  return { id, do: 'done', outcome: 'ok', record }
}

const feeding = feed()
for (;;) {
  const { claims, state, nextReadyInMs } = await frontier.claim({ max: 8, leaseMs: 60_000, worker: 'child' })
  if (claims.length === 0) {
    if (state === 'empty' && read >= inputs) break
    await Promise.race([feeding, new Promise((resolve) => setTimeout(resolve, nextReadyInMs ?? 1))])
    await new Promise((resolve) => setImmediate(resolve))
    continue
  }
  await frontier.end(
    claims.filter((claim) => claim.verdict === undefined).map(({ id }) => ({ id, paceMs: 0, endedAgoMs: 0 })),
  )
  const outcomes = claims.map(decide)
  const done = outcomes.flatMap((outcome) => (outcome.do === 'done' ? [outcome.record] : []))
  settled += done.length
  const links = done
    .filter((record) => record.seq % 5 === 0)
    .map((record) => request(`${record.url}/link/${record.seq % 7}`))
  await frontier.settle({ outcomes, links, positions: new Map([['settled', Buffer.from(String(settled))]]) })
  say({ settled: done.map((record) => record.seq), total: settled })
}
await feeding
await frontier.close()
say({ finished: true })
