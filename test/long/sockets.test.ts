/** Ten thousand connections at a time, with room for them and without: FAULTS.md, E14. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { startOriginProcess } from '../../src/testing/origin/remote.ts'
import type { Fetched } from './sockets-child.ts'

const CHILD = fileURLToPath(new URL('./sockets-child.ts', import.meta.url))
const ADDRESSES = 16
const SOCKETS = 10_000
const run = promisify(execFile)

/** Descriptors that a process here may have. */
function limit(): number {
  return Number(/^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1] ?? 0)
}

async function fetchFrom(hosts: number, answerMs: number, descriptors: number) {
  await using origin = await startOriginProcess({
    addresses: Array.from({ length: ADDRESSES }, (_, n) => `127.0.0.${n + 1}`),
  })
  await origin.site('*', { answerMs })
  const args = ['--conditions=sluice-source', '--disable-warning=ExperimentalWarning', CHILD]
  const script = `ulimit -n ${descriptors}; exec "$0" "$@"`
  const numbers = [origin.port, hosts, ADDRESSES, SOCKETS].map(String)
  const { stdout } = await run('bash', ['-c', script, process.execPath, ...args, ...numbers])
  const fetched = JSON.parse(stdout) as Fetched
  const most = await origin.ledger().maxConcurrent()
  const { outcomes, peakBytes, lateMs, ms } = fetched
  console.log(
    `figure: ${hosts} hosts, ${descriptors} descriptors: ${most} at a time, ${(ms / 1000).toFixed(1)} s, ` +
      `peak ${Math.round(peakBytes / 1e6)} MB, event loop p99 ${lateMs.toFixed(0)} ms late`,
  )
  assert.deepEqual(outcomes, { ok: hosts })
  return { ...fetched, most }
}

test('ten thousand slow servers are waited for at the same time', {
  skip: limit() < 11_000 && 'too few descriptors',
}, async () => {
  // Long enough that the last connection is open before the first answer comes.
  const { most, peakBytes, lateMs } = await fetchFrom(SOCKETS, 15_000, limit())
  assert.ok(most >= SOCKETS, `${most} at a time`)
  assert.ok(peakBytes <= 1.5e9, `${peakBytes} bytes`)
  assert.ok(lateMs < 200, `${lateMs} ms`)
})

test('with descriptors for a tenth of them it goes slower, and nothing fails', async () => {
  const { most, attempts } = await fetchFrom(4_000, 50, 1_024)
  assert.ok(most < 1_024)
  assert.equal(attempts, 4_000, 'none was counted twice')
})
