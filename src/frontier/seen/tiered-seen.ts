/**
 * Fingerprints under a memory budget: a table in memory, and once that has its share, sorted runs on disk behind a Bloom
 * filter. Memory then stays where it is, however many URLs follow. A slice of the hash space moves at a time, so that no
 * add waits long.
 */
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { Bloom } from './bloom.ts'
import { RunFile } from './run-file.ts'
import { SeenTable } from './seen-table.ts'
import type { Seen } from './seen-table.ts'

/** Files, each for as many segments of the table as come to one. */
const SLICES = 64
const SEGMENTS_A_SLICE = 256 / SLICES
const SLICE_WIDTH = 2 ** 32 / SLICES
/** Table bytes an entry between two growths, on average. */
const BYTES_AN_ENTRY = 13

export interface TieredOptions {
  /** Folder for the runs; emptied at open and removed at close. */
  readonly folder: string
  /** Bytes of memory for fingerprints. */
  readonly budgetBytes: number
}

/** Adds between two slices that move, when the table has its share for the first time; at most. */
const ADDS_A_SLICE = 1_024

export class TieredSeen implements Seen {
  readonly #folder: string
  readonly #budget: number
  readonly #table = new SeenTable()
  #bloom: Bloom | undefined
  #files: RunFile[] = []
  #moved = 0
  /** Entries of a slice at which it moves to disk again. */
  readonly #sliceEntries: number
  readonly #counts = new Int32Array(SLICES)
  #adds = 0

  constructor({ folder, budgetBytes }: TieredOptions) {
    this.#folder = folder
    this.#budget = budgetBytes
    rmSync(folder, { recursive: true, force: true })
    // Once slices have moved the filter takes five eighths of the budget, the table three.
    this.#sliceEntries = Math.max(4, Math.floor((budgetBytes * 3) / 8 / BYTES_AN_ENTRY / SLICES))
  }

  get count(): number {
    return this.#table.count + this.#moved
  }

  get bytes(): number {
    return this.#table.bytes + (this.#bloom?.bytes ?? 0)
  }

  add(hi: number, lo: number): boolean {
    const bloom = this.#bloom
    if (bloom === undefined) {
      if (!this.#table.add(hi, lo)) return false
      if (this.#table.bytes >= this.#budget) this.#startMoving()
      return true
    }
    const slice = Math.floor(hi / SLICE_WIDTH)
    if (this.#isOnDisk(bloom, slice, hi, lo) || !this.#table.add(hi, lo)) return false
    if (this.#files.length < SLICES) {
      // The filter's memory is touched by one slice after the other, as the table's is given back.
      if (++this.#adds % Math.min(ADDS_A_SLICE, this.#sliceEntries) === 0) this.#moveFirst(bloom)
    } else if (this.#count(slice) >= this.#sliceEntries) this.#move(slice, bloom, false)
    return true
  }

  has(hi: number, lo: number): boolean {
    if (this.#table.has(hi, lo)) return true
    return this.#bloom !== undefined && this.#isOnDisk(this.#bloom, Math.floor(hi / SLICE_WIDTH), hi, lo)
  }

  close(): void {
    this.#table.close()
    for (const file of this.#files) file.close()
    this.#files = []
    rmSync(this.#folder, { recursive: true, force: true })
  }

  #isOnDisk(bloom: Bloom, slice: number, hi: number, lo: number): boolean {
    const file = this.#files[slice]
    return file !== undefined && bloom.mayHave(hi, lo) && file.has(hi, lo)
  }

  #count(slice: number): number {
    const count = (this.#counts[slice] as number) + 1
    this.#counts[slice] = count
    return count
  }

  #startMoving(): void {
    mkdirSync(this.#folder, { recursive: true })
    this.#bloom = new Bloom((this.#budget * 5) / 8)
  }

  #moveFirst(bloom: Bloom): void {
    const slice = this.#files.length
    const path = join(this.#folder, String(slice).padStart(2, '0'))
    this.#files.push(new RunFile(path, slice * SLICE_WIDTH, SLICE_WIDTH))
    this.#move(slice, bloom, true)
  }

  #move(slice: number, bloom: Bloom, giveBack: boolean): void {
    const sorted = this.#table.takeSorted(slice * SEGMENTS_A_SLICE, (slice + 1) * SEGMENTS_A_SLICE, giveBack)
    const halves = new Uint32Array(sorted.buffer)
    for (let i = 0; i < halves.length; i += 2) bloom.add(halves[i + 1] as number, halves[i] as number)
    this.#files[slice]?.add(sorted)
    this.#moved += sorted.length
    this.#counts[slice] = 0
  }
}
