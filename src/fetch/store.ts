/**
 * Where decoded bytes go: memory, and past a size a file. Counts, caps and digests them. It knows nothing of codings or
 * of the wire.
 */
import { join } from 'node:path'
import type { Digester, DigestStream } from '../url/fingerprint.ts'
import { KeptBytes, type Lender } from './kept-bytes.ts'
import { Spool, type SpoolOwner } from './spool.ts'

export interface StoreLimits {
  /** Bodies over this go to a file. */
  readonly spoolBytes: number
  readonly spoolFolder: string
  /** A name never used before, in `spoolFolder`. */
  spoolName(): string
  readonly digester: Digester
  readonly lender: Lender
}

export class Store {
  /** Decoded bytes taken. */
  bytes = 0
  /** Set once everything is in the file. */
  file: string | undefined
  readonly #limits: StoreLimits
  readonly #cap: number
  readonly #owner: SpoolOwner
  readonly #kept: KeptBytes
  #whole: Uint8Array | undefined
  #spool: Spool | undefined
  #digest: DigestStream | undefined

  /**
   * @param expected decoded length where it is announced, else 0.
   * @param lender given: `body()` is lent until `release`.
   */
  constructor(limits: StoreLimits, cap: number, expected: number, lender: Lender | undefined, owner: SpoolOwner) {
    this.#limits = limits
    this.#cap = cap
    this.#owner = owner
    this.#kept = new KeptBytes(expected, lender)
  }

  /** Takes a whole body that is nobody else's; `body()` then copies nothing. False: it is over the cap. */
  pushOwn(body: Uint8Array): boolean {
    if (body.length <= this.#cap && body.length <= this.#limits.spoolBytes && this.bytes === 0) {
      this.bytes = body.length
      this.#whole = body
      return true
    }
    return this.push(body)
  }

  /** Copies as much as the cap lets in; false: there was more. */
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

  /** Stops and removes the file. */
  abandon(): void {
    this.#spool?.abandon()
  }

  /** Forgets the bytes in memory; those that were lent are void. */
  release(): void {
    this.#kept.end()
    this.#whole = undefined
  }

  /** The bytes in memory, in an array of their own where they are not lent. Call it once. */
  body(): Uint8Array {
    return this.#whole ?? this.#kept.take()
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
    else this.#kept.add(chunk)
  }

  #spill(chunk: Uint8Array): void {
    this.#digest = this.#limits.digester.start()
    this.#spool = new Spool(join(this.#limits.spoolFolder, this.#limits.spoolName()), this.#owner)
    if (this.#kept.length > 0) this.#toFile(this.#kept.take())
    this.#kept.end()
    this.#toFile(chunk)
  }

  #toFile(chunk: Uint8Array): void {
    this.#digest?.update(chunk)
    // The file is written later, and the chunk is only lent.
    this.#spool?.write(new Uint8Array(chunk))
  }
}
