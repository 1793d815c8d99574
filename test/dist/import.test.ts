/**
 * The published package: every entry point loads on each supported Node and does nothing by being loaded. These tests
 * import `sluice` by its own name, without the `sluice-source` condition, so they see dist/ and nothing else.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))

interface Entry {
  readonly types?: string
  readonly default: string
}

/** Import names of the package: `sluice`, `sluice/testing` … */
function entryPoints(): string[] {
  const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { exports: Record<string, Entry | string> }
  return Object.entries(exports)
    .filter(([name, entry]) => typeof entry === 'object' && !name.includes('*'))
    .map(([name]) => `sluice${name.slice(1)}`)
}

/**
 * Imports an entry point in a process of its own and prints what that changed: active handles (a timer, a socket, a
 * watcher), listeners on the process, global names, output.
 */
const PROBE = `
  const globals = new Set(Reflect.ownKeys(globalThis))
  const listeners = () => process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0)
  const before = { listeners: listeners(), env: JSON.stringify(process.env), cwd: process.cwd() }
  await import(process.argv[1])
  await new Promise((resolve) => setImmediate(resolve))
  const changed = []
  const handles = process.getActiveResourcesInfo().filter((name) => !/^(TTY|Pipe|FS|Immediate)/.test(name))
  if (handles.length > 0) changed.push('handles: ' + handles)
  if (listeners() !== before.listeners) changed.push('listeners on the process')
  if (JSON.stringify(process.env) !== before.env) changed.push('environment')
  if (process.cwd() !== before.cwd) changed.push('working folder')
  const added = Reflect.ownKeys(globalThis).filter((name) => !globals.has(name))
  if (added.length > 0) changed.push('globals: ' + added.map(String))
  console.log(JSON.stringify(changed))
`

test('importing any entry point of the built package has no effect', async () => {
  const entries = entryPoints()
  assert.ok(entries.includes('sluice') && entries.includes('sluice/testing'))
  for (const entry of entries) {
    const place = await mkdtemp(join(tmpdir(), 'sluice-import-'))
    try {
      const url = import.meta.resolve(entry)
      assert.match(url, /\/dist\//, `${entry} is not the built package`)
      const child = spawn(
        process.execPath,
        ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', PROBE, url],
        { cwd: place, stdio: ['ignore', 'pipe', 'pipe'] },
      )
      let output = ''
      let errors = ''
      child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
      child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()))
      const [code] = (await once(child, 'close')) as [number | null]
      assert.equal(code, 0, `${entry}: ${errors}`)
      assert.equal(errors, '', entry)
      // One line only: loading printed nothing of its own.
      assert.deepEqual(JSON.parse(output), [], entry)
      assert.deepEqual(await readdir(place), [], `${entry} wrote a file`)
    } finally {
      await rm(place, { recursive: true, force: true })
    }
  }
})

test('the built package exports the public names', async () => {
  const sluice: Record<string, unknown> = await import('sluice')
  for (const name of ['createJob', 'fetchAll', 'defineConfig', 'polite', 'SluiceError']) {
    assert.equal(typeof sluice[name], 'function', name)
  }
  assert.deepEqual(sluice['OUTCOMES'], ['ok', 'unchanged', 'gone', 'denied', 'failed', 'skipped'])
  const testing: Record<string, unknown> = await import('sluice/testing')
  assert.ok(Object.keys(testing).length > 0)
})

test('every file that the manifest names as an entry point was built, with its types', () => {
  const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { exports: Record<string, Entry | string> }
  for (const entry of Object.values(exports)) {
    const paths = typeof entry === 'string' ? [entry] : [entry.default, entry.types ?? entry.default]
    for (const path of paths) if (!path.includes('*')) assert.ok(existsSync(join(root, path)), path)
  }
})
