/**
 * Sorted runs of fingerprints of one slice of the hash space, in one file, the largest and oldest first. Adding a run
 * merges the newest ones into it that are not twice its size, so that a file holds few runs and every fingerprint is
 * rewritten about log2(n) times. Fingerprints are uniform, so a run is searched by interpolation: one read a run.
 * The file is derived from the job's rows: it starts empty at each open.
 */
import { closeSync, openSync, readSync, unlinkSync, writeSync } from 'node:fs'

/** Fingerprints read at once around the guess: four standard deviations of a run of a million. */
const READ = 1024
const TWO_32 = 4294967296

interface Run {
  /** Index of its first fingerprint in the file. */
  readonly start: number
  readonly count: number
}

export class RunFile {
  readonly #path: string
  readonly #fd: number
  readonly #low: number
  readonly #width: number
  #runs: Run[] = []

  /** @param low first high half of the slice. @param width how many high halves it spans. */
  constructor(path: string, low: number, width: number) {
    this.#path = path
    this.#fd = openSync(path, 'w+')
    this.#low = low
    this.#width = width
  }

  /** @param sorted ascending, none of them in the file. */
  add(sorted: BigUint64Array): void {
    if (sorted.length === 0) return
    let merged = sorted
    for (;;) {
      const last = this.#runs[this.#runs.length - 1]
      if (last === undefined || last.count > 2 * merged.length) break
      this.#runs.pop()
      merged = merge(this.#read(last), merged)
    }
    const before = this.#runs[this.#runs.length - 1]
    const start = before === undefined ? 0 : before.start + before.count
    writeWhole(this.#fd, new Uint8Array(merged.buffer, merged.byteOffset, merged.byteLength), 8 * start)
    this.#runs.push({ start, count: merged.length })
  }

  has(hi: number, lo: number): boolean {
    const share = (hi - this.#low + lo / TWO_32) / this.#width
    for (let i = this.#runs.length - 1; i >= 0; i--) if (this.#find(this.#runs[i] as Run, share, hi, lo)) return true
    return false
  }

  close(): void {
    closeSync(this.#fd)
    unlinkSync(this.#path)
  }

  #find({ start, count }: Run, share: number, hi: number, lo: number): boolean {
    let from = Math.max(0, Math.min(count - READ, Math.floor(share * count) - READ / 2))
    for (;;) {
      const n = Math.min(READ, count - from)
      readWhole(this.#fd, pageBytes, 8 * n, 8 * (start + from))
      if (from > 0 && isBelow(hi, lo, 0)) from = Math.max(0, from - READ + 1)
      else if (from + n < count && !isBelow(hi, lo, n - 1) && !isAt(hi, lo, n - 1))
        from = Math.min(count - READ, from + READ - 1)
      else return search(hi, lo, n)
    }
  }

  #read({ start, count }: Run): BigUint64Array {
    const run = new BigUint64Array(count)
    readWhole(this.#fd, new Uint8Array(run.buffer), 8 * count, 8 * start)
    return run
  }
}

/** One page for all: everything here is synchronous. */
const page = new Uint32Array(2 * READ)
const pageBytes = new Uint8Array(page.buffer)

function isBelow(hi: number, lo: number, at: number): boolean {
  const h = page[2 * at + 1] as number
  return hi < h || (hi === h && lo < (page[2 * at] as number))
}

function isAt(hi: number, lo: number, at: number): boolean {
  return page[2 * at + 1] === hi && page[2 * at] === lo
}

function search(hi: number, lo: number, count: number): boolean {
  let low = 0
  let high = count
  while (low < high) {
    const middle = (low + high) >>> 1
    if (isAt(hi, lo, middle)) return true
    if (isBelow(hi, lo, middle)) high = middle
    else low = middle + 1
  }
  return false
}

function merge(a: BigUint64Array, b: BigUint64Array): BigUint64Array {
  const merged = new BigUint64Array(a.length + b.length)
  // Halves instead of bigints: no allocation a comparison.
  const out = new Uint32Array(merged.buffer)
  const left = new Uint32Array(a.buffer, a.byteOffset, 2 * a.length)
  const right = new Uint32Array(b.buffer, b.byteOffset, 2 * b.length)
  let i = 0
  let j = 0
  for (let n = 0; n < out.length; n += 2) {
    let takeLeft = j >= right.length
    if (!takeLeft && i < left.length) {
      const leftHi = left[i + 1] as number
      const rightHi = right[j + 1] as number
      takeLeft = leftHi < rightHi || (leftHi === rightHi && (left[i] as number) < (right[j] as number))
    }
    if (takeLeft) {
      out[n] = left[i] as number
      out[n + 1] = left[i + 1] as number
      i += 2
    } else {
      out[n] = right[j] as number
      out[n + 1] = right[j + 1] as number
      j += 2
    }
  }
  return merged
}

function writeWhole(fd: number, data: Uint8Array, position: number): void {
  for (let done = 0; done < data.length; ) done += writeSync(fd, data, done, data.length - done, position + done)
}

function readWhole(fd: number, into: Uint8Array, bytes: number, position: number): void {
  for (let done = 0; done < bytes; ) {
    const read = readSync(fd, into, done, bytes - done, position + done)
    if (read === 0) throw new Error('a file of fingerprints is shorter than it was written')
    done += read
  }
}
