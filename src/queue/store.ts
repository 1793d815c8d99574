/**
 * The store of queues: operations that come together share one commit, and nobody is told of one before it. Whoever waits
 * for messages is woken by the next commit, or when a lease or a delay ends. No timer runs while nobody waits.
 */
import { storeError } from '../frontier/sqlite/errors.ts'
import { logicalTime } from '../frontier/sqlite/logical-time.ts'
import type { StoredTime } from '../frontier/sqlite/logical-time.ts'
import type { Clock } from '../model/clock.ts'
import { SluiceError } from '../model/errors.ts'
import { Messages } from './messages.ts'
import type { QueueRow } from './messages.ts'
import type { ListedMessage, MessageState, Queues, Want } from './queues.ts'
import { openDatabase } from './schema.ts'

export interface QueuesInit {
  /** Holds `queues.db`; made where it is not there. One process at a time. */
  readonly folder: string
  readonly clock: Clock
  /** What a commit survives: `kill -9`, or the loss of power as well. Default `kill`. */
  readonly durability?: 'kill' | 'power'
}

interface Operation {
  run(): void
  resolve(): void
  reject(error: unknown): void
}

const STATES: readonly MessageState[] = ['ready', 'claimed', 'delayed', 'dead']
/** Name of the stored time. */
const TIME = 'time'
/** Timers take no more; whoever waits looks again. */
const LONGEST_WAIT_MS = 2 ** 31 - 1

