#!/usr/bin/env node
/**
 * `npm run check`, `npm test`, `npm run test:sinks`, `npm run test:faults`, `npm run test:long`: runs the steps and test files of
 * the project and closes with one line, `N passed, N failed, N skipped`. It is started by whatever Node runs npm (20 is enough) and starts everything
 * else with the Node that the lock file pins. Words after the command run only the test files whose path contains one.
 *
 * Each test file is a process of its own with a time limit that also ends what it started: `node --test` waits forever
 * for a file with an open handle. A file counts only when its reporter wrote the end mark, so a process that died, was
 * killed or left by `process.exit(0)` is a failure whatever its exit code says.
 */
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const pinned = join(root, 'node_modules', 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node')
const reporter = join(root, 'scripts', 'reporter.mjs')
const SOURCE = ['--conditions=sluice-source', '--disable-warning=ExperimentalWarning']
/** Two test files at once: what a small CI machine has cores for. */
const AT_ONCE = 2
const FILE_LIMIT_MS = 10 * 60_000
const LONG_FILE_LIMIT_MS = 60 * 60_000
/** A single test that hangs is named long before its file is killed. */
const TEST_LIMIT_MS = 3 * 60_000
/** Folders of test/ that are not unit tests. */
const SEPARATE = new Set(['integration', 'crash', 'browser', 'faults', 'long', 'dist'])
/** What runs in Node, and what runs in a browser or drives one. */
const TYPES = [
  ['types', 'tsconfig.json'],
  ['types of the dashboard', 'src/dashboard/tsconfig.json'],
  ['types of its tests', 'test/browser/tsconfig.json'],
]
/** Node majors that run the built package besides the pinned one. */
const OTHER_NODES = ['22', '26']
/** What a failing file printed is shown up to this many characters, the end of it. */
const SHOWN_OUTPUT = 20_000

const totals = { passed: 0, failed: 0, skipped: 0, tests: 0 }
const failures = []
const live = new Set()

const [command = 'check', ...filters] = process.argv.slice(2)

if (!existsSync(pinned)) {
  console.error('node_modules/node is missing: run `npm ci` first (its install script brings the pinned Node)')
  process.exit(1)
}
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    for (const child of live) stopGroup(child)
    // A process ended by a signal must not look like one that passed.
    process.exit(signal === 'SIGINT' ? 130 : signal === 'SIGHUP' ? 129 : 143)
  })
}

const COMMANDS = {
  async check() {
    await statics()
    await tests('unit', testFiles(isUnit))
  },
  async test() {
    await COMMANDS.check()
    await tests('integration', testFiles(inFolder('integration')))
    await tests('crash', testFiles(inFolder('crash')))
    await browser()
    await COMMANDS.faults()
    await built()
    await seedLab()
  },
  async faults() {
    await tests('faults', testFiles(inFolder('faults')), { shown: /^\d+ of \d+, \d+ open.*$/gm })
  },
  async browser() {
    await step('dashboard', [join(root, 'scripts', 'build-dashboard.mjs')])
    await browser()
  },
  /** What `test` has of the outputs: the suite over each sink, real database servers, kills. */
  async sinks() {
    const isAbout = (path) => path.startsWith('test/sink/') || path === 'test/crash/databases.test.ts'
    await tests('sinks', testFiles(isAbout))
  },
  async long() {
    await tests('long', testFiles(inFolder('long')), { limitMs: LONG_FILE_LIMIT_MS, atOnce: 1 })
  },
  async reference() {
    const { code, output } = await run(pinned, [...SOURCE, join(root, 'scripts', 'gen-reference.ts')], {
      limitMs: 60_000,
    })
    process.stdout.write(output)
    process.exit(code)
  },
}
if (COMMANDS[command] === undefined) {
  console.error(`unknown command ${command}: ${Object.keys(COMMANDS).join(', ')}`)
  process.exit(2)
}
await COMMANDS[command]()
finish()

/** Types, lint and format: each counts as one. Left out when test files were named, but for the page that tests open. */
async function statics() {
  await step('dashboard', [join(root, 'scripts', 'build-dashboard.mjs')])
  if (filters.length > 0) return
  for (const [name, config] of TYPES) await step(name, [binOf('typescript', 'tsc'), '-p', config])
  await step('lint', [binOf('oxlint', 'oxlint'), '--deny-warnings'])
  await step('format', [binOf('@biomejs/biome', 'biome'), 'format', '.'])
}

/** The dashboard in a real browser. */
async function browser() {
  const files = testFiles(inFolder('browser'))
  if (files.length > 0) await tests('browser', files, { atOnce: 1 })
}

/** Builds dist/ and runs the short suite on it: pinned Node first, then the oldest and the newest one promised. */
async function built() {
  const files = testFiles(inFolder('dist'))
  if (files.length === 0) return
  if (!(await step('build', [join(root, 'scripts', 'build.mjs')]))) return
  // Without the sluice-source condition `import 'sluice'` means dist.
  const flags = ['--disable-warning=ExperimentalWarning']
  await tests('dist on the pinned Node', files, { flags })
  for (const major of OTHER_NODES) {
    const node = await otherNode(major)
    if (node !== undefined) await tests(`dist on Node ${major}`, files, { flags, node })
  }
}

