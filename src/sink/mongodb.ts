/**
 * Page records or items as documents of a MongoDB collection, the latest by key (`mongo-documents.ts`).
 *
 * Effectively once: without a transaction (a single server has none) a batch is not one step, but every step can be
 * repeated. First what the batch replaces is copied to `_sluice_undo`, then its documents are upserted, then its number
 * goes into `_sluice_commit`. At open whatever lies above the committed number is removed and the copies return. Readers
 * may see a part of a batch.
 *
 * Knows no engine. The only file that knows the driver, the optional package `mongodb`.
 */
import type { Collection, Db, MongoClient } from 'mongodb'
import { reasonOf, SluiceError } from '../model/errors.ts'
import { type Changes, changesOf, sourceOf, type StoredDocument } from './mongo-documents.ts'
import { mongoTarget } from './mongo-target.ts'
import { isNetworkError, ServerRetry } from './server-retry.ts'
import { decodePosition, encodePosition } from './seq-position.ts'
import type { JobInfo, RefusedItem, Sink, SinkRecord } from './sink.ts'
import { DATA_HINT, errorCode } from './store-error.ts'
import { inTime } from './time-limit.ts'

export interface MongoSinkOptions {
  /** `mongodb://[user:password@]host[:port]/DATABASE[/COLLECTION][?options]`, or `mongodb+srv:`. */
  readonly url: string
  /** Milliseconds for which the server may be away once the job runs. Default 120,000. */
  readonly giveUpMs?: number
  /** Milliseconds that an operation may take. Default 30,000. */
  readonly operationMs?: number
  /** Milliseconds that one try of a whole batch may take, of many operations. Default 300,000. */
  readonly tryMs?: number
}

interface Kept {
  readonly pagesWith: ReadonlySet<string>
  readonly replaces: boolean
}

interface CommitDocument {
  readonly _id: string
  readonly seq: number
}

/** A document as it was before batch `at`. */
interface UndoDocument {
  readonly _id: string
  readonly owner: string
  readonly at: number
  readonly document: StoredDocument
}

/** A wrong address should be told soon; a server that starts beside us gets its time. */
const OPEN_GIVE_UP_MS = 10_000
const OPERATION_MS = 30_000
const TRY_MS = 300_000
/** How long one try looks for a server. */
const SELECTION_MS = 2000
/** Keys or pages named in one query: far below what a command may hold. */
const SLICE = 1000
/** A document may have 16 MiB; some is left for its copy in `_sluice_undo`. */
const LARGEST = 16 * 1024 * 1024 - 16_384

/** Codes of a server that is shutting down, stepping down or not ready, or whose peers are away. */
const NOT_READY = new Set([6, 7, 64, 89, 91, 189, 262, 9001, 10107, 11600, 11602, 13435, 13436])
/** Code of an answer that `inTime` has given up. */
const LATE = 'ETIMEDOUT'
const OUT_OF_DISK = 14_031
const DUPLICATE = 11_000
/** Names of the driver's errors for a server that cannot be reached. */
const AWAY = /^Mongo(Network|ServerSelection|PoolCleared|TopologyClosed)/

