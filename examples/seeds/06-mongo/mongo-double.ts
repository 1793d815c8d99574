/**
 * A stand-in for a MongoDB server that speaks its wire protocol (OP_MSG, and the legacy greeting OP_QUERY) to the
 * official driver, with the commands and filters that the sink uses and the server's limits on documents. It is no
 * database: it keeps everything in memory and knows no index. A real server is used where `MONGODB_URL` names one.
 */
import { createServer, type Server, type Socket } from 'node:net'
import type { AddressInfo } from 'node:net'
import { BSON } from 'mongodb'

export interface MongoDouble {
  /** `mongodb://127.0.0.1:PORT/test`. */
  readonly url: string
  /** Commands that were answered so far. */
  readonly commands: readonly string[]
  /** Breaks every connection and takes no new ones; what is stored stays. */
  stop(): Promise<void>
  start(): Promise<void>
  /** What a collection holds. */
  documents(collection: string): Document[]
  /** Carries out the next command of that name and breaks the connection in place of the answer. */
  breakAt(command: string): void
  /** Carries out the next command of that name and sends an answer that never ends: the connection is never idle. */
  stallAt(command: string): void
  /** Forgets everything, as a server that lost its data. */
  clear(): void
  close(): Promise<void>
}

type Document = Record<string, unknown>
type Store = Map<string, Map<string, Document>>

const OP_REPLY = 1
const OP_QUERY = 2004
const OP_MSG = 2013
const HEADER = 16
const LARGEST = 16 * 1024 * 1024

export async function startMongoDouble(): Promise<MongoDouble> {
  const store: Store = new Map()
  const commands: string[] = []
  const sockets = new Set<Socket>()
  let server: Server | undefined
  let port = 0
  let breaking: string | undefined
  let stalling: string | undefined

  function serve(socket: Socket): void {
    sockets.add(socket)
    let pieces: Buffer[] = []
    let size = 0
    let wanted = HEADER
    socket.on('data', (piece: Buffer) => {
      pieces.push(piece)
      size += piece.length
      // Joined only when a message is whole: it may be 48 MB.
      while (size >= wanted) {
        const bytes = Buffer.concat(pieces)
        wanted = bytes.readInt32LE(0)
        pieces = [bytes]
        if (size < wanted) return
        pieces = [bytes.subarray(wanted)]
        size -= wanted
        const reply = answer(bytes.subarray(0, wanted))
        wanted = HEADER
        if (commands.at(-1) === stalling) {
          stalling = undefined
          stall(socket, reply)
        } else if (commands.at(-1) !== breaking) socket.write(reply)
        else {
          breaking = undefined
          socket.destroy()
        }
      }
    })
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => undefined)
  }

  function stall(socket: Socket, reply: Buffer): void {
    reply.writeInt32LE(LARGEST, 0)
    socket.write(reply)
    const timer = setInterval(() => socket.write('\0'), 20)
    socket.on('close', () => clearInterval(timer))
  }

  function answer(message: Buffer): Buffer {
    const code = message.readInt32LE(12)
    const command = code === OP_QUERY ? queryOf(message) : messageOf(message)
    const name = Object.keys(command)[0] ?? ''
    commands.push(name)
    const reply = Buffer.from(BSON.serialize(run(store, name, command)))
    const body =
      code === OP_QUERY
        ? Buffer.concat([Buffer.from([8, 0, 0, 0]), Buffer.alloc(12), Buffer.from([1, 0, 0, 0]), reply])
        : Buffer.concat([Buffer.alloc(5), reply])
    const header = Buffer.alloc(HEADER)
    header.writeInt32LE(HEADER + body.length, 0)
    header.writeInt32LE(message.readInt32LE(4), 8)
    header.writeInt32LE(code === OP_QUERY ? OP_REPLY : OP_MSG, 12)
    return Buffer.concat([header, body])
  }

  function start(): Promise<void> {
    return new Promise((resolve, reject) => {
      server = createServer(serve).once('error', reject)
      server.listen(port, '127.0.0.1', () => {
        port = ((server as Server).address() as AddressInfo).port
        resolve()
      })
    })
  }

  function stop(): Promise<void> {
    return new Promise((resolve) => {
      server?.close(() => resolve())
      for (const socket of sockets) socket.destroy()
    })
  }

  await start()
  return {
    url: `mongodb://127.0.0.1:${port}/test`,
    commands,
    start,
    stop,
    documents: (collection) => [...collectionOf(store, collection).values()],
    breakAt: (command) => void (breaking = command),
    stallAt: (command) => void (stalling = command),
    clear: () => store.clear(),
    close: stop,
  }
}

/** The document of a legacy greeting: flags, name of a collection, two counts, then it. */
function queryOf(message: Buffer): Document {
  const name = message.indexOf(0, HEADER + 4)
  return BSON.deserialize(message.subarray(name + 9)) as Document
}

/** A command and the sequences of documents that came beside it. */
function messageOf(message: Buffer): Document {
  const command: Document = {}
  for (let at = HEADER + 4; at < message.length; ) {
    const kind = message[at++]
    const size = message.readInt32LE(at)
    if (kind === 0) {
      Object.assign(command, parsed(message.subarray(at, at + size)))
    } else {
      const end = message.indexOf(0, at + 4)
      const documents: Document[] = []
      for (let next = end + 1; next < at + size; next += message.readInt32LE(next)) {
        documents.push(parsed(message.subarray(next, next + message.readInt32LE(next))))
      }
      command[message.toString('utf8', at + 4, end)] = documents
    }
    at += size
  }
  return command
}

