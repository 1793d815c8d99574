/**
 * SIGKILL in the middle, the same command again, and what that cost: records missing or doubled in the output, URLs that the
 * origin served twice, and how soon the second start sent its first request.
 */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { environment, port, work } from './place.mjs'

/** `at`: part of the list that the origin has served when the process is killed. */
export async function killAndResume({ argv, list, cwd, at }) {
  const urls = readFileSync(list, 'utf8').trim().split('\n')
  flushLog()
  writeFileSync(logPath(), '')
  const first = start(argv, cwd)
  while (first.exitCode === null && first.signalCode === null) {
    await new Promise((resolve) => setTimeout(resolve, 20))
    flushLog()
    if (requests().length < urls.length * at) continue
    process.kill(-first.pid, 'SIGKILL')
    break
  }
  if (first.exitCode === null && first.signalCode === null) await once(first, 'exit')
  if (first.signalCode === null) throw new Error(`it ended before it was killed, with exit code ${first.exitCode}`)
  // The origin's log has the time of each answer; what was in flight at the kill is written before this.
  await new Promise((resolve) => setTimeout(resolve, 300))
  flushLog()
  const before = requests().length
  const startedAt = Date.now()
  const second = start(argv, cwd)
  const [code, signal] = second.exitCode === null ? await once(second, 'exit') : [second.exitCode, null]
  const seconds = (Date.now() - startedAt) / 1000
  await new Promise((resolve) => setTimeout(resolve, 300))
  flushLog()
  const all = requests()
  const served = new Map()
  for (const { url } of all) served.set(url, (served.get(url) ?? 0) + 1)
  const records = readFileSync(join(cwd, 'pages.ndjson'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line).url)
  const recorded = new Set(records)
  return {
    urls: urls.length,
    killedAt: before,
    missing: urls.filter((url) => !recorded.has(new URL(url).href)).length,
    doubled: records.length - recorded.size,
    refetched: [...served.values()].filter((times) => times > 1).length,
    firstRequestMs: all.length > before ? Math.round(all[before].at - startedAt) : null,
    seconds,
    exit: signal ?? code,
  }
}

function start(argv, cwd) {
  return spawn(argv[0], argv.slice(1), { cwd, env: environment(), stdio: 'ignore', detached: true })
}

function logPath() {
  return join(work, 'origin', 'logs', 'access.log')
}

/** The origin buffers its log for a second; this makes it write and reopen it. */
function flushLog() {
  spawnSync('bash', ['-c', 'kill -USR1 "$(cat "$1")" && sleep 0.05', '-', join(work, 'origin', 'nginx.pid')])
}

/** Log lines: time in seconds, status, bytes, host, path. */
function requests() {
  return readFileSync(logPath(), 'latin1')
    .split('\n')
    .map((line) => line.split(' '))
    .filter((fields) => fields.length >= 5 && fields[4] !== '/robots.txt')
    .map(([time, , , host, path]) => ({ at: Number(time) * 1000, url: `http://${host}:${port}${path}` }))
}
