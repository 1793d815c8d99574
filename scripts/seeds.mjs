#!/usr/bin/env node
/**
 * `npm run seeds`: runs the folders of examples/seeds as a user would, with the package as it would be published, and
 * compares what they leave with what they promise. One line a row; red rows set the exit code. It is started by whatever
 * Node runs npm (20 is enough) and starts everything else with the Node that the lock file pins.
 *
 *   npm run seeds -- 17 29      only these rows
 *   npm run seeds -- --mutate   besides, breaks the answers of each row's site and each expectation: every row must go red
 *   npm run seeds -- --write    writes what the rows left as their expectation; look at the difference before a commit
 *   --built                     dist/ is up to date
 *
 * A row is a folder with `README.md` (one `sh` block), `origin.ts` (its default export is the site; `ledger`, if exported,
 * is what counts of the arrivals) and `expected/`. Its copy lies beside `node_modules`; the block runs there with `ORIGIN`,
 * and every file of `expected/` must then equal the file of that name; `ledger.json` is the runner's. A line
 * `Needs: NAME at HOST:PORT` of the README names a server: where none listens the row is skipped, under `CI=true` it is red.
 */
import { fork, spawn } from 'node:child_process'
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const lab = join(root, 'examples', 'seeds')
const pinned = join(root, 'node_modules', 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node')
/** Two rows at once: what a small CI machine has cores for. */
const AT_ONCE = 2
const ROW_LIMIT_MS = 120_000
/** Build and pack. */
const STEP_LIMIT_MS = 5 * 60_000
/** What a red row printed is shown up to this many characters, the end of it. */
const SHOWN_OUTPUT = 8_000
/** Development packages that a row may use as its user would have installed them. */
const USED_BY_ROWS = ['typescript', '@types/node', 'undici-types', 'mmdb-lib', 'mysql2', 'unpdf', 'ioredis', 'mongodb']

/** Rows, or parts of rows, whose feature is not there yet: shown, never counted. */
const OPEN = [
  ['R2', '02-polite', 'two machines on one Redis', 'S7'],
  ['R3', '03-proxy', 'the dashboard shows no password', 'S6'],
  ['R5', '05-redis', 'the frontier in Redis', 'S7'],
  ['R25', '25-tail', 'served', 'S6'],
  ['R26', '26-long-poll', '', 'S6'],
  ['R27', '27-live-push', 'served', 'S6'],
  ['R28', '28-handout', 'over HTTP', 'S6'],
]

const args = process.argv.slice(2)
const isMutating = args.includes('--mutate')
const isWriting = args.includes('--write')
const wanted = args.filter((arg) => !arg.startsWith('--'))
const unknown = args.filter((arg) => arg.startsWith('--') && !['--mutate', '--write', '--built'].includes(arg))
if (unknown.length > 0) end(`unknown flag ${unknown.join(', ')}: --mutate, --write and --built exist`, 2)
if (!existsSync(pinned)) {
  end('node_modules/node is missing: run `npm ci` first (its install script brings the pinned Node)', 1)
}

const place = mkdtempSync(join(tmpdir(), 'sluice-seeds-'))
const live = new Set()
process.on('exit', () => {
  for (const child of live) stopGroup(child)
  rmSync(place, { recursive: true, force: true })
})
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(130))

const rows = readdirSync(lab)
  .filter((name) => /^\d\d-/.test(name) && isWanted(name))
  .toSorted()
if (rows.length === 0) end(`no row of examples/seeds matches ${wanted.join(', ')}`, 2)
await install()

let red = 0
let skipped = 0
let mutants = 0
let seen = 0
const waiting = [...rows]
await Promise.all(
  Array.from({ length: AT_ONCE }, async () => {
    for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) await row(name)
  }),
)
for (const [id, name, part, issue] of OPEN) {
  if (isWanted(name))
    console.log(`open  ${id.padEnd(4)} ${name.padEnd(16)} ${part === '' ? '' : `${part}: `}open: ${issue}`)
}
console.log(`\n${rows.length - red - skipped} green, ${red} red, ${skipped} skipped`)
if (isMutating) console.log(`mutations that made their row red: ${seen} of ${mutants}`)
process.exitCode = red > 0 || seen !== mutants ? 1 : 0

/** One folder: as it is, and with `--mutate` broken in its answers and in each of its expectations. */
async function row(name) {
  const id = `R${Number(name.slice(0, 2))}`
  const absent = await absentServer(name)
  if (absent !== undefined && process.env.CI !== 'true') {
    console.log(`skip  ${id.padEnd(4)} ${name}: ${absent}`)
    skipped++
    return
  }
  const { files, wrong, ms, output, timing } = await attempt(name, false)
  if (wrong.length === 0) {
    console.log(
      `ok    ${id.padEnd(4)} ${name.padEnd(16)} ${files.join(' ')}  ${(ms / 1000).toFixed(1)} s${timing === '' ? '' : `  (${timing})`}`,
    )
  } else {
    red++
    console.log(`RED   ${id.padEnd(4)} ${name}\n${`${wrong.join('\n')}\n${output}`.trim().replaceAll(/^/gm, '      ')}`)
  }
  if (!isMutating || wrong.length > 0) return
  const broken = await attempt(name, true)
  mutant(name, 'the answers of its site', broken.wrong.length > 0)
  for (const file of files) {
    const bytes = readFileSync(join(lab, name, 'expected', file))
    const changed = bytes.length === 0 ? Buffer.from('x') : Buffer.from(bytes)
    if (bytes.length > 0) changed[bytes.length >> 1] ^= 1
    mutant(name, `its expected ${file}`, difference(file, changed, join(place, name, file)) !== undefined)
  }
}

