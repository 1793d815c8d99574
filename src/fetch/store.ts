/**
 * Where decoded bytes go: memory, and past a size a file. Counts, caps and digests them. It knows nothing of codings or
 * of the wire.
 */
import { join } from 'node:path'
import type { Digester, DigestStream } from '../url/fingerprint.ts'
import { KeptBytes, type Lender } from './kept-bytes.ts'
import type { PartFile } from './part-file.ts'
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

/** A length from which a body counts as large; above it `bodyLarge` is asked where it goes. */
export interface StoreOwner extends SpoolOwner {
  /** A part that takes it from its first byte; undefined: memory and spool as ever. Asked at most once. */
  bodyLarge(): PartFile | undefined
}

export class Store {
  /** Decoded bytes taken. */
  bytes = 0
  /** Set once everything is in the file. */
  file: string | undefined
  readonly #limits: StoreLimits
  readonly #cap: number
  readonly #owner: StoreOwner
  /** More than this in memory goes elsewhere. */
  #roomBytes: number
  #asksLarge: boolean
  readonly #kept: KeptBytes
  #whole: Uint8Array | undefined
  #spool: Spool | undefined
  #part: PartFile | undefined
  #digest: DigestStream | undefined

  /**
   * @param expected decoded length where it is announced, else 0.
   * @param largeBytes bodies over this ask `bodyLarge`; Infinity: none does.
   * @param lender given: `body()` is lent until `release`.
   */
  constructor(
    limits: StoreLimits,
    cap: number,
    expected: number,
    largeBytes: number,
    lender: Lender | undefined,
    owner: StoreOwner,
  ) {
    this.#limits = limits
    this.#cap = cap
    this.#owner = owner
    this.#asksLarge = largeBytes !== Number.POSITIVE_INFINITY
    this.#roomBytes = Math.min(largeBytes, limits.spoolBytes)
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

  /** True: the bytes are not in memory, or only since `fileDone`. */
  get spooled(): boolean {
    return (this.#part ?? this.#spool) !== undefined
  }

  /** True: everything is here, be it in memory or in `file`. */
  get done(): boolean {
    return !this.spooled || this.file !== undefined || this.#whole !== undefined
  }

  /** Bytes that an earlier attempt had left. */
  get partFrom(): number {
    return this.#part?.from ?? 0
  }

  /** Everything goes to the part, behind what it holds already. Before the first byte. */
  goOn(part: PartFile): void {
    this.bytes = part.from
    this.#part = part
  }

  /** Ends the file; the owner hears `spoolDone`. Only where `spooled`. */
  endSpool(isWhole: boolean): void {
    if (this.#part === undefined) this.#spool?.end()
    else this.#part.end(isWhole)
  }

  /** The file has what there is of the body: a whole part that is small is in memory. */
  fileDone(path: string): void {
    this.#whole = this.#part?.body
    if (this.#whole === undefined) this.file = path
  }

  /** Stops; a spool is removed, a part keeps what has come. `onLeft`: nothing more is written. */
  abandon(onLeft: () => void): void {
    if (this.#part !== undefined) {
      this.#part.leave(onLeft)
      return
    }
    this.#spool?.abandon()
    onLeft()
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
    // Of a part that broke off the first bytes may be an earlier attempt's: nobody needs the digest enough to read them.
    if (this.#part !== undefined) return this.#part.digest
    return this.#digest === undefined ? this.#limits.digester.digest(body) : this.#digest.end()
  }

  #take(chunk: Uint8Array): void {
    this.bytes += chunk.length
    if (this.spooled) this.#toFile(chunk)
    else if (this.bytes > this.#roomBytes) this.#spill(chunk)
    else this.#kept.add(chunk)
  }

  #spill(chunk: Uint8Array): void {
    const { spoolBytes, spoolFolder, digester } = this.#limits
    if (this.#asksLarge) {
      this.#asksLarge = false
      this.#roomBytes = spoolBytes
      this.#part = this.#owner.bodyLarge()
      if (this.#part === undefined && this.bytes <= spoolBytes) {
        this.#kept.add(chunk)
        return
      }
    }
    if (this.#part === undefined) {
      this.#digest = digester.start()
      this.#spool = new Spool(join(spoolFolder, this.#limits.spoolName()), this.#owner)
    }
    if (this.#kept.length > 0) this.#toFile(this.#kept.take())
    this.#kept.end()
    this.#toFile(chunk)
  }

  #toFile(chunk: Uint8Array): void {
    this.#digest?.update(chunk)
    // The file is written later, and the chunk is only lent.
    const own = new Uint8Array(chunk)
    if (this.#part === undefined) this.#spool?.write(own)
    else this.#part.write(own)
  }
}