/** A sink that keeps the latest document of each key, of each job, in one collection. */
export function mongoSink(options: MongoSinkOptions): Sink {
  const target = mongoTarget(options.url)
  const { shown } = target
  const operationMs = options.operationMs ?? OPERATION_MS
  const tryMs = options.tryMs ?? TRY_MS
  let connect: () => MongoClient
  let client: MongoClient | undefined
  let sizeOf: (document: StoredDocument) => number
  let retry: ServerRetry
  let info: JobInfo
  let owner = ''
  let seq = 0
  let name = ''
  let refused: RefusedItem[] = []

  async function ask<T>(work: (db: Db) => Promise<T>, giveUpMs?: number): Promise<T> {
    try {
      return await retry.run(() => attempt(work), giveUpMs)
    } catch (error) {
      throw mongoError(shown, error)
    }
  }

  /** An operation whose connection was taken from it may never end, and a slow trickle keeps a connection busy. */
  async function attempt<T>(work: (db: Db) => Promise<T>): Promise<T> {
    const trying = (client ??= connect())
    const working = work(trying.db(target.database))
    try {
      return await inTime(working, tryMs)
    } catch (error) {
      working.catch(() => undefined)
      // What is left of this try ends with its client: one that found no server is closed for good. Nobody waits for that.
      if (errorCode(error) === LATE || isAway(error)) void disconnect()
      throw error
    }
  }

  async function disconnect(): Promise<void> {
    const leaving = client
    client = undefined
    if (leaving !== undefined) await inTime(leaving.close(true), operationMs).catch(() => undefined)
  }

  const documentsOf = (db: Db): Collection<StoredDocument> => db.collection<StoredDocument>(name)
  const undoOf = (db: Db): Collection<UndoDocument> => db.collection<UndoDocument>('_sluice_undo')
  const commitOf = (db: Db): Collection<CommitDocument> => db.collection<CommitDocument>('_sluice_commit')

  async function prepare(db: Db, stored: number): Promise<void> {
    const { id, committedSeq } = info
    const written = (await commitOf(db).findOne({ _id: owner }))?.seq ?? 0
    if (written < stored) throw lost(shown)
    await documentsOf(db).createIndexes([
      { key: { _job: 1, _seq: 1 }, name: '_sluice_seq' },
      { key: { _job: 1, _page: 1 }, name: '_sluice_page' },
    ])
    await documentsOf(db).deleteMany({ _job: id, _seq: { $gt: committedSeq } })
    // What a committed batch replaced stays replaced: its copies are there until the next batch.
    const kept = await undoOf(db)
      .find({ owner, at: { $gt: committedSeq } })
      .toArray()
    const back = kept.filter(({ document }) => document._seq <= committedSeq).map(({ document }) => document)
    await replaceAll(documentsOf(db), back)
    await undoOf(db).deleteMany({ owner })
    await commitOf(db).replaceOne({ _id: owner }, { seq: committedSeq }, { upsert: true })
  }

  /**
   * Keeps what the batch will replace or remove: whatever of it is there with a number from before the batch. Returns the
   * visited pages that have such documents, and whether any of the documents replaces one.
   */
  async function keep(db: Db, { documents, visits }: Changes, last: number): Promise<Kept> {
    const pagesWith = new Set<string>()
    let replaces = false
    await undoOf(db).deleteMany({ owner, at: { $ne: last } })
    const before = { $lte: seq }
    for (const ids of slices(documents.map(({ _id }) => _id))) {
      if ((await keepFound(db, { _id: { $in: ids }, _seq: before }, last)).length > 0) replaces = true
    }
    for (const pages of slices(visits.map(({ page }) => page))) {
      const found = await keepFound(db, { _job: info.id, _page: { $in: pages }, _seq: before }, last)
      for (const page of found) pagesWith.add(page)
    }
    return { pagesWith, replaces }
  }

  async function keepFound(db: Db, filter: object, at: number): Promise<string[]> {
    const pages: string[] = []
    for await (const document of documentsOf(db).find(filter)) {
      pages.push(document._page)
      const copy = { owner, at, document }
      await undoOf(db).replaceOne({ _id: `${owner} ${document._id}` }, copy, { upsert: true })
    }
    return pages
  }

  async function store(db: Db, changes: Changes, last: number): Promise<void> {
    const { pagesWith, replaces } = await keep(db, changes, last)
    if (replaces || !(await insertAll(documentsOf(db), changes.documents))) {
      await replaceAll(documentsOf(db), changes.documents)
    }
    const again = changes.visits.filter(({ page }) => pagesWith.has(page))
    if (again.length > 0) {
      await documentsOf(db).bulkWrite(
        again.map((visit) => ({
          deleteMany: { filter: { _job: info.id, _page: visit.page, _seq: { $lt: visit.seq } } },
        })),
        { ordered: false },
      )
    }
    await commitOf(db).replaceOne({ _id: owner }, { seq: last }, { upsert: true })
  }

  /** Documents that the server would refuse for their size are left out and reported. */
  function acceptable(changes: Changes, batch: readonly SinkRecord[]): Changes {
    refused = []
    const documents = changes.documents.filter((document) => {
      const bytes = sizeOf(document)
      if (bytes <= LARGEST) return true
      const message = `MongoDB: ${(bytes / 2 ** 20).toFixed(1)} MiB, a document may have 16`
      refused.push({ ...sourceOf(document, batch), path: '', message })
      return false
    })
    return { ...changes, documents }
  }

  return {
    name: shown,
    wantsBodies: false,

    async open(job: JobInfo, position: Uint8Array | undefined): Promise<void> {
      const stored = decodePosition(position, shown).stored
      const { MongoClient: Client, BSON } = await loadDriver()
      sizeOf = (document) => BSON.calculateObjectSize(document)
      info = job
      name = target.collection ?? (job.items === undefined ? 'pages' : 'items')
      owner = `${job.id}#${name}`
      const { giveUpMs } = options
      retry = new ServerRetry({
        server: shown,
        isAway,
        warn: job.warn,
        signal: job.signal,
        ...(giveUpMs === undefined ? {} : { giveUpMs }),
      })
      try {
        // Waiting and trying again are ours.
        connect = () =>
          new Client(target.connect, {
            serverSelectionTimeoutMS: SELECTION_MS,
            connectTimeoutMS: operationMs,
            socketTimeoutMS: operationMs,
            retryWrites: false,
            maxPoolSize: 2,
          })
        client = connect()
        await ask((db) => prepare(db, stored), OPEN_GIVE_UP_MS)
      } catch (error) {
        await disconnect()
        throw mongoError(shown, error)
      }
      seq = job.committedSeq
    },

    async write(batch: readonly SinkRecord[]): Promise<Uint8Array | undefined> {
      const changes = acceptable(changesOf(batch, info.id, info.items !== undefined), batch)
      const last = batch.at(-1)?.record.seq ?? seq
      if (changes.documents.length > 0 || changes.visits.length > 0) {
        await ask((db) => store(db, changes, last))
        seq = last
      }
      return encodePosition(seq, false)
    },

    refused: () => refused,

    close: disconnect,
  }
}

