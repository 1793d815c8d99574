/** Redis for the tests of its sink: a private server on loopback, and what lies in it, read by the driver alone. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { Redis } from 'ioredis'
import { findProgram, freePort, listening, skipWithoutProgram } from '../private-server.ts'
import type { RedisForm } from '../../src/sink/redis-target.ts'
import { temporaryFolder } from './storages.ts'

export interface RedisServer {
  /** `redis://127.0.0.1:PORT/0`. */
  readonly url: string
  readonly child: ChildProcess
  /** Ends the process with SIGKILL; its data is what it had written to its append-only file. */
  kill(): Promise<void>
  /** Starts it again on the same port with the same data. */
  start(): Promise<void>
  close(): Promise<void>
}

/** For `skip`: a test against Redis needs `REDIS_URL` or the program. */
export const skipRedis: string | false =
  process.env['REDIS_URL'] === undefined ? skipWithoutProgram('redis-server') : false

/** A private server that writes every command to disk before it answers. `settings`: as on its command line. */
export async function startRedis(...settings: string[]): Promise<RedisServer> {
  const program = findProgram('redis-server')
  if (program === undefined) throw new Error('redis-server is not on this machine')
  const folder = temporaryFolder()
  const port = await freePort()
  const server = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder.path, '--save', '']
  const args = [...server, '--appendonly', 'yes', '--appendfsync', 'always', ...settings]
  let child: ChildProcess
  const end = (): void => void child.kill('SIGKILL')
  process.once('exit', end)
  async function start(): Promise<void> {
    child = spawn(program as string, args, { stdio: 'ignore' })
    await listening(child, port)
  }
  async function kill(): Promise<void> {
    const ended = child.exitCode === null && child.signalCode === null ? once(child, 'exit') : undefined
    child.kill('SIGKILL')
    await ended
  }
  await start()
  return {
    url: `redis://127.0.0.1:${port}/0`,
    get child() {
      return child
    },
    kill,
    start,
    async close() {
      process.removeListener('exit', end)
      await kill()
      await folder.remove()
    },
  }
}

/** What a sink has stored under a name, in the order in which it was, as JSON values. */
export async function redisRows(url: string, form: RedisForm, name: string): Promise<unknown[]> {
  return withRedis(url, async (redis) => {
    // Sorted: a hash has no order, and V8's JSON.parse takes a key that holds `"` for one of its length that ends in `\`
    // when that came just before (Node 20 to 24).
    if (form === 'hash')
      return Object.values(await redis.hgetall(name))
        .toSorted()
        .map(parsed)
    if (form === 'list') return (await redis.lrange(name, 0, -1)).map(parsed)
    const entries = await redis.xrange(name, '-', '+')
    return entries.map(([, fields]) => parsed(fields[fields.indexOf('json') + 1] ?? ''))
  })
}

/** Runs `work` with a connection of its own. */
export async function withRedis<T>(url: string, work: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis(url)
  try {
    return await work(redis)
  } finally {
    redis.disconnect()
  }
}

function parsed(json: string): unknown {
  return JSON.parse(json) as unknown
}