/** Why a server that the row needs is not there. */
async function absentServer(name) {
  const readme = readFileSync(join(lab, name, 'README.md'), 'utf8')
  const needed = /^Needs: (\w+) at ([\w.]+):(\d+)$/m.exec(readme)
  if (needed === null) return undefined
  const [, server, host, port] = needed
  const isThere = await new Promise((resolve) => {
    const socket = connect(Number(port), host)
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
  return isThere ? undefined : `no ${server} at ${host}:${port}`
}

function mutant(name, what, wasSeen) {
  mutants++
  if (wasSeen) seen++
  else console.log(`BLIND ${name} stays green with ${what} changed`)
}

/** Runs the block of a copy of the folder against its site and compares. Never rejects. */
async function attempt(name, isBroken) {
  const source = join(lab, name)
  const folder = join(place, isBroken ? `${name}.broken` : name)
  const report = { files: [], wrong: [], ms: 0, output: '', timing: '' }
  const expected = join(source, 'expected')
  report.files = existsSync(expected) ? filesBelow(expected) : []
  if (report.files.length === 0) return { ...report, wrong: ['it expects nothing: no file in expected/'] }
  const readme = readFileSync(join(source, 'README.md'), 'utf8')
  const blocks = [...readme.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map((match) => match[1])
  if (blocks.length !== 1) return { ...report, wrong: [`README.md has ${blocks.length} sh blocks, one is needed`] }
  report.timing = /^Timing: (.*)$/m.exec(readme)?.[1] ?? ''
  // A job that somebody left there would be continued.
  cpSync(source, folder, { recursive: true, filter: (path) => path !== expected && !path.endsWith('.sluice') })
  const origin = await startOrigin(folder, isBroken)
  if (origin.error !== undefined) return { ...report, wrong: [`origin.ts: ${origin.error}`] }
  const started = performance.now()
  // Its HOME is not the folder: what a program keeps there is no output of the row.
  const env = { ...environment(), ORIGIN: `127.0.0.1:${origin.port}`, HOME: join(place, 'home') }
  const { code, output, isLate } = await run('bash', ['-euo', 'pipefail', '-c', blocks[0]], {
    cwd: folder,
    env,
    limitMs: ROW_LIMIT_MS,
  })
  report.ms = performance.now() - started
  report.output = output
  if (isLate) report.wrong.push(`the block took longer than ${ROW_LIMIT_MS / 1000} s`)
  else if (code !== 0) report.wrong.push(`the block ended with ${code}`)
  const ledger = await origin.ledger()
  if (ledger !== undefined) writeFileSync(join(folder, 'ledger.json'), `${JSON.stringify(ledger, null, 2)}\n`)
  origin.close()
  for (const file of report.files) {
    const produced = join(folder, file)
    if (isWriting && !isBroken && existsSync(produced)) cpSync(produced, join(expected, file))
    const wrong = difference(file, readFileSync(join(expected, file)), produced)
    if (wrong !== undefined) report.wrong.push(wrong)
  }
  return report
}

/** What differs between the expected bytes and the file, in words; undefined where they are equal. */
function difference(file, expected, produced) {
  if (!existsSync(produced) || !statSync(produced).isFile()) return `${file}: it was not made`
  const bytes = readFileSync(produced)
  if (bytes.equals(expected)) return undefined
  const want = expected.toString().split('\n')
  const got = bytes.toString().split('\n')
  const line = want.findIndex((text, index) => text !== got[index])
  const at = line === -1 ? want.length : line
  return `${file}:${at + 1}\n  expected ${JSON.stringify(want[at] ?? '')}\n  got      ${JSON.stringify(got[at] ?? '')}`
}

/** The row's site: its port, a way to its ledger, and its end. */
async function startOrigin(folder, isBroken) {
  const flags = isBroken ? ['--broken'] : []
  const child = fork(join(root, 'scripts', 'seed-origin.mjs'), flags, {
    cwd: folder,
    env: environment(),
    execPath: pinned,
    execArgv: ['--disable-warning=ExperimentalWarning'],
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  live.add(child)
  let output = ''
  child.stdout.on('data', (chunk) => (output += chunk))
  child.stderr.on('data', (chunk) => (output += chunk))
  const told = () =>
    new Promise((resolve) => {
      child.once('message', resolve)
      child.once('exit', () => resolve({ error: output.trim() || 'it ended' }))
    })
  const close = () => {
    live.delete(child)
    if (child.connected) child.disconnect()
  }
  const { port, error } = await told()
  return {
    port,
    error,
    close,
    async ledger() {
      if (!child.connected) return undefined
      const asked = told()
      child.send('ledger')
      return (await asked).ledger
    },
  }
}

/** Packs the project and lays the package out as an installation would, its dependencies being this clone's. */
async function install() {
  if (!args.includes('--built')) await must('build', pinned, [join(root, 'scripts', 'build.mjs')])
  const npm = process.env.npm_execpath
  const pack = ['pack', '--silent', '--ignore-scripts', '--offline', '--pack-destination', place]
  if (npm === undefined) await must('npm pack', 'npm', pack)
  else await must('npm pack', process.execPath, [npm, ...pack])
  const tarball = readdirSync(place).find((name) => name.endsWith('.tgz'))
  if (tarball === undefined) end('npm pack made no package', 1)
  const modules = join(place, 'node_modules')
  const installed = join(modules, 'sluice')
  mkdirSync(installed, { recursive: true })
  mkdirSync(join(place, 'home'))
  await must('unpack', 'tar', ['-xzf', join(place, tarball), '-C', installed, '--strip-components=1'])
  const { dependencies, bin } = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'))
  for (const name of [...Object.keys(dependencies), ...USED_BY_ROWS]) {
    mkdirSync(dirname(join(modules, name)), { recursive: true })
    symlinkSync(join(root, 'node_modules', name), join(modules, name), 'dir')
  }
  const commands = { sluice: join(installed, bin.sluice), tsc: join(modules, 'typescript', 'bin', 'tsc') }
  chmodSync(commands.sluice, 0o755)
  mkdirSync(join(modules, '.bin'))
  for (const [name, path] of Object.entries(commands)) symlinkSync(path, join(modules, '.bin', name))
  // What npx does for an installed command, without the second that npm takes to start.
  mkdirSync(join(place, 'bin'))
  const npx = `#!/bin/sh\ncommand="$1"; shift\nexec "${join(modules, '.bin')}/$command" "$@"\n`
  writeFileSync(join(place, 'bin', 'npx'), npx, { mode: 0o755 })
  writeFileSync(join(place, 'package.json'), '{ "private": true, "type": "module" }\n')
}

async function must(what, program, words) {
  const { code, output } = await run(program, words, { cwd: root, env: environment(), limitMs: STEP_LIMIT_MS })
  if (code !== 0) end(`${what} failed:\n${output}`, 1)
}

/** Runs a program to its end and keeps the end of its output. Never rejects. */
function run(program, words, { cwd, env, limitMs }) {
  return new Promise((resolve) => {
    const child = spawn(program, words, {
      cwd,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
      // A group of its own, so that the limit also ends what the block left in the background.
      detached: process.platform !== 'win32',
    })
    live.add(child)
    let output = ''
    const keep = (text) => (output = (output + text).slice(-SHOWN_OUTPUT))
    child.stdout.setEncoding('utf8').on('data', keep)
    child.stderr.setEncoding('utf8').on('data', keep)
    let isLate = false
    const limit = setTimeout(() => {
      isLate = true
      stopGroup(child)
    }, limitMs)
    const settle = (code) => {
      clearTimeout(limit)
      live.delete(child)
      resolve({ code, output, isLate })
    }
    child.on('error', (error) => {
      keep(error.message)
      settle(1)
    })
    child.on('close', (code, signal) => settle(code ?? signal))
  })
}

function stopGroup(child) {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  try {
    if (process.platform === 'win32' || child.channel !== undefined) child.kill('SIGKILL')
    else process.kill(-child.pid, 'SIGKILL')
  } catch {
    // It is gone already.
  }
}

/** The pinned Node and the installed commands first; nothing of the person who runs the rows. */
function environment() {
  const path = [join(place, 'bin'), join(place, 'node_modules', '.bin'), dirname(pinned), process.env.PATH ?? '']
  const env = { ...process.env, PATH: path.join(delimiter), NO_COLOR: '1', LANG: 'C', NODE_NO_WARNINGS: '1' }
  for (const name of Object.keys(env)) {
    if (/^(SLUICE_|npm_(config_local_prefix$|lifecycle_|package_))|_proxy$/i.test(name)) delete env[name]
  }
  for (const name of ['FORCE_COLOR', 'NODE_TEST_CONTEXT', 'NODE_OPTIONS']) delete env[name]
  return env
}

function filesBelow(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(folder.length + 1)
        .split(sep)
        .join('/'),
    )
    .toSorted()
}

/** `17`, `R17`, `17-settle` and `settle` all name that row; without words every row is meant. */
function isWanted(name) {
  return (
    wanted.length === 0 ||
    wanted.some((word) => {
      const number = /^[Rr]?(\d{1,2})$/.exec(word)?.[1]
      return number === undefined ? name.includes(word) : name.startsWith(`${number.padStart(2, '0')}-`)
    })
  )
}

function end(why, code) {
  console.error(why)
  process.exit(code)
}
