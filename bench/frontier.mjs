/**
 * node frontier.mjs N [add|all] [HOSTS]: the SQLite frontier alone. N URLs in by 1,000, the same N again (all refused), then
 * claimed, ended and settled in groups as the engine does, closed and opened again. Prints one JSON line. `add` stops after
 * the adds and opens again with everything pending. Runs on the pinned Node, which reads the sources as they are.
 */
import { readdirSync, rmSync, statSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../src/engine/clock.ts'
import { sqliteFrontier } from '../src/frontier/sqlite/index.ts'
import { createFingerprint } from '../src/url/fingerprint.ts'

const count = Number(process.argv[2] ?? 100_000)
const mode = process.argv[3] ?? 'all'
const hosts = Number(process.argv[4] ?? 10_000)
/** As the feed adds, and as the engine claims and settles at 64 in flight. */
const ADD = 1000
const CLAIM = 64

const path = await mkdtemp(join(process.env.BENCH_WORK ?? tmpdir(), 'frontier-'))
const fingerprint = await createFingerprint(0x5eedn)
const open = () =>
  sqliteFrontier({
    path,
    clock: systemClock(),
    defaults: () => ({ delayMs: 0, conns: CLAIM }),
    inputFp: (source, ordinal) => fingerprint.ofInput(source, ordinal),
    durability: 'kill',
    unsafeLock: false,
    seenBudgetBytes: 256 * 1024 * 1024,
  })

let { frontier } = await open()
try {
  const added = await addAll()
  const again = await addAll()
  const settled = mode === 'all' ? await settleAll() : undefined
  await frontier.close()
  const openStarted = performance.now()
  frontier = (await open()).frontier
  const openMs = performance.now() - openStarted
  const { known, queued } = await frontier.stats()
  console.log(
    JSON.stringify({
      impl: 'sluice sqlite',
      N: count,
      hosts: Math.min(hosts, count),
      added: added.added,
      again: again.added,
      addPerS: Math.round((count / added.ms) * 1000),
      dupPerS: Math.round((count / again.ms) * 1000),
      ...(settled === undefined
        ? {}
        : { settled: settled.settled, settleUs: +((settled.ms / count) * 1000).toFixed(2) }),
      openMs: Math.round(openMs),
      known,
      queued,
      rssMB: Math.round(process.resourceUsage().maxRSS / 1024),
      diskMB: +(sizeOf(path) / 1e6).toFixed(1),
    }),
  )
} finally {
  await frontier.close()
  rmSync(path, { recursive: true, force: true })
}

async function addAll() {
  const started = performance.now()
  let added = 0
  for (let from = 0; from < count; from += ADD) {
    const batch = []
    for (let i = from; i < Math.min(count, from + ADD); i++) {
      const key = `host-${i % hosts}.example`
      const url = `https://${key}/section/${i % 97}/page-${i}.html`
      batch.push({ url, key, fp: fingerprint.of(url) })
    }
    added += (await frontier.add(batch)).added
  }
  return { added, ms: performance.now() - started }
}

async function settleAll() {
  const started = performance.now()
  let seq = (await frontier.stats()).seq
  let settled = 0
  for (;;) {
    const { claims, state } = await frontier.claim({ max: CLAIM, leaseMs: 60_000, worker: 'bench' })
    if (claims.length === 0) {
      if (state === 'empty') return { settled, ms: performance.now() - started }
      throw new Error(`nothing to claim with ${count - settled} left: ${state}`)
    }
    await frontier.end(claims.map(({ id }) => ({ id, paceMs: 0, endedAgoMs: 0 })))
    await frontier.settle({
      outcomes: claims.map(({ id, url }) => {
        const record = {
          url,
          outcome: 'ok',
          status: 200,
          bytes: 25_000,
          depth: 0,
          attempt: 1,
          t: '2026-01-01T00:00:00.000Z',
          run: 1,
          seq: ++seq,
        }
        return { id, do: 'done', outcome: 'ok', record, json: JSON.stringify(record) }
      }),
    })
    settled += claims.length
  }
}

function sizeOf(folder) {
  return readdirSync(folder, { withFileTypes: true }).reduce((sum, entry) => {
    const full = join(folder, entry.name)
    return sum + (entry.isDirectory() ? sizeOf(full) : entry.isFile() ? statSync(full).blocks * 512 : 0)
  }, 0)
}