/** The rows of examples/seeds on the package as it would be published, and each of them broken. */
async function seedLab() {
  if (filters.length > 0 && !filters.includes('seeds')) return
  const started = performance.now()
  // Without filters dist/ has just been built.
  const flags = filters.length > 0 ? ['--mutate'] : ['--mutate', '--built']
  const { code, output, end } = await run(pinned, [join(root, 'scripts', 'seeds.mjs'), ...flags], {
    limitMs: FILE_LIMIT_MS,
  })
  console.log(`\nseeds:\n${output.trimEnd()}\nseeds: ${seconds(started)}`)
  for (const [, name] of output.matchAll(/^(?:RED|BLIND) +(\S+(?: +\d\d-\S+)?)/gm)) fail(`seed ${name}`, 'see above')
  const green = [...output.matchAll(/^ok {4}R\d+ /gm)].length
  totals.passed += green
  totals.tests += green
  if (code !== 0 && failures.length === 0) fail('seeds', end)
}

/** Path of the newest Node of a major version, installed from the registry into a cache below node_modules. */
async function otherNode(major) {
  const name = `the suite on dist with Node ${major}`
  const packageName = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`
  const prefix = join(root, 'node_modules', '.cache', 'sluice-nodes', major)
  const binary = join(prefix, 'node_modules', packageName, 'bin', process.platform === 'win32' ? 'node.exe' : 'node')
  if (!existsSync(binary)) {
    mkdirSync(prefix, { recursive: true })
    // The packages `node@22` and `node@26` only choose this one; taken directly it needs no install script.
    writeFileSync(join(prefix, 'package.json'), '{ "private": true }\n')
    const npm = process.env.npm_execpath
    const args = ['install', '--no-audit', '--no-fund', '--no-save', '--loglevel=error', `${packageName}@${major}`]
    const { output } =
      npm === undefined
        ? await run('npm', args, { cwd: prefix, limitMs: 5 * 60_000, shell: process.platform === 'win32' })
        : await run(process.execPath, [npm, ...args], { cwd: prefix, limitMs: 5 * 60_000 })
    if (!existsSync(binary)) {
      if (process.env.CI === 'true') fail(name, `npm could not install ${packageName}@${major}\n${output}`)
      else skip(name, `npm could not install ${packageName}@${major}`)
      return undefined
    }
  }
  const { code, output } = await run(binary, ['-p', 'process.versions.node'], { limitMs: 30_000 })
  if (code === 0 && output.startsWith(`${major}.`)) return binary
  fail(name, `${binary} does not run: ${output}`)
  return undefined
}

async function step(name, args) {
  const started = performance.now()
  const { code, output, end } = await run(pinned, args, { limitMs: FILE_LIMIT_MS })
  if (code === 0) {
    totals.passed++
    console.log(`ok    ${name}  ${seconds(started)}`)
    return true
  }
  fail(name, `${output}\n${end}`)
  return false
}

/** Runs test files, AT_ONCE at a time, and prints a line for each. */
async function tests(group, files, options = {}) {
  if (files.length === 0) return
  const started = performance.now()
  console.log(`\n${group}: ${files.length} ${files.length === 1 ? 'file' : 'files'}`)
  const results = mkdtempSync(join(tmpdir(), 'sluice-run-'))
  const waiting = [...files]
  const worker = async () => {
    for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
      await testFile(group, file, join(results, `${waiting.length}.jsonl`), options)
    }
  }
  await Promise.all(Array.from({ length: options.atOnce ?? AT_ONCE }, worker))
  rmSync(results, { recursive: true, force: true })
  console.log(`${group}: ${seconds(started)}`)
}

/** `shown`: lines of the output that are for people whether it passes or not. */
async function testFile(group, file, results, { node = pinned, flags = SOURCE, limitMs = FILE_LIMIT_MS, shown }) {
  const started = performance.now()
  const hang = `--test-timeout=${limitMs === FILE_LIMIT_MS ? TEST_LIMIT_MS : limitMs}`
  const args = [...flags, hang, `--test-reporter=${reporter}`, `--test-reporter-destination=${results}`, file]
  const { code, output, end } = await run(node, args, { limitMs })
  const lines = existsSync(results) ? readFileSync(results, 'utf8').split('\n') : []
  const rows = []
  for (const line of lines) {
    try {
      if (line !== '') rows.push(JSON.parse(line))
    } catch {
      // A torn last line of a process that was killed: the missing end mark says so below.
    }
  }
  const tested = rows.filter((row) => row.state !== undefined)
  const failed = tested.filter((row) => row.state === 'failed')
  const skipped = tested.filter((row) => row.state === 'skipped')
  const passed = tested.length - failed.length - skipped.length
  totals.passed += passed
  totals.tests += passed + failed.length
  const where = group.startsWith('dist on') ? `${file} (${group})` : file
  for (const row of skipped) skip(`${where}: ${row.name}`, row.reason)
  for (const row of failed) fail(`${where}: ${row.name}`, `${row.where}\n${row.error}`)
  const whole = rows.some((row) => row.end === true)
  if (!whole || (code !== 0 && failed.length === 0))
    fail(where, code === 0 ? 'it ended before its tests did, or holds none' : `it did not end well: ${end}`)
  else if (tested.length === 0) fail(where, 'the file holds no test')
  const isBad = failed.length > 0 || !whole || code !== 0
  const counts = `${passed} passed${failed.length > 0 ? `, ${failed.length} failed` : ''}${skipped.length > 0 ? `, ${skipped.length} skipped` : ''}`
  console.log(`${isBad ? 'FAIL ' : 'ok   '} ${file}  ${counts}  ${seconds(started)}`)
  if (shown !== undefined) for (const [line] of output.matchAll(shown)) console.log(`      ${line}`)
  if (isBad && output.trim() !== '') console.log(`--- output of ${file}\n${output.trimEnd()}\n---`)
}

/** Runs a program to its end and keeps the end of its output. Never rejects. */
function run(program, args, { cwd = root, limitMs, shell = false }) {
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      cwd,
      env: environment(),
      shell,
      stdio: ['ignore', 'pipe', 'pipe'],
      // A group of its own, so that a time limit also ends the children of a test.
      detached: process.platform !== 'win32',
    })
    live.add(child)
    let output = ''
    const keep = (text) => {
      output = (output + text).slice(-SHOWN_OUTPUT)
    }
    child.stdout.setEncoding('utf8').on('data', keep)
    child.stderr.setEncoding('utf8').on('data', keep)
    let isLate = false
    const limit = setTimeout(() => {
      isLate = true
      stopGroup(child)
    }, limitMs)
    const settle = (code, end) => {
      clearTimeout(limit)
      live.delete(child)
      resolve({ code, output, end })
    }
    child.on('error', (error) => settle(1, error.message))
    // A child that a test left behind may hold the pipes open: the exit decides, `close` only gets a moment to drain.
    child.on('exit', (code, signal) => {
      const end = isLate
        ? `it did not end within ${limitMs / 1000} s and was killed (an open handle?)`
        : signal === null
          ? `exit code ${code}`
          : `killed by ${signal}`
      const drained = setTimeout(() => settle(code ?? 1, end), 1000)
      child.on('close', () => {
        clearTimeout(drained)
        settle(code ?? 1, end)
      })
    })
  })
}

function stopGroup(child) {
  try {
    if (process.platform === 'win32') child.kill('SIGKILL')
    else process.kill(-child.pid, 'SIGKILL')
  } catch {
    // It is gone already.
  }
}

/** Children find the pinned Node first, and no option of the person who runs the tests (SLUICE_DELAY …) changes them. */
function environment() {
  const env = { ...process.env, PATH: `${dirname(pinned)}${delimiter}${process.env.PATH ?? ''}`, NO_COLOR: '1' }
  for (const name of Object.keys(env)) {
    if (name.startsWith('SLUICE_') && name !== 'SLUICE_REQUIRE_SHARED' && !name.startsWith('SLUICE_TEST_'))
      delete env[name]
    // What npm says about this run would make an npm below it work in this folder instead of its own.
    if (/^npm_(config_local_prefix$|lifecycle_|package_)/.test(name)) delete env[name]
  }
  for (const name of ['FORCE_COLOR', 'NODE_TEST_CONTEXT']) delete env[name]
  return env
}

/** Paths relative to the project of the test files that `select` takes and the filters name. */
function testFiles(select) {
  return readdirSync(join(root, 'test'), { recursive: true })
    .map((path) => `test/${path.split(sep).join('/')}`)
    .filter((path) => path.endsWith('.test.ts') && select(path))
    .filter((path) => filters.length === 0 || filters.some((word) => path.includes(word)))
    .toSorted()
}

function isUnit(path) {
  return !SEPARATE.has(path.split('/')[1])
}

function inFolder(folder) {
  return (path) => path.startsWith(`test/${folder}/`)
}

/** The script behind a package's command: run with the pinned Node it needs no shell. */
function binOf(packageName, name) {
  const require = createRequire(join(root, 'package.json'))
  const manifest = join(root, 'node_modules', packageName, 'package.json')
  return join(dirname(manifest), require(manifest).bin[name])
}

function fail(name, why) {
  totals.failed++
  failures.push(name)
  console.log(`\nFAIL  ${name}\n${why.trim().replaceAll(/^/gm, '      ')}\n`)
}

function skip(name, reason) {
  totals.skipped++
  console.log(`skip  ${name}${reason === '' ? '' : `  (${reason})`}`)
}

function seconds(started) {
  return `${((performance.now() - started) / 1000).toFixed(1)} s`
}

function finish() {
  if (totals.tests === 0) fail('no test ran', filters.length > 0 ? `no test file matches ${filters.join(', ')}` : '')
  if (failures.length > 0) console.log(`\nfailed:\n${failures.map((name) => `  ${name}`).join('\n')}`)
  console.log(`\n${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped`)
  process.exitCode = totals.failed > 0 ? 1 : 0
}
