/**
 * Pending rows of many queues on disk, for jobs whose queues outgrow memory: an append-only file of chunks of rows, each
 * with the place of the next chunk of its queue. Memory holds two places a queue, and the chunk being read for those
 * that are. Derived from the job's rows: the file starts empty at each open.
 */
import { closeSync, ftruncateSync, openSync, readSync, unlinkSync, writeSync } from 'node:fs'
import type { Spill } from '../schedule/chains.ts'

/** Rows of a chunk: a read of 1 kB serves that many claims of a queue. */
const CHUNK = 256
/** Words before the rows: place of the next chunk (low, high), number of rows. */
const HEAD = 3
/** Appended chunks are written in blocks of this many words. */
const BLOCK = 1 << 18

interface Spilled {
  /** Byte place of the next chunk to read, 0 none; places are shifted by one word so that 0 is free. */
  head: number
  /** Byte place of the last chunk. */
  tail: number
  /** Chunk being read, and how far. */
  rows: Uint32Array | undefined
  at: number
}

export class PendingSpill implements Spill {
  readonly #path: string
  readonly #fd: number
  readonly #queues = new Map<number, Spilled>()
  #block = new Uint32Array(BLOCK)
  #used = 0
  /** Byte place of the block's start. */
  #start = 4

  constructor(path: string) {
    this.#path = path
    this.#fd = openSync(path, 'w+')
  }

  has(queue: number): boolean {
    return this.#queues.has(queue)
  }

  append(queue: number, rows: Int32Array, count: number): void {
    let spilled = this.#queues.get(queue)
    if (spilled === undefined) this.#queues.set(queue, (spilled = { head: 0, tail: 0, rows: undefined, at: 0 }))
    for (let from = 0; from < count; from += CHUNK) {
      const length = Math.min(CHUNK, count - from)
      if (this.#used + HEAD + length > BLOCK) this.flush()
      const place = this.#start + 4 * this.#used
      const block = this.#block
      block[this.#used] = 0
      block[this.#used + 1] = 0
      block[this.#used + 2] = length
      for (let i = 0; i < length; i++) block[this.#used + HEAD + i] = rows[from + i] as number
      this.#used += HEAD + length
      if (spilled.tail !== 0) this.#link(spilled.tail, place)
      if (spilled.head === 0) spilled.head = place
      spilled.tail = place
    }
  }

  flush(): void {
    if (this.#used === 0) return
    const bytes = new Uint8Array(this.#block.buffer, 0, 4 * this.#used)
    for (let done = 0; done < bytes.length; )
      done += writeSync(this.#fd, bytes, done, bytes.length - done, this.#start + done)
    this.#start += bytes.length
    this.#used = 0
  }

  peek(queue: number): number {
    const spilled = this.#queues.get(queue)
    if (spilled === undefined) return 0
    const rows = spilled.rows ?? this.#load(spilled)
    return rows[spilled.at] as number
  }

  shift(queue: number): number {
    const spilled = this.#queues.get(queue)
    if (spilled === undefined) return 0
    const rows = spilled.rows ?? this.#load(spilled)
    const row = rows[spilled.at++] as number
    if (spilled.at === rows.length) {
      spilled.rows = undefined
      if (spilled.head === 0) {
        this.#queues.delete(queue)
        if (this.#queues.size === 0) this.#startOver()
      }
    }
    return row
  }

  close(): void {
    closeSync(this.#fd)
    unlinkSync(this.#path)
  }

  /** Reads the chunk at the head; the queue then goes on behind it. */
  #load(spilled: Spilled): Uint32Array {
    if (this.#used > 0) this.flush()
    const head = new Uint32Array(HEAD)
    const headBytes = new Uint8Array(head.buffer)
    readSync(this.#fd, headBytes, 0, headBytes.length, spilled.head)
    const rows = new Uint32Array(head[2] as number)
    readSync(this.#fd, new Uint8Array(rows.buffer), 0, rows.byteLength, spilled.head + 4 * HEAD)
    spilled.head = (head[0] as number) + (head[1] as number) * 2 ** 32
    if (spilled.head === 0) spilled.tail = 0
    spilled.rows = rows
    spilled.at = 0
    return rows
  }

  #link(from: number, to: number): void {
    if (from >= this.#start) {
      const at = (from - this.#start) / 4
      this.#block[at] = to >>> 0
      this.#block[at + 1] = Math.floor(to / 2 ** 32)
      return
    }
    linkWords[0] = to >>> 0
    linkWords[1] = Math.floor(to / 2 ** 32)
    writeSync(this.#fd, linkBytes, 0, 8, from)
  }

  /** Nothing is left in it. */
  #startOver(): void {
    ftruncateSync(this.#fd, 0)
    this.#start = 4
    this.#used = 0
  }
}

const linkWords = new Uint32Array(2)
const linkBytes = new Uint8Array(linkWords.buffer)
