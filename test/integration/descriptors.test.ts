import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { startOriginProcess } from '../../src/testing/origin/remote.ts'
import { inFolder } from '../cli/run-cli.ts'

const CHILD = fileURLToPath(new URL('./few-descriptors.ts', import.meta.url))

test('a process that runs out of descriptors says so once, waits, and counts no attempt', async (t) => {
  const origin = await startOriginProcess()
  t.after(() => origin.close())
  await inFolder(async (cwd) => {
    const args = ['--conditions=sluice-source', '--disable-warning=ExperimentalWarning', CHILD, origin.resolveFlag]
    const run = promisify(execFile)
    const { stdout } = await run('bash', ['-c', 'ulimit -n 64; exec "$0" "$@"', process.execPath, ...args], { cwd })
    assert.deepEqual(JSON.parse(stdout), { outcomes: { ok: 60 }, attempts: 60, warned: ['MACHINE_EXHAUSTED'] })
  })
})
