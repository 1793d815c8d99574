/** Politeness judged by what arrived at the web, and its price in time: FAULTS.md, E18. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { random } from '../../src/testing/random.ts'
import { startOriginProcess } from '../../src/testing/origin/remote.ts'
import { assertBalanced, assertOnce, killSluice } from '../crash/outputs.ts'
import { inFolder } from '../cli/run-cli.ts'
import { type SkewedList, skewedList } from './polite-list.ts'

interface Polite {
  readonly name: string
  readonly list: SkewedList
  readonly delayMs: number
  /** Most time a run may take, as a multiple of the bound that the web's ledger gives. */
  readonly most: number
  readonly kills?: number
}

/** Runs of one URL whose median is the time a process takes to start and to end, without any waiting. */
const STARTS = 5

async function startMs(cwd: string, names: readonly string[]): Promise<number> {
  const times: number[] = []
  for (let n = 0; n < STARTS; n++) {
    const job = ['-j', `start-${n}`, '--robots', 'ignore', '--reason', 'measured start', '-o', `start-${n}.ndjson`]
    const report = await killSluice(['fetch', 'http://start.test/', ...job, ...names], {
      cwd,
      maxKills: 0,
      kill: { ms: [0, 1], random: random(1) },
    })
    assert.equal(report.exitCode, 0, report.stderr)
    times.push(report.perRun[0]?.ms as number)
  }
  return times.toSorted((a, b) => a - b)[Math.floor(STARTS / 2)] as number
}

async function politely({ name, list, delayMs, most, kills = 0 }: Polite): Promise<void> {
  const origin = await startOriginProcess({
    sites: { '*': { robots: 'User-agent: *\nAllow: /\n', content: { kind: 'graph', seed: 1, pages: 100, links: 1 } } },
  })
  try {
    await inFolder(async (cwd) => {
      const urls = skewedList(list)
      writeFileSync(join(cwd, 'list.txt'), `${urls.join('\n')}\n`)
      const names = ['--resolve', origin.resolveFlag, '--contact', 'https://lab.example/bot', '--progress', 'none']
      const speed = ['--delay', `${delayMs}ms`, '-c', '2000']
      const processMs = await startMs(cwd, names)
      await origin.clearLedger()
      const started = performance.now()
      const report = await killSluice(['fetch', 'list.txt', '-j', 'polite', ...names, ...speed, '-o', 'pages.ndjson'], {
        cwd,
        maxKills: kills,
        kill: { ms: [3000, 8000], random: random(18) },
        timeoutMs: 600_000,
      })
      const tookMs = performance.now() - started
      assert.equal(report.exitCode, 0, report.stderr)
      assert.equal(report.kills, kills)
      const ledger = origin.ledger()
      const boundMs = await ledger.boundMs(delayMs)
      const violations = await ledger.violations(delayMs)
      console.log(
        `figure: ${name}: ${urls.length} URLs, ${(tookMs / 1000).toFixed(2)} s, bound ${(boundMs / 1000).toFixed(2)} s, ` +
          `ratio ${(tookMs / (boundMs + processMs)).toFixed(3)} (with a measured start of ${processMs.toFixed(0)} ms), ` +
          `smallest gap ${(await ledger.minGapMs()).toFixed(2)} ms, ${violations.length} violations, ${kills} kills`,
      )
      assert.deepEqual(violations.slice(0, 5), [])
      assert.equal(await ledger.maxConcurrentPerHost(), 1)
      assertOnce(join(cwd, 'pages.ndjson'), new Set(urls))
      assertBalanced(cwd, 'polite', urls.length)
      if (kills === 0) assert.ok(tookMs <= most * (boundMs + processMs), `${tookMs} ms, bound ${boundMs} ms`)
    })
  } finally {
    await origin.close()
  }
}

test('a thousand skewed hosts at one second each are never asked too soon, in 1.05 times the least time', () =>
  politely({
    name: '1,000 hosts, 1 s',
    list: { hosts: 1000, longest: 60, total: 15_000, seed: 7 },
    delayMs: 1000,
    most: 1.05,
  }))

test('a hundred hosts at a tenth of a second are never asked too soon, in 1.03 times the least time', () =>
  politely({
    name: '100 hosts, 100 ms',
    list: { hosts: 100, longest: 100, total: 5000, seed: 8 },
    delayMs: 100,
    most: 1.03,
  }))

test('a thousand hosts are never asked too soon across three kills', () =>
  politely({
    name: '1,000 hosts, 1 s, killed',
    list: { hosts: 1000, longest: 30, total: 8000, seed: 9 },
    delayMs: 1000,
    most: 1.05,
    kills: 3,
  }))
