/**
 * Where the benchmark finds things: the harness with the peers, the Node everybody runs on, the Sluice under test, the
 * origin. It measures nothing itself.
 */
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { cpus, release, totalmem } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const bench = dirname(fileURLToPath(import.meta.url))
export const project = join(bench, '..')
/** Corpus, lists, peers, logs, results: about 1.5 GB. */
export const work = process.env.BENCH_WORK ?? join(bench, '.work')
/** The peers' scripts lie beside the project; a working copy is used, because installing writes into it. */
export const shared = process.env.BENCH_SHARED ?? join(project, '..', 'shared', 'bench')
export const harness = join(work, 'harness')
export const port = process.env.BENCH_PORT ?? '18080'
export const pinned = join(project, 'node_modules', 'node', 'bin', 'node')
/** All contestants that run on Node run on this one. */
const node = process.env.BENCH_NODE ?? pinned

export function environment(extra = {}) {
  return {
    ...process.env,
    BENCH_WORK: work,
    BENCH_PORT: port,
    PATH: `${dirname(node)}${delimiter}/usr/sbin${delimiter}${process.env.PATH}`,
    ...extra,
  }
}

/** Runs a program, its output to the screen. Throws where it fails. */
export function must(program, args, options = {}) {
  const { status, signal } = spawnSync(program, args, { stdio: 'inherit', env: environment(), ...options })
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${signal ?? `exit code ${status}`}`)
}

/** First line that a program prints, or '' where it is missing. */
export function ask(program, args) {
  const { stdout, stderr } = spawnSync(program, args, { encoding: 'utf8', env: environment() })
  return `${stdout ?? ''}${stderr ?? ''}`.trim().split('\n')[0] ?? ''
}

export function setup() {
  if (!existsSync(shared)) throw new Error(`the peers' scripts are not at ${shared}: set BENCH_SHARED`)
  mkdirSync(work, { recursive: true })
  cpSync(shared, harness, { recursive: true, force: true })
  must('chmod', ['-R', 'u+rwX', harness])
  must('apt-get', ['update', '-qq'])
  must('./setup.sh', [], { cwd: harness })
  must('./corpus.sh', [], { cwd: harness })
}

export function needsSetup() {
  if (!existsSync(join(harness, 'peers', 'node_modules')) || !existsSync(join(work, 'lists', 'paths.txt'))) {
    throw new Error('not prepared: run `node run.mjs setup` first (root, once)')
  }
}

/** Starts the origin where none runs; gives back how to stop what was started. */
export function openOrigin() {
  const pidFile = join(work, 'origin', 'nginx.pid')
  try {
    process.kill(Number(readFileSync(pidFile, 'utf8')), 0)
    return () => undefined
  } catch {
    must('./origin.sh', ['start'], { cwd: harness })
    return () => must('./origin.sh', ['stop'], { cwd: harness })
  }
}

/**
 * The Sluice under test, as installed from the registry: dist without sources. `--clone` measures the clone, which strips
 * types at start. Returns the path of its command.
 */
export function sluiceCommand(fromClone) {
  if (fromClone) return join(project, 'bin', 'sluice.js')
  const place = join(work, 'sluice')
  must(pinned, [join(project, 'scripts', 'build.mjs')])
  rmSync(place, { recursive: true, force: true })
  mkdirSync(place, { recursive: true })
  for (const name of ['bin', 'dist', 'package.json'])
    cpSync(join(project, name), join(place, name), { recursive: true })
  symlinkSync(join(project, 'node_modules'), join(place, 'node_modules'), 'dir')
  return join(place, 'bin', 'sluice.js')
}

/** A list of the corpus; `real-100k-*` is made here by asking for the pages several times under different queries. */
export function listOf(kind, thousands, hosts) {
  const path = join(work, 'lists', `${kind}-${thousands}k-${hosts}h.txt`)
  if (!existsSync(path) && kind === 'real') {
    const pages = readFileSync(join(work, 'lists', 'paths.txt'), 'utf8')
      .trim()
      .split('\n')
    const base = readFileSync(join(work, 'lists', 'real-20k-1h.txt'), 'utf8')
      .split('\n')
      .slice(0, pages.length)
    const lines = Array.from({ length: thousands * 1000 }, (_, i) => {
      const turn = Math.floor(i / base.length)
      const url = base[i % base.length].replace('127.0.0.1:', `127.0.0.${1 + (i % hosts)}:`)
      return turn === 0 ? url : `${url}?v=${turn}`
    })
    writeFileSync(path, `${lines.join('\n')}\n`)
  }
  if (!existsSync(path)) throw new Error(`no list ${path}`)
  return path
}

/** What the figures were taken on and with. */
export function machine() {
  const version = (name) => {
    const path = join(harness, 'peers', 'node_modules', name, 'package.json')
    return existsSync(path) ? `${name} ${JSON.parse(readFileSync(path, 'utf8')).version}` : `${name} missing`
  }
  const own = JSON.parse(readFileSync(join(project, 'package.json'), 'utf8')).version
  const commit = ask('git', ['-C', project, 'describe', '--always', '--dirty'])
  const core = cpus()
  const pin = `origin on core ${process.env.BENCH_ORIGIN_CORE ?? '1'}, client on core ${process.env.BENCH_CLIENT_CORE ?? '0'}`
  return [
    `- machine: ${core.length} x ${core[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB, Linux ${release()}; ${pin}`,
    `- Sluice ${own} (${commit}), Node ${ask(node, ['--version'])} for all contestants on Node`,
    `- ${[ask('nginx', ['-v']).replace('nginx version: ', ''), ask('curl', ['--version']).split(' (')[0], ask('wget2', ['--version']).split(' - ')[0], ask('scrapy', ['version'])].join(', ')}`,
    `- ${['undici', 'got', 'p-queue', 'crawlee', 'crawler', 'cheerio'].map(version).join(', ')}`,
    `- ${new Date().toISOString().slice(0, 16)}Z, load before the run ${readFileSync('/proc/loadavg', 'utf8').split(' ')[0]}`,
  ].join('\n')
}
