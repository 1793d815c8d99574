/**
 * Page records or items in Redis or Valkey: a hash (the latest by key), a list or a stream (each appended). A batch and
 * its number are one Lua script (`redis-scripts.ts`), so each settlement is there once as long as the server keeps what
 * it acknowledged. Where it did not (a fail-over or restart that lost its last writes, a flush, an eviction of the
 * sink's own keys) the number is missing, and the job stops with `SINK_CHANGED` instead of going on with a hole.
 *
 * Knows no engine. The only file that knows the driver, the optional package `ioredis`.
 */
import type { Redis } from 'ioredis'
import { reasonOf, SluiceError } from '../model/errors.ts'
import { keysOf, type RedisScripts, scriptsOf } from './redis-scripts.ts'
import { redisTarget } from './redis-target.ts'
import { isNetworkError, ServerRetry } from './server-retry.ts'
import { decodePosition, encodePosition } from './seq-position.ts'
import type { JobInfo, Sink, SinkRecord } from './sink.ts'
import { DATA_HINT } from './store-error.ts'

export interface RedisSinkOptions {
  /** `redis://[user:password@]host[:port][/database][?hash=NAME | ?list=NAME | ?stream=NAME]`; `rediss:` with TLS. */
  readonly url: string
  /** Milliseconds for which the server may be away once the job runs. Default 120,000. */
  readonly giveUpMs?: number
  /** Milliseconds that a command may take. Default 10,000. */
  readonly commandMs?: number
}

/** A wrong address should be told soon; a server that starts beside us gets its time. */
const OPEN_GIVE_UP_MS = 10_000
const COMMAND_MS = 10_000
/** First words of replies of a server that is there and not ready: starting, replica, fail-over, a long script. */
const NOT_READY = /^(LOADING|READONLY|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|BUSY|NOREPLICAS)\b/
/** What the driver says of a connection that broke or a reply that did not come in time. */
const DRIVER_AWAY = /Connection is closed|Command timed out|connect ETIMEDOUT|Stream isn't writeable/

/** A sink that keeps records in one key of a Redis or Valkey server. */
export function redisSink(options: RedisSinkOptions): Sink {
  const { connect, shown, form, name } = redisTarget(options.url)
  const commandMs = options.commandMs ?? COMMAND_MS
  let retry: ServerRetry
  let client: Redis | undefined
  let scripts: RedisScripts
  let keys: string[]
  let job = ''
  let seq = 0
  let isCareful = false

  /** The connection, made anew where it broke. */
  async function connected(): Promise<Redis> {
    if (client?.status === 'ready') return client
    client?.disconnect()
    const Driver = await loadDriver()
    const fresh = new Driver(connect, {
      lazyConnect: true,
      // Waiting and trying again are ours: a queue of the driver's would grow while the server is away.
      retryStrategy: () => null,
      enableOfflineQueue: false,
      maxRetriesPerRequest: 0,
      connectTimeout: commandMs,
      commandTimeout: commandMs,
    })
    // A refused password is told here alone: `connect` only says that the connection was closed.
    let reason: unknown
    fresh.on('error', (error) => (reason ??= error))
    client = fresh
    try {
      await fresh.connect()
    } catch (error) {
      throw reason ?? error
    }
    return fresh
  }

  /** Runs a command with every connection it takes; a connection whose reply did not come is not used again. */
  async function ask<T>(command: (redis: Redis) => Promise<T>, giveUpMs?: number): Promise<T> {
    try {
      return await retry.run(async () => {
        try {
          return await command(await connected())
        } catch (error) {
          if (isAway(error)) client?.disconnect()
          throw error
        }
      }, giveUpMs)
    } catch (error) {
      throw redisError(shown, error)
    }
  }

  return {
    name: shown,
    wantsBodies: false,

    async open(info: JobInfo, position: Uint8Array | undefined): Promise<void> {
      const stored = decodePosition(position, shown).stored
      const hasItems = info.items !== undefined
      // Two jobs would replace each other's records under one name: that is for the user to ask for.
      const target = name ?? `${info.name}:${hasItems ? 'items' : 'pages'}`
      retry = new ServerRetry({
        server: shown,
        isAway,
        warn: info.warn,
        signal: info.signal,
        ...(options.giveUpMs === undefined ? {} : { giveUpMs: options.giveUpMs }),
      })
      job = info.id
      keys = keysOf(target, job)
      scripts = scriptsOf(form, hasItems)
      try {
        const type = await ask((redis) => redis.type(target), OPEN_GIVE_UP_MS)
        if (type !== 'none' && type !== form) throw otherType(shown, target, type, form)
        warnOfEviction(await ask((redis) => redis.info('memory')), shown, info.warn)
        const reply = await ask((redis) =>
          redis.eval(scripts.open, keys.length, ...keys, job, info.committedSeq, stored),
        )
        if (reply === 'lost') throw lost(shown)
      } catch (error) {
        client?.disconnect()
        throw error
      }
      seq = info.committedSeq
    },

    async write(batch: readonly SinkRecord[]): Promise<Uint8Array | undefined> {
      const last = batch.at(-1)?.record.seq ?? seq
      const store = async (): Promise<unknown> => {
        const write = scripts.writeOf(batch, isCareful)
        if (write === undefined) return 'nothing'
        const { script, records } = write
        return ask((redis) => redis.eval(script, keys.length, ...keys, job, seq, last, ...records))
      }
      let reply = await store()
      if (reply === 'careful') {
        isCareful = true
        reply = await store()
      }
      if (reply === 'lost') throw lost(shown)
      if (reply !== 'nothing') seq = last
      return encodePosition(seq, false)
    },

    async close(): Promise<void> {
      client?.disconnect()
    },
  }
}