function parsed(bytes: Buffer): Document {
  return BSON.deserialize(bytes) as Document
}

function run(store: Store, name: string, command: Document): Document {
  const of = (): Map<string, Document> => collectionOf(store, String(command[name]))
  switch (name.toLowerCase()) {
    case 'hello':
    case 'ismaster':
      return {
        ok: 1,
        ismaster: true,
        isWritablePrimary: true,
        helloOk: true,
        maxBsonObjectSize: LARGEST,
        maxMessageSizeBytes: 48_000_000,
        maxWriteBatchSize: 100_000,
        minWireVersion: 0,
        maxWireVersion: 21,
      }
    case 'find': {
      const found = [...of().values()].filter(predicateOf(command['filter'] as Document))
      const firstBatch = command['limit'] === 1 || command['singleBatch'] === true ? found.slice(0, 1) : found
      return { ok: 1, cursor: { id: BSON.Long.ZERO, ns: `test.${String(command[name])}`, firstBatch } }
    }
    case 'insert':
      return insert(of(), command['documents'] as Document[])
    case 'update':
      return update(of(), command['updates'] as Document[])
    case 'delete': {
      let n = 0
      for (const { q } of command['deletes'] as { q: Document }[]) {
        const matches = predicateOf(q)
        for (const [id, document] of of()) if (matches(document) && of().delete(id)) n++
      }
      return { ok: 1, n }
    }
    case 'ping':
    case 'createindexes':
    case 'endsessions':
      return { ok: 1 }
    default:
      return { ok: 0, code: 59, codeName: 'CommandNotFound', errmsg: `the double does not know ${name}` }
  }
}

function insert(collection: Map<string, Document>, documents: readonly Document[]): Document {
  let n = 0
  const writeErrors: Document[] = []
  for (const [index, document] of documents.entries()) {
    const id = document['_id'] as string
    const error = collection.has(id) ? { code: 11_000, errmsg: `duplicate key: ${id}` } : refusal(document)
    if (error !== undefined) {
      writeErrors.push({ index, ...error })
      continue
    }
    collection.set(id, withOwn(document, id))
    n++
  }
  return { ok: 1, n, ...(writeErrors.length > 0 ? { writeErrors } : {}) }
}

/** What the server says of a document that it does not take. */
function refusal(document: Document): { code: number; errmsg: string } | undefined {
  const odd = Object.keys(document).find((key) => key.startsWith('$') || key.includes('.'))
  if (odd !== undefined) return { code: 52, errmsg: `the field name '${odd}' is not allowed` }
  return BSON.calculateObjectSize(document) > LARGEST ? { code: 10_334, errmsg: 'BSONObjectTooLarge' } : undefined
}

function update(collection: Map<string, Document>, updates: readonly Document[]): Document {
  let n = 0
  const writeErrors: Document[] = []
  const upserted: Document[] = []
  for (const [index, { q, u }] of updates.entries()) {
    const { _id } = q as { _id: string }
    const error = refusal({ _id, ...(u as Document) })
    if (error !== undefined) {
      writeErrors.push({ index, ...error })
    } else {
      if (!collection.has(_id)) upserted.push({ index, _id })
      collection.set(_id, withOwn(u as Document, _id))
      n++
    }
  }
  return {
    ok: 1,
    n,
    nModified: n - upserted.length,
    ...(upserted.length > 0 ? { upserted } : {}),
    ...(writeErrors.length > 0 ? { writeErrors } : {}),
  }
}

/** Spreading would lose a field called `__proto__`. */
function withOwn(document: Document, id: string): Document {
  return Object.fromEntries([['_id', id], ...Object.entries(document).filter(([name]) => name !== '_id')])
}

/** Equality and the operators that the sink uses; an unknown one is an error of the test. */
function predicateOf(filter: Document): (document: Document) => boolean {
  const tests = Object.entries(filter).flatMap(([name, wanted]) =>
    typeof wanted !== 'object' || wanted === null
      ? [(document: Document) => document[name] === wanted]
      : Object.entries(wanted as Document).map(([operator, operand]) => {
          const holds = operation(operator, operand)
          return (document: Document) => holds(document[name])
        }),
  )
  return (document) => tests.every((holds) => holds(document))
}

function operation(operator: string, operand: unknown): (value: unknown) => boolean {
  const among = operator === '$in' ? new Set(operand as unknown[]) : undefined
  if (among !== undefined) return (value) => among.has(value)
  if (operator === '$ne') return (value) => value !== operand
  if (operator === '$gt') return (value) => Number(value) > Number(operand)
  if (operator === '$lt') return (value) => Number(value) < Number(operand)
  if (operator === '$lte') return (value) => Number(value) <= Number(operand)
  throw new Error(`the double does not know ${operator}`)
}

function collectionOf(store: Store, name: string): Map<string, Document> {
  let found = store.get(name)
  if (found === undefined) store.set(name, (found = new Map()))
  return found
}
