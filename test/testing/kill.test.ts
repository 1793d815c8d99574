import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { runAndKill } from '../../src/testing/kill.ts'
import { random } from '../../src/testing/random.ts'
import { openWeb } from './raw-client.ts'

const CHILD = fileURLToPath(new URL('kill-child.ts', import.meta.url))

/** Runs `body` with a file that counts the starts of the child. */
async function withFile(body: (file: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-kill-'))
  try {
    await body(join(folder, 'starts'))
  } finally {
    rmSync(folder, { recursive: true })
  }
}

test('the kill harness kills on a line and restarts until the command ends by itself', async () => {
  await withFile(async (file) => {
    const restarts: number[] = []
    const report = await runAndKill({
      command: process.execPath,
      args: [CHILD, file, '4'],
      kill: { line: (line) => line.startsWith('ready') && line !== 'ready 4' },
      maxKills: 10,
      onRestart: (run, last) => {
        assert.equal(last.killed, true)
        assert.equal(last.signal, 'SIGKILL')
        restarts.push(run)
      },
    })
    assert.equal(report.kills, 3)
    assert.equal(report.exitCode, 3)
    assert.equal(report.stdout, 'start 4\n')
    assert.equal(report.stderr, 'ready 4\n')
    assert.deepEqual(restarts, [2, 3, 4])
    assert.deepEqual(
      report.perRun.map(({ run, killed, exitCode }) => [run, killed, exitCode]),
      [
        [1, true, null],
        [2, true, null],
        [3, true, null],
        [4, false, 3],
      ],
    )
    assert.equal(readFileSync(file, 'utf8'), '....')
  })
})

test('the kill harness kills at random instants and stops at maxKills', async () => {
  await withFile(async (file) => {
    // The instants are so short that a run may die before it counts itself: only the kills are fixed.
    const report = await runAndKill({
      command: process.execPath,
      args: [CHILD, file, '1'],
      kill: { ms: [0, 5], random: random(1) },
      maxKills: 3,
    })
    assert.equal(report.exitCode, 3)
    assert.equal(report.perRun.length, report.kills + 1)
    assert.ok(report.kills <= 3)
  })
})

test('the kill harness kills the group of the child as a whole', async () => {
  await withFile(async (file) => {
    // The harness waits until the pipes are closed: a surviving grandchild would hold them for ever.
    const report = await runAndKill({
      command: process.execPath,
      args: [CHILD, file, '2', 'grandchild'],
      kill: { line: (line) => line === 'ready 1' },
      maxKills: 1,
    })
    assert.equal(report.kills, 1)
    assert.equal(report.exitCode, 3)
  })
})

test('the kill harness kills on an event such as an arrival at the fake web', async (t) => {
  const origin = await openWeb(t)
  const source = `await fetch(process.argv[1]); setInterval(() => {}, 1000)`
  const report = await runAndKill({
    command: process.execPath,
    args: ['--input-type=module', '-e', source, origin.directUrl('/ok')],
    kill: { event: () => origin.until(1) },
    maxKills: 1,
    onRestart: () => origin.fault('*', { kind: 'drop', every: 1 }),
  })
  // The second run's fetch fails, so it ends by itself.
  assert.equal(report.kills, 1)
  assert.equal(report.exitCode, 1)
})

test('the kill harness rejects where a command cannot be started, takes too long or its sign fails', async () => {
  const never = { line: () => false }
  await assert.rejects(
    runAndKill({ command: '/no/such/command', kill: never, maxKills: 1 }),
    /no\/such\/command: .*ENOENT/,
  )
  const forever = ['-e', 'console.log("here"); setInterval(() => {}, 1000)']
  await assert.rejects(
    runAndKill({ command: process.execPath, args: forever, kill: never, maxKills: 1, timeoutMs: 300 }),
    /longer than 300 ms/,
  )
  await assert.rejects(
    runAndKill({
      command: process.execPath,
      args: forever,
      kill: {
        line: () => {
          throw new Error('bad sign')
        },
      },
      maxKills: 1,
    }),
    /bad sign[^]*here/,
  )
})