/** False: some were there, stored by a try before this one. Several times as fast as upserts, which look for each. */
async function insertAll(
  collection: Collection<StoredDocument>,
  documents: readonly StoredDocument[],
): Promise<boolean> {
  if (documents.length === 0) return true
  try {
    await collection.insertMany(documents, { ordered: false })
    return true
  } catch (error) {
    if (numberOf(error) === DUPLICATE) return false
    throw error
  }
}

/** Also what a try before this one has stored: an upsert of the same document changes nothing. */
async function replaceAll(collection: Collection<StoredDocument>, documents: readonly StoredDocument[]): Promise<void> {
  if (documents.length === 0) return
  await collection.bulkWrite(
    documents.map((document) => ({
      replaceOne: { filter: { _id: document._id }, replacement: document, upsert: true },
    })),
    { ordered: false },
  )
}

function* slices<T>(list: readonly T[]): Generator<T[], undefined> {
  for (let at = 0; at < list.length; at += SLICE) yield list.slice(at, at + SLICE)
}

async function loadDriver(): Promise<typeof import('mongodb')> {
  try {
    return await import('mongodb')
  } catch (cause) {
    throw new SluiceError('DEPENDENCY_MISSING', 'an output in MongoDB needs the package mongodb', {
      hint: 'npm install mongodb',
      cause,
    })
  }
}

function isAway(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  if (isNetworkError(error) || AWAY.test(error.name) || NOT_READY.has(numberOf(error))) return true
  // A connection that breaks in a bulk write is told by an error of the bulk: without a verdict of the server.
  return error.name === 'MongoBulkWriteError' && numberOf(error) === -1
}

/** Code of the server; -1 where there is none. */
function numberOf(error: unknown): number {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined
  return typeof code === 'number' ? code : -1
}

function mongoError(shown: string, error: unknown): SluiceError {
  if (error instanceof SluiceError) return error
  const reason = reasonOf(error)
  if (numberOf(error) === OUT_OF_DISK || errorCode(error) === 'ENOSPC') {
    return new SluiceError('SINK_FULL', `${shown} has no room left: ${reason}`, {
      hint: 'make room and run the same command again: the job continues where it stopped',
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
    hint: DATA_HINT,
  })
}