async function loadDriver(): Promise<typeof Redis> {
  try {
    return (await import('ioredis')).Redis
  } catch (cause) {
    throw new SluiceError('DEPENDENCY_MISSING', 'an output in Redis needs the package ioredis', {
      hint: 'npm install ioredis',
      cause,
    })
  }
}

function isAway(error: unknown): boolean {
  if (isNetworkError(error)) return true
  return error instanceof Error && (NOT_READY.test(error.message) || DRIVER_AWAY.test(error.message))
}

/** Keys without a time to live are evicted by the `allkeys-` policies only. */
function warnOfEviction(memory: string, shown: string, warn: ((message: string) => void) | undefined): void {
  const policy = /^maxmemory_policy:(allkeys-\S+)/m.exec(memory)?.[1]
  const limit = Number(/^maxmemory:(\d+)/m.exec(memory)?.[1] ?? 0)
  if (policy === undefined || limit === 0) return
  warn?.(`${shown} evicts keys when its memory is full (${policy}): what is stored there can vanish`)
}

function redisError(shown: string, error: unknown): SluiceError {
  if (error instanceof SluiceError) return error
  const reason = reasonOf(error)
  if (/\bOOM\b/.test(reason)) {
    return new SluiceError('SINK_FULL', `${shown} has no memory left: ${reason}`, {
      hint: 'make room (maxmemory) and run the same command again: the job continues where it stopped',
      cause: error,
    })
  }
  return new SluiceError('SINK_UNREACHABLE', `${shown} refuses: ${reason}`, {
    hint: 'check user, password and rights, then run the same command again: the job continues where it stopped',
    cause: error,
  })
}

function lost(shown: string): SluiceError {
  return new SluiceError('SINK_CHANGED', `${shown} no longer has what this job stored in it; nothing was touched`, {
    hint: `a fail-over or restart may have lost it; ${DATA_HINT}`,
  })
}

function otherType(shown: string, target: string, type: string, form: string): SluiceError {
  return new SluiceError('OPTION_INVALID', `${shown} has a ${type} in ${JSON.stringify(target)}, not a ${form}`, {
    hint: `give it another name: --out "redis://...?${form}=NAME"`,
  })
}
