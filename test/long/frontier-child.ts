/**
 * Child of the memory test: fills a SQLite frontier with URLs as a feed does, in a process set up as the
 * command's and with nothing else in it.
 *
 *     node frontier-child.ts FOLDER COUNT SEEN_BUDGET_MB
 *
 * Prints one JSON line: `{ tenths, rssMb, peakMb, known, bytesOnDisk }`.
 */
import { readFileSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { keepHeapSmall } from '../../src/cli/heap.ts'
import { systemClock } from '../../src/engine/clock.ts'
import { sqliteFrontier } from '../../src/frontier/sqlite/index.ts'
import { createFingerprint } from '../../src/url/fingerprint.ts'

export interface Filled {
  /** ms for each tenth of the URLs. */
  readonly tenths: readonly number[]
  /** Resident set at the end of each tenth, MB. */
  readonly rssMb: readonly number[]
  readonly peakMb: number
  readonly known: number
  readonly bytesOnDisk: number
}

const MB = 1_000_000
const ADD = 1000
const HOSTS = 10_000

// As the command does in its process.
keepHeapSmall()
const [path = '', countText = '', budgetText = ''] = process.argv.slice(2)
const count = Number(countText)
const fingerprint = await createFingerprint(0x5eedn)
const { frontier } = await sqliteFrontier({
  path,
  clock: systemClock(),
  defaults: () => ({ delayMs: 1000, conns: 1 }),
  inputFp: (source, ordinal) => fingerprint.ofInput(source, ordinal),
  seenBudgetBytes: Number(budgetText) * 1024 * 1024,
})
const tenths: number[] = []
const rssMb: number[] = []
let started = performance.now()
for (let from = 0; from < count; from += ADD) {
  const batch = []
  for (let n = from; n < Math.min(count, from + ADD); n++) {
    const key = `host-${n % HOSTS}.example`
    const url = `https://${key}/section/${n % 97}/page-${n}.html`
    batch.push({ url, key, fp: fingerprint.of(url) })
  }
  await frontier.add(batch)
  if (((from + ADD) * 10) % count !== 0) continue
  const now = performance.now()
  tenths.push(now - started)
  rssMb.push(process.memoryUsage.rss() / MB)
  started = now
}
const { known } = await frontier.stats()
const bytesOnDisk = readdirSync(path).reduce((sum, name) => sum + statSync(join(path, name)).size, 0)
await frontier.close()
const filled: Filled = { tenths, rssMb, peakMb: peakBytes() / MB, known, bytesOnDisk }
process.stdout.write(`${JSON.stringify(filled)}\n`)

/** The kernel's own high-water mark where it has one: of this process alone, as `maxRSS` is not after a fork. */
function peakBytes(): number {
  try {
    const kib = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]
    if (kib !== undefined) return Number(kib) * 1024
  } catch {
    // Not Linux.
  }
  return process.resourceUsage().maxRSS * 1024
}