/** @throws SluiceError FRONTIER_LOCKED, FRONTIER_CORRUPT, FORMAT_UNSUPPORTED, FRONTIER_UNREACHABLE */
export function openQueueStore({ folder, clock, durability = 'kill' }: QueuesInit): Queues {
  const { db, path } = openDatabase(folder, durability)
  const messages = new Messages(db)
  const stored = messages.meta(TIME)
  const time = logicalTime(clock, stored === undefined ? undefined : (JSON.parse(stored) as StoredTime))
  messages.renewLeases(time.now())
  let waiting: Operation[] = []
  let isScheduled = false
  let isClosed = false
  const sleepers = new Map<string, Set<() => void>>()
  const touched = new Set<string>()
  const versions = new Map<string, number>()

  function flush(): void {
    isScheduled = false
    const batch = waiting
    waiting = []
    if (batch.length === 0) return
    const kept: Operation[] = []
    try {
      db.exec('BEGIN')
      for (const operation of batch) {
        try {
          operation.run()
          kept.push(operation)
        } catch (error) {
          // A wish that is refused has written nothing; anything else undoes the whole commit.
          if (!(error instanceof SluiceError)) throw error
          operation.reject(error)
        }
      }
      messages.setMeta(TIME, JSON.stringify(time.stored()))
      db.exec('COMMIT')
    } catch (error) {
      touched.clear()
      if (db.isTransaction) db.exec('ROLLBACK')
      for (const operation of batch) operation.reject(storeError(error, path))
      return
    }
    for (const operation of kept) operation.resolve()
    for (const name of touched) wake(name)
    touched.clear()
  }

  const versionOf = (name: string): number => versions.get(name) ?? 0

  function wake(name: string): void {
    versions.set(name, versionOf(name) + 1)
    for (const sleeper of [...(sleepers.get(name) ?? [])]) sleeper()
  }

  /** @param run within a transaction; true: something has changed for those who wait for the queue */
  function commit<T>(name: string, run: () => T, isChange: (result: T) => boolean = () => true): Promise<T> {
    if (isClosed) return Promise.reject(closedError())
    return new Promise((resolve, reject) => {
      let result: T
      waiting.push({
        run: () => {
          result = run()
          if (isChange(result)) touched.add(name)
        },
        resolve: () => resolve(result),
        reject,
      })
      if (isScheduled) return
      isScheduled = true
      setImmediate(flush)
    })
  }

  /** The queue, with everything done that has come due. */
  function upToDate(name: string): QueueRow {
    const now = time.now()
    const queue = messages.queue(name)
    while (!messages.due(queue, now));
    return messages.find(name) as QueueRow
  }

  function sharedQueue(name: string): QueueRow {
    const queue = upToDate(name)
    if (queue.delivery === 'shared') return queue
    throw new SluiceError('OPTION_INVALID', `the queue ${name} is a broadcast: its messages are read, not claimed`, {
      hint: 'read its stream, or set delivery to shared while it is empty',
    })
  }

  function change(name: string, since: number, waitMs: number, signal?: AbortSignal): Promise<void> {
    if (isClosed || signal?.aborted === true || versionOf(name) !== since) return Promise.resolve()
    const queue = messages.find(name)
    const due = queue === undefined ? undefined : messages.nextDue(queue)
    const untilDue = due === undefined ? Number.POSITIVE_INFINITY : Math.max(1, due - time.now())
    return new Promise((resolve) => {
      const mine = sleepers.get(name) ?? new Set()
      sleepers.set(name, mine)
      const timer = clock.setTimer(over, Math.min(waitMs, untilDue, LONGEST_WAIT_MS))
      function over(): void {
        timer.cancel()
        signal?.removeEventListener('abort', over)
        mine.delete(over)
        if (mine.size === 0 && sleepers.get(name) === mine) sleepers.delete(name)
        resolve()
      }
      mine.add(over)
      signal?.addEventListener('abort', over, { once: true })
    })
  }

  /** Asks again whenever something changes, until there is something or the wait is over. */
  async function waited<T>(name: string, want: Want, ask: () => readonly T[]): Promise<readonly T[]> {
    const { waitMs = 0, signal } = want
    const end = time.now() + waitMs
    for (;;) {
      if (signal?.aborted === true) return []
      const since = versionOf(name)
      const given = await commit(name, ask, () => false)
      const left = end - time.now()
      if (given.length > 0 || left <= 0 || isClosed) return given
      await change(name, since, left, signal)
    }
  }

  async function close(): Promise<void> {
    if (isClosed) return
    isClosed = true
    flush()
    for (const name of sleepers.keys()) wake(name)
    db.close()
  }

  return {
    add: (name, given) => {
      const at = new Date(clock.wall()).toISOString()
      return commit(name, () => messages.add(messages.queue(name), given, time.now(), at))
    },
    claim: (name, want) =>
      waited(name, want, () => {
        const queue = sharedQueue(name)
        // Whoever has left meanwhile is given nothing.
        if (queue.paused === 1 || want.signal?.aborted === true) return []
        return messages.claim(queue, want.max ?? 1, want.leaseMs, time.now())
      }),
    take: (name, want = {}) =>
      waited(name, want, () => {
        const queue = sharedQueue(name)
        return queue.paused === 1 || want.signal?.aborted === true ? [] : messages.take(queue, want.max ?? 1)
      }),
    settle: (name, claims, verdict) =>
      commit(name, () => {
        const isThere = messages.find(name) !== undefined
        return { stale: isThere ? messages.settle(upToDate(name), claims, verdict, time.now()) : claims }
      }),
    extend: (name, claims, leaseMs) =>
      commit(name, () => {
        const isThere = messages.find(name) !== undefined
        return { stale: isThere ? messages.extend(upToDate(name), claims, leaseMs, time.now()) : claims }
      }),
    held: (name, claims) => {
      const queue = messages.find(name)
      return queue === undefined ? [] : [...claims].filter((claim) => messages.isHeld(queue, claim))
    },
    read: (name, after, max) =>
      commit(
        name,
        () => {
          const queue = upToDate(name)
          return queue.paused === 1 ? { messages: [] } : messages.read(queue, after, max)
        },
        () => false,
      ),
    list: (name, { state, after = 0, max = 100 }) => {
      const queue = messages.find(name)
      if (queue === undefined) return []
      const states = STATES.flatMap((one, code) => (state === undefined || state === one ? [code] : []))
      return messages.list(queue, states, after, max).map(
        ({ id, type, data, attempt, crashes, added, state: code }): ListedMessage => ({
          ...{ id, type, body: data, attempt, crashes, addedAt: added },
          state: STATES[code] as MessageState,
        }),
      )
    },
    requeue: (name, ids) => commit(name, () => messages.requeue(messages.queue(name), ids)),
    purge: (name, what) => commit(name, () => messages.purge(upToDate(name), what)),
    pause: (name, paused) => commit(name, () => messages.pause(messages.queue(name), paused)),
    set: (name, settings) => commit(name, () => messages.set(upToDate(name), settings)),
    stats: (name) => {
      const queue = messages.find(name)
      return queue === undefined ? undefined : messages.stats(queue)
    },
    all: () => messages.all().map((queue) => messages.stats(queue)),
    remove: (name) =>
      commit(name, () => {
        const queue = messages.find(name)
        if (queue !== undefined) messages.remove(queue)
        return queue !== undefined
      }),
    version: versionOf,
    newest: (name) => messages.find(name)?.newest ?? 0,
    change,
    close,
    [Symbol.asyncDispose]: close,
  }
}

function closedError(): SluiceError {
  return new SluiceError('FRONTIER_UNREACHABLE', 'the store of queues is closed')
}
