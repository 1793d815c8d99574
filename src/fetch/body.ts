/**
 * The body of one answer from raw bytes to the decoded whole: plain ones straight into the store, small coded ones in
 * one call at the end, large or odd ones through a stream. Checks the cap in the loop of the chunks.
 */
import type { Coding } from './codings.ts'
import { decodeOnce } from './decode-once.ts'
import type { LayerReport } from './decode-layer.ts'
import { KeptBytes } from './kept-bytes.ts'
import { DecodeStream, type DecodeOwner } from './decode-stream.ts'
import type { PartFile } from './part-file.ts'
import type { SpoolOwner } from './spool.ts'
import { Store, type StoreLimits, type StoreOwner } from './store.ts'

export interface BodyOwner {
  /** Stop reading until `bodyDrained`. */
  bodyFull(): void
  bodyDrained(): void
  /** More decoded bytes than the cap came. Nothing follows; the store holds the first ones. */
  bodyOver(): void
  /** It is large: where it should go. `owner` is whom the part tells. Undefined: it need not outlive its attempt. */
  bodyLarge(owner: SpoolOwner): PartFile | undefined
  /** The file could not be written. Nothing follows. */
  bodyFailed(error: Error): void
  /** Decoded and stored. `report` only where decoding was not plain and whole. */
  bodyDone(report: LayerReport | undefined): void
}

/** Raw bytes up to which a coded body waits to be decoded in one call. */
const ONCE_RAW_BYTES = 512 * 1024
/** Text grows up to about 50-fold. What grows by more may be a bomb, of which one call would leave all it fills as garbage. */
const ONCE_RATIO = 50
const ONCE_SMALL_BYTES = 64 * 1024
/** What one call may decode to: it blocks the loop, about 10 ms for this much. More goes through a stream. */
const ONCE_BYTES = 4 * 1024 * 1024

export class Body implements StoreOwner, DecodeOwner {
  readonly store: Store
  /** Bytes that came over the wire, coded as sent. */
  rawBytes = 0
  readonly #owner: BodyOwner
  readonly #codings: readonly Coding[]
  readonly #cap: number
  readonly #raw: KeptBytes
  #stream: DecodeStream | undefined
  #report: LayerReport | undefined
  #over = false
  #isWhole = false

  /**
   * @param announced Content-Length, 0: unknown.
   * @param largeBytes uncoded bodies over this ask `bodyLarge`.
   * @param isLent the decoded bytes are void after `release`.
   */
  constructor(
    limits: StoreLimits,
    cap: number,
    codings: readonly Coding[],
    announced: number,
    largeBytes: number,
    isLent: boolean,
    owner: BodyOwner,
  ) {
    const { lender } = limits
    const isCoded = codings.length > 0
    const large = isCoded ? Number.POSITIVE_INFINITY : largeBytes
    this.store = new Store(limits, cap, isCoded ? 0 : announced, large, isLent ? lender : undefined, this)
    this.#raw = new KeptBytes(codings.length === 0 ? 0 : announced, lender)
    this.#cap = cap
    this.#codings = codings
    this.#owner = owner
  }

  /** Times the raw bytes decoded so far have grown. */
  get growth(): number {
    return this.store.bytes / Math.max(1, this.#stream?.taken ?? this.rawBytes)
  }

  /** The chunk is only lent. */
  push(chunk: Uint8Array): void {
    if (this.#over) return
    this.rawBytes += chunk.length
    if (this.#codings.length === 0) this.decoded(chunk)
    else if (this.#stream !== undefined) this.#stream.write(new Uint8Array(chunk))
    else {
      this.#raw.add(chunk)
      if (this.rawBytes > ONCE_RAW_BYTES) this.#startStream(this.#raw.take())
    }
  }

  /** @param isWhole false: it broke off. */
  end(isWhole: boolean): void {
    if (this.#over) return
    this.#isWhole = isWhole
    if (this.#codings.length === 0) {
      this.#stored()
      return
    }
    if (this.#stream === undefined) {
      const whole = this.#raw.take()
      const limit = Math.min(this.#cap, ONCE_BYTES, ONCE_SMALL_BYTES + ONCE_RATIO * whole.length)
      const bytes = decodeOnce(this.#codings, whole, limit)
      if (bytes !== undefined) {
        this.#raw.end()
        if (this.store.pushOwn(bytes)) this.#stored()
        else this.#overCap()
        return
      }
      this.#startStream(whole)
    }
    this.#stream?.end()
  }

  /** Forgets the bytes in memory. */
  release(): void {
    this.#raw.end()
    this.store.release()
  }

  /** Stops; the owner hears nothing more. `onLeft`: what stays for the next attempt is written. */
  abandon(onLeft: () => void): void {
    this.#over = true
    this.#stream?.abandon()
    this.store.abandon(onLeft)
  }

  bodyLarge(): PartFile | undefined {
    return this.#owner.bodyLarge(this)
  }

  decoded(chunk: Uint8Array): void {
    if (!this.#over && !this.store.push(chunk)) this.#overCap()
  }

  decodeFull(): void {
    this.#owner.bodyFull()
  }

  decodeDrained(): void {
    this.#owner.bodyDrained()
  }

  decodeDone(report: LayerReport): void {
    if (this.#over) return
    this.#report = report.truncated || report.plain || report.error !== undefined ? report : undefined
    this.#stored()
  }

  spoolFull(): void {
    if (this.#stream === undefined) this.#owner.bodyFull()
    else this.#stream.hold()
  }

  spoolDrained(): void {
    if (this.#stream === undefined) this.#owner.bodyDrained()
    else this.#stream.release()
  }

  spoolFailed(error: Error): void {
    if (this.#over) return
    this.#over = true
    this.#stream?.abandon()
    this.#owner.bodyFailed(error)
  }

  spoolDone(path: string): void {
    if (this.#over) return
    this.store.fileDone(path)
    this.#owner.bodyDone(this.#report)
  }

  #startStream(raw: Uint8Array): void {
    this.#stream = new DecodeStream(this.#codings, this)
    if (raw.length > 0) this.#stream.write(new Uint8Array(raw))
    this.#raw.end()
  }

  #stored(): void {
    if (this.store.spooled) this.store.endSpool(this.#isWhole)
    else this.#owner.bodyDone(this.#report)
  }

  #overCap(): void {
    this.#over = true
    this.#stream?.abandon()
    this.#owner.bodyOver()
  }
}
