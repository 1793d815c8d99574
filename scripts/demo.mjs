#!/usr/bin/env node
/**
 * `npm run demo`: a crawl of the bundled shop on this machine, killed half-way and gone on with, without any network.
 * It is started by whatever Node runs npm (20 is enough) and goes on with the Node that the lock file pins. It shows the
 * real command in a folder that is removed at the end, and knows nothing of the program but its command line.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const pinned = join(root, 'node_modules', 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node')
const SITE = 'http://shop.localhost/'
/** Big enough for some seconds at this pace. */
const SHOP = { kind: 'shop', categories: 8, products: 24 }
const DELAY = '20ms'
/** Requests after which the first crawl is killed. */
const KILL_AFTER = 100
const SHOWN_RECORDS = 5

if (!existsSync(pinned)) {
  console.error('node_modules/node is missing: run `npm ci` first (its install script brings the pinned Node)')
  process.exit(1)
}
// Ctrl-C reaches the crawl too: it saves its state, then the demo tidies up.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => {})

if (realpathSync(process.execPath) === realpathSync(pinned)) {
  process.exitCode = await demo()
} else {
  const [code, signal] = await end(spawn(pinned, [fileURLToPath(import.meta.url)], { stdio: 'inherit' }))
  process.exitCode = signal === null ? code : 1
}

/** Exit code: 0, or the one of the command that did not end well. */
async function demo() {
  const { startOrigin } = await import('../src/testing/origin.ts')
  const origin = await startOrigin({ sites: { 'shop.localhost': { content: SHOP } } })
  const folder = mkdtempSync(join(tmpdir(), 'sluice-demo-'))
  const sluice = (...args) => start(folder, args)
  const crawl = ['crawl', SITE, '-o', 'pages.ndjson', '--delay', DELAY, '--resolve', origin.resolveFlag]
  try {
    say('A small shop runs on this machine; nothing leaves it. Crawl it, and kill -9 the crawl half-way:')
    const first = sluice(...crawl)
    const ended = end(first)
    await Promise.race([origin.until(KILL_AFTER), ended])
    first.kill('SIGKILL')
    const [code, signal] = await ended
    if (process.stderr.isTTY) process.stderr.write('\u001B[?25h')
    if (signal !== 'SIGKILL') return code ?? 1

    say(`\nKilled after ${origin.ledger().count} requests. The same line again goes on:`)
    for (const args of [crawl, ['status'], ['why', `${SITE}cart`]]) {
      const [failed] = await end(sluice(...args))
      if (failed !== 0) return failed ?? 1
      if (args === crawl) showRecords(join(folder, 'pages.ndjson'))
    }
    say(`
Now a site of your own (one request a second, as for everybody):
  npx sluice crawl https://your.site/ -o pages.ndjson
  npx sluice status                       where it stands, also while it runs
  npx sluice why https://your.site/page   what happened to one URL, and why
  npx sluice retry                        queue what failed again, and only that`)
    return 0
  } finally {
    await origin.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Shows the command line and runs it; what it says goes straight to the terminal. */
function start(cwd, args) {
  say(`\n$ sluice ${args.map((arg) => (/[*&?]/.test(arg) ? `'${arg}'` : arg)).join(' ')}`)
  const env = { ...process.env, XDG_CONFIG_HOME: cwd }
  // No option of the person at the keyboard (SLUICE_DELAY …) changes the demo.
  for (const name of Object.keys(env)) if (name.startsWith('SLUICE_')) delete env[name]
  return spawn(pinned, [join(root, 'bin', 'sluice.js'), ...args], { cwd, env, stdio: 'inherit' })
}

function showRecords(path) {
  const records = readFileSync(path, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
  const urls = new Set(records.map(({ url }) => url))
  say(
    `\npages.ndjson: ${records.length} records of ${urls.size} URLs, none lost, none twice. The first ${SHOWN_RECORDS}:`,
  )
  const rows = records
    .slice(0, SHOWN_RECORDS)
    .map(({ outcome, status, code, bytes, url, title, message }) => [
      outcome,
      String(status ?? code ?? ''),
      bytes === undefined ? '' : `${bytes} B`,
      url.slice(SITE.length - 1),
      title ?? message ?? '',
    ])
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)))
  for (const row of rows) {
    const cells = row.map((cell, i) => (i === 2 ? cell.padStart(widths[i]) : cell.padEnd(widths[i])))
    say(`  ${cells.join('  ').trimEnd()}`)
  }
}

async function end(child) {
  return once(child, 'exit')
}

function say(text) {
  console.log(text)
}
