/**
 * Where decoded bytes go: memory, and past a size a file. Counts, caps and digests them. It knows nothing of codings or
 * of the wire.
 */
import { join } from 'node:path'
import type { Digester, DigestStream } from '../url/fingerprint.ts'
import { Spool, type SpoolOwner } from './spool.ts'

export interface StoreLimits {
  /** Bodies over this go to a file. */
  readonly spoolBytes: number
  readonly spoolFolder: string
  /** A name never used before, in `spoolFolder`. */
  spoolName(): string
  readonly digester: Digester
}

export class Store {
  /** Decoded bytes taken. */
  bytes = 0
  /** Set once everything is in the file. */
  file: string | undefined
  readonly #limits: StoreLimits
  readonly #cap: number
  readonly #owner: SpoolOwner
  #first: Uint8Array | undefined
  #rest: Uint8Array[] | undefined
  #spool: Spool | undefined
  #digest: DigestStream | undefined
  #own = false

  constructor(limits: StoreLimits, cap: number, owner: SpoolOwner) {
    this.#limits = limits
    this.#cap = cap
    this.#owner = owner
  }

  /** Takes a whole body that is nobody else's; `body()` then copies nothing. False: it is over the cap. */
  pushOwn(body: Uint8Array): boolean {
    this.#own = true
    return this.push(body)
  }

  /** Takes as much as the cap lets in; false: there was more. */
  push(chunk: Uint8Array): boolean {
    const room = this.#cap - this.bytes
    if (chunk.length > room) {
      if (room > 0) this.#take(chunk.subarray(0, room))
      return false
    }
    if (chunk.length > 0) this.#take(chunk)
    return true
  }

  get spooled(): boolean {
    return this.#spool !== undefined
  }

  /** Ends the file; the owner hears `spoolDone`. Only where `spooled`. */
  endSpool(): void {
    this.#spool?.end()
  }

  /** Forgets everything, removes the file. */
  abandon(): void {
    this.#spool?.abandon()
    this.#first = undefined
    this.#rest = undefined
  }

  /** The bytes in memory as a new array of their own: chunks are slices of socket buffers. Call it once. */
  body(): Uint8Array {
    const first = this.#first
    if (first === undefined) return new Uint8Array(0)
    const rest = this.#rest
    if (rest === undefined) return this.#own ? first : new Uint8Array(first)
    const body = new Uint8Array(Buffer.allocUnsafeSlow(this.bytes).buffer)
    body.set(first)
    let at = first.length
    for (const chunk of rest) {
      body.set(chunk, at)
      at += chunk.length
    }
    return body
  }

  /** Of everything taken; '' for an empty body. @param body what `body()` gave; not looked at where it is in a file. */
  digest(body: Uint8Array): string {
    if (this.bytes === 0) return ''
    return this.#digest === undefined ? this.#limits.digester.digest(body) : this.#digest.end()
  }

  #take(chunk: Uint8Array): void {
    this.bytes += chunk.length
    if (this.#spool !== undefined) this.#toFile(chunk)
    else if (this.bytes > this.#limits.spoolBytes) this.#spill(chunk)
    else if (this.#first === undefined) this.#first = chunk
    else if (this.#rest === undefined) this.#rest = [chunk]
    else this.#rest.push(chunk)
  }

  #spill(chunk: Uint8Array): void {
    this.#digest = this.#limits.digester.start()
    this.#spool = new Spool(join(this.#limits.spoolFolder, this.#limits.spoolName()), this.#owner)
    if (this.#first !== undefined) this.#toFile(this.#first)
    for (const held of this.#rest ?? []) this.#toFile(held)
    this.#first = undefined
    this.#rest = undefined
    this.#toFile(chunk)
  }

  #toFile(chunk: Uint8Array): void {
    this.#digest?.update(chunk)
    this.#spool?.write(chunk)
  }
}
