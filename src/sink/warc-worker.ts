/** Worker thread of an archive: makes records of pages. The main thread appends the bytes and says when it has. */
import { parentPort, workerData } from 'node:worker_threads'
import { reasonOf } from '../model/errors.ts'
import { archiveNames } from '../warc/archive-files.ts'
import { errorCode } from './store-error.ts'
import { type WarcPage, WarcWriter } from './warc-writer.ts'

export interface WarcThreadData {
  readonly path: string
  readonly gzip: boolean
  readonly jobId: string
  readonly jobName: string
  readonly number: number
  readonly offset: number
  readonly rotateBytes: number
}

/** `write` and `finish` are answered by `done` or `failed`; in between each `bytes` and `rotate` waits for `taken`. */
export type ToThread =
  | { readonly kind: 'write'; readonly pages: readonly WarcPage[]; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly kind: 'finish' }
  | { readonly kind: 'taken' }

export type FromThread =
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly kind: 'rotate'; readonly number: number }
  | { readonly kind: 'done' }
  | { readonly kind: 'failed'; readonly message: string; readonly code: string }

const data = workerData as WarcThreadData
let taken: () => void = () => {}

function send(message: FromThread, transfer: readonly ArrayBuffer[] = []): void {
  parentPort?.postMessage(message, [...transfer])
}

function handOver(message: FromThread, transfer?: readonly ArrayBuffer[]): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  taken = resolve
  send(message, transfer)
  return promise
}

const writer = new WarcWriter({
  ...data,
  names: archiveNames(data.path),
  emit: (bytes) => {
    // A buffer of the pool cannot be given away.
    const own = new Uint8Array(bytes)
    return handOver({ kind: 'bytes', bytes: own }, [own.buffer])
  },
  rotate: (number) => handOver({ kind: 'rotate', number }),
})
const started = writer.start()
// The failure is told with the first message that needs the writer.
started.catch(() => {})

async function answer(work: () => Promise<void> | void): Promise<void> {
  try {
    await started
    await work()
    send({ kind: 'done' })
  } catch (error) {
    send({ kind: 'failed', message: reasonOf(error), code: errorCode(error) })
  }
}

parentPort?.on('message', (message: ToThread) => {
  if (message.kind === 'taken') taken()
  else if (message.kind === 'write') void answer(() => writer.write(message.pages, message.bytes))
  else void answer(() => writer.finish())
})
