/**
 * The durable frontier: one job, one folder, one process. `job.db` holds everything; `lock.db` is locked by its owner.
 * Opening the same folder again continues where the last commit was, after any death.
 */
import { mkdirSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { EmbeddedFrontier } from '../embedded.ts'
import type { FrontierOptions } from '../embedded.ts'
import type { OpenedFrontier } from '../frontier.ts'
import { Chains } from '../schedule/chains.ts'
import { Scheduler } from '../schedule/scheduler.ts'
import { PendingSpill } from '../seen/pending-spill.ts'
import { TieredSeen } from '../seen/tiered-seen.ts'
import { Checkpointer, KEPT_BYTES } from './checkpointer.ts'
import { storeError } from './errors.ts'
import { takeLock } from './lock.ts'
import type { Lock, Owner } from './lock.ts'
import { logicalTime } from './logical-time.ts'
import { readPositions } from './positions.ts'
import { readJobState, restore } from './restore.ts'
import { DATABASE, prepareSchema } from './schema.ts'
import { SqliteStore } from './store.ts'
import { checkSums, defineRowSum } from './sums.ts'

export type { FrontierOptions } from '../embedded.ts'
export type { Owner } from './lock.ts'

/** 256 MiB: three quarters for fingerprints, one for queues. */
const DEFAULT_BUDGET = 256 * 1024 * 1024
/** Rows the queues in memory cover at least. */
const MIN_CHAIN_ROWS = 16
/** Derived from `job.db`, and remade at each open where they are needed. */
const SPILL = 'queues.tmp'
const SEEN = 'seen.tmp'

export interface SqliteOptions extends FrontierOptions {
  /** Job folder; made where it is missing. */
  readonly path: string
  /** `kill` (default): commits survive any death of the process. `power`: of the machine too; each commit is synced. */
  readonly durability?: 'kill' | 'power'
  /** Open the folder on a network file system all the same. */
  readonly unsafeLock?: boolean
  /** Further facts for the owner row, which other processes show. */
  readonly owner?: Readonly<Record<string, string | number>>
}

/**
 * Opens the job in a folder, or makes one.
 *
 * @throws SluiceError FRONTIER_LOCKED (another process has it), FRONTIER_CORRUPT, FORMAT_UNSUPPORTED, SINK_FULL,
 * FRONTIER_UNREACHABLE, OPTION_INVALID (network file system without `unsafeLock`).
 */
export async function sqliteFrontier(options: SqliteOptions): Promise<OpenedFrontier> {
  const { path: folder, unsafeLock = false } = options
  const path = join(folder, DATABASE)
  let lock: Lock | undefined
  let db: DatabaseSync | undefined
  try {
    mkdirSync(folder, { recursive: true })
    lock = takeLock(folder, unsafeLock)
    db = new DatabaseSync(path)
    return open(options, db, path, lock)
  } catch (error) {
    db?.close()
    lock?.release()
    throw storeError(error, path)
  }
}

function open(options: SqliteOptions, db: DatabaseSync, path: string, lock: Lock): OpenedFrontier {
  const { clock, defaults, inputFp, jobCap = Number.POSITIVE_INFINITY, durability = 'kill' } = options
  db.exec(`PRAGMA journal_mode=WAL; PRAGMA synchronous=${durability === 'power' ? 'FULL' : 'NORMAL'};
    PRAGMA wal_autocheckpoint=0; PRAGMA cache_size=-8192; PRAGMA busy_timeout=5000; PRAGMA temp_store=MEMORY;
    PRAGMA journal_size_limit=${KEPT_BYTES}`)
  defineRowSum(db)
  const existed = prepareSchema(db, path)
  if (existed) checkSums(db, path)
  writeOwner(db, clock.wall(), options.owner)
  if (existed) dropOldEvents(db, clock.wall())
  const last = readJobState(db)
  const time = logicalTime(clock, last?.time)
  const epoch = (last?.epoch ?? 0) + 1
  const budget = options.seenBudgetBytes ?? DEFAULT_BUDGET
  const spill = new PendingSpill(join(options.path, SPILL))
  const schedule = new Scheduler(
    defaults,
    new Chains({ spill, limit: Math.max(MIN_CHAIN_ROWS, Math.floor(budget / 4 / 4)) }),
    epoch,
  )
  const seen = new TieredSeen({ folder: join(options.path, SEEN), budgetBytes: (budget * 3) / 4 })
  const restored = restore(db, path, schedule, seen, last, time.now(), time.jumpMs !== 0, options)
  const store = new SqliteStore({
    db,
    path,
    clock,
    time,
    schedule,
    counters: restored.counters,
    done: restored.done,
    again: restored.again,
    inputs: restored.inputs,
    sources: restored.sources,
    epoch,
    heldFrom: restored.heldFrom,
    lastRow: restored.lastRow,
    checkpointer: new Checkpointer(db, path),
    onClosed: () => {
      spill.close()
      lock.release()
    },
  })
  // The epoch, and the deaths just counted, are durable before the first claim.
  for (const row of restored.changed) store.state(row, schedule.states.get(row))
  store.claimsChanged()
  store.flush()
  const unclean = last !== undefined && !last.clean
  const recovered = unclean
    ? { requeued: restored.requeued, lastCommitAgoMs: Math.max(0, clock.wall() - last.time.wall) }
    : null
  const { counters, done, inputs } = restored
  const frontier = new EmbeddedFrontier(
    {
      now: time.now,
      clock,
      schedule,
      seen,
      store,
      counters,
      done,
      inputs,
      inputFp,
      jobCap,
      repeatUnsafe: options.repeatUnsafe === true,
    },
    recovered,
  )
  return { frontier, positions: readPositions(db), existed, ...(time.jumpMs === 0 ? {} : { clockJumpMs: time.jumpMs }) }
}

/** Numbers of events that are kept, and for how long. */
const EVENTS_KEPT = 1_000_000
const EVENTS_KEPT_MS = 7 * 24 * 3_600_000

function dropOldEvents(db: DatabaseSync, wall: number): void {
  db.prepare('DELETE FROM event WHERE t < ? OR id <= (SELECT max(id) FROM event) - ?').run(
    new Date(wall - EVENTS_KEPT_MS).toISOString(),
    EVENTS_KEPT,
  )
}

/** Only for the message that another process gets; the lock is what counts. */
function writeOwner(db: DatabaseSync, wall: number, facts: SqliteOptions['owner']): void {
  const owner: Owner = { ...facts, pid: process.pid, host: hostname(), startedAt: new Date(wall).toISOString() }
  db.prepare(
    "INSERT INTO meta(name,value,sum) VALUES ('owner',?1,row_sum('owner',?1)) ON CONFLICT(name) DO UPDATE SET value=excluded.value, sum=excluded.sum",
  ).run(JSON.stringify(owner))
}
