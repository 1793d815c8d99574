/**
 * Runs a command with a private Redis in place of `REDIS` in its words. Kills the command when a hundred things are
 * stored, the server when two hundred are, and says what is there at the end.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { runAndKill } from 'sluice/testing'

const [command = '', ...words] = process.argv.slice(2)
const folder = mkdtempSync(join(tmpdir(), 'redis-'))
const port = await freePort()
let server = start()
const redis = new Redis(port, { retryStrategy: () => 50, maxRetriesPerRequest: null })
// It is killed on purpose.
redis.on('error', () => undefined)

const url = `redis://127.0.0.1:${port}/0`
const { kills, exitCode, stderr } = await runAndKill({
  command,
  args: words.map((word) => word.replace(/^REDIS/, url)),
  maxKills: 1,
  kill: { event: (_run, signal) => stored(100, signal) },
  onRestart: async () => {
    void restartAt(200)
  },
})
console.log(`killed ${kills} times, ended with ${exitCode}`)
console.log(
  `said that the server was away: ${/does not answer/.test(stderr)}, and back: ${/answers again/.test(stderr)}`,
)

const entries = (await redis.xrange('things', '-', '+')).map(([, fields]) => fields[fields.indexOf('json') + 1] ?? '')
const log = await redis.lrange('log', 0, -1)
const latest = await redis.hgetall('latest')
console.log(`stream ${entries.length}, list ${log.length}, hash ${Object.keys(latest).length}`)
const sorted = [entries, log, Object.values(latest)].map((lines) => `${lines.toSorted().join('\n')}\n`)
console.log(`the same in each: ${sorted.every((text) => text === sorted[0])}`)
writeFileSync('things.ndjson', sorted[0] ?? '')
redis.disconnect()
server.kill('SIGKILL')
await once(server, 'exit')
rmSync(folder, { recursive: true, force: true })
// Where the command failed, somebody still waits for things that do not come.
process.exit()

function start(): ChildProcess {
  // Written to disk before it is acknowledged: a server that loses what it took would stop the job.
  const words = ['--port', String(port), '--dir', folder, '--appendonly', 'yes', '--appendfsync', 'always']
  return spawn('redis-server', words, { stdio: 'ignore' })
}

async function stored(count: number, signal?: AbortSignal): Promise<void> {
  while ((await redis.xlen('things')) < count) await sleep(10, undefined, { signal })
}

async function restartAt(count: number): Promise<void> {
  await stored(count)
  server.kill('SIGKILL')
  await once(server, 'exit')
  await sleep(1000)
  server = start()
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port: free } = probe.address() as AddressInfo
      probe.close(() => resolve(free))
    })
  })
}
