/**
 * The parts of a job: which request has one, what it was told when it began, and the two files of each,
 *
 *     parts/<name>.part    the bytes
 *     parts/<name>.json    of which URL and version they are, and how many of them count
 *
 * A name is the fingerprint of the request whose row waits (of a redirect hop: of the input it stands for), 16 hex
 * digits: one part a row. An attempt leaves its part behind however it ends; `remove` is for whoever knows that the
 * request is settled. The state is the truth: bytes without one are nobody's, a state without its bytes counts nothing.
 */
import { mkdirSync, readdirSync, readFileSync, renameSync, rmdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type Digester, hexOf } from '../url/fingerprint.ts'
import type { Unfinished } from './part-answer.ts'
import { LOSS_BYTES, PartFile } from './part-file.ts'
import type { SpoolOwner } from './spool.ts'

/** A part and the head of the 200 it began with: an answer with a range may leave most of it out (RFC 9110 15.3.7). */
export interface Part extends Unfinished {
  readonly url: string
  readonly statusText: string
  readonly rawHeaders: readonly string[]
  /** Bytes that counted when the process before this one left; absent: it had none. */
  readonly before?: number
}

export interface PartFolderOptions {
  /** Made with the first part. */
  readonly folder: string
  /** True: bytes are on the disk before they count. Default false: they survive the process, not a power cut. */
  readonly isSynced?: boolean
}

export interface PartStore {
  readonly digester: Digester
  /** Finished bodies up to this are handed over in memory. */
  readonly memoryBytes: number
}

/** A body announced with more goes to a part from its first byte: a smaller one costs no more than a death may. */
export const KNOWN_LARGE_BYTES = LOSS_BYTES
/** One of unknown length goes to a part once so much has come. */
export const UNKNOWN_LARGE_BYTES = LOSS_BYTES / 2

const FORMAT = 1
const NAME = /^[0-9a-f]{16}$/

export class PartFolder {
  /** Names of parts that the last process made longer: it got somewhere with them, however it ended. */
  readonly grown: ReadonlySet<bigint>
  readonly #folder: string
  readonly #isSynced: boolean
  readonly #known = new Map<bigint, Part>()
  readonly #open = new Set<PartFile>()
  #isMade = false
  #onClosed: (() => void) | undefined

  /** Reads what earlier processes left and removes what cannot be gone on with. */
  constructor({ folder, isSynced = false }: PartFolderOptions) {
    this.#folder = folder
    this.#isSynced = isSynced
    const names = new Set(filesOf(folder).map((file) => file.slice(0, 16)))
    const grown = new Set<bigint>()
    for (const name of names) {
      if (!NAME.test(name)) continue
      const part = this.#read(name)
      if (part === undefined) {
        this.#erase(name)
        continue
      }
      const { count, before = 0 } = part
      if (count > before) {
        grown.add(BigInt(`0x${name}`))
        this.#writeState(name, { ...part, before: count })
      }
      this.#known.set(BigInt(`0x${name}`), { ...part, before: count })
    }
    this.grown = grown
  }

  /** Names of the parts there are. */
  names(): bigint[] {
    return [...this.#known.keys()]
  }

  /** The part of a request, if it is of this URL. */
  find(name: bigint, url: string): Part | undefined {
    if (this.#known.size === 0) return undefined
    const part = this.#known.get(name)
    return part?.url === url && part.count > 0 ? part : undefined
  }

  /** A new part in the place of any other; its first bytes are still to come. */
  begin(name: bigint, part: Part, store: PartStore, owner: SpoolOwner): PartFile {
    this.remove(name)
    if (!this.#isMade) mkdirSync(this.#folder, { recursive: true, mode: 0o700 })
    this.#isMade = true
    this.#known.set(name, part)
    return this.#file(name, part, store, owner)
  }

  /** Goes on with a part that `find` gave. `length` is what its answer says. */
  goOn(name: bigint, part: Part, length: number, store: PartStore, owner: SpoolOwner): PartFile {
    return this.#file(name, { ...part, length }, store, owner)
  }

  /** The request is settled, or its part is worth nothing. */
  remove(name: bigint): void {
    if (this.#known.size === 0 || !this.#known.delete(name)) return
    this.#erase(hexOf(name))
  }

  /** Nothing waits any more: whatever is here is nobody's. */
  clear(): void {
    for (const name of this.#known.keys()) this.remove(name)
    try {
      rmdirSync(this.#folder)
    } catch {
      // It was never made, or holds what is not ours.
    }
    this.#isMade = false
  }

  /** True: the file is of a part, and is removed with it. */
  holds(path: string): boolean {
    return dirname(path) === this.#folder
  }

  /** Resolves when no part is being written. */
  closed(): Promise<void> {
    if (this.#open.size === 0) return Promise.resolve()
    return new Promise((resolve) => {
      const earlier = this.#onClosed
      this.#onClosed = () => {
        earlier?.()
        resolve()
      }
    })
  }

  #file(name: bigint, part: Part, { digester, memoryBytes }: PartStore, owner: SpoolOwner): PartFile {
    const { path, statePath } = this.#paths(hexOf(name))
    const counted = (count: number, isWhole: boolean): Part => ({
      ...part,
      count,
      length: isWhole ? count : part.length,
    })
    const file = new PartFile(
      {
        path,
        statePath,
        from: part.count,
        isWhole: part.count === part.length,
        isSynced: this.#isSynced,
        stateOf: (count, isWhole) => stateText(counted(count, isWhole)),
        onCount: (count, isWhole) => this.#known.set(name, counted(count, isWhole)),
        onClosed: () => this.#closed(file),
        digester,
        memoryBytes,
      },
      owner,
    )
    this.#open.add(file)
    return file
  }

  #closed(file: PartFile): void {
    this.#open.delete(file)
    if (this.#open.size > 0) return
    this.#onClosed?.()
    this.#onClosed = undefined
  }

  #paths(name: string): { readonly path: string; readonly statePath: string } {
    return { path: join(this.#folder, `${name}.part`), statePath: join(this.#folder, `${name}.json`) }
  }

  /** Undefined: torn, of another format, or longer than its bytes. */
  #read(name: string): Part | undefined {
    const { path, statePath } = this.#paths(name)
    try {
      const { format, ...part } = JSON.parse(readFileSync(statePath, 'utf8')) as Part & { format: unknown }
      const isRight = format === FORMAT && part.count > 0 && Array.isArray(part.rawHeaders)
      return isRight && statSync(path).size >= part.count ? part : undefined
    } catch {
      return undefined
    }
  }

  #writeState(name: string, part: Part): void {
    const { statePath } = this.#paths(name)
    writeFileSync(`${statePath}.tmp`, stateText(part), { mode: 0o600 })
    renameSync(`${statePath}.tmp`, statePath)
  }

  /** The state first: at no instant does it speak of bytes of another version. */
  #erase(name: string): void {
    const { path, statePath } = this.#paths(name)
    for (const file of [statePath, `${statePath}.tmp`, path]) {
      try {
        rmSync(file, { force: true })
      } catch {
        // What cannot be removed is removed at the next start, or met by whoever needs its name.
      }
    }
  }
}

function stateText(part: Part): string {
  return JSON.stringify({ format: FORMAT, ...part })
}

function filesOf(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}
