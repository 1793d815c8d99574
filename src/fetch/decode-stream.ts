/** Undoes the layers of a Content-Encoding one behind the other, with back-pressure from the last to the source. */
import type { Coding } from './codings.ts'
import { DecodeLayer, type Downstream, type LayerReport, type Upstream } from './decode-layer.ts'

export interface DecodeOwner {
  /** Hold the source until `decodeDrained`. */
  decodeFull(): void
  decodeDrained(): void
  decoded(chunk: Uint8Array): void
  decodeDone(report: LayerReport): void
}

export class DecodeStream {
  readonly #layers: DecodeLayer[] = []

  /** @param codings in the order they are undone; at least one. */
  constructor(codings: readonly Coding[], owner: DecodeOwner) {
    const source: Upstream = { hold: () => owner.decodeFull(), release: () => owner.decodeDrained() }
    const sink: Downstream = { write: (chunk) => owner.decoded(chunk), end: () => owner.decodeDone(this.#report()) }
    const layers = this.#layers
    for (let i = 0; i < codings.length; i++) {
      const up: Upstream =
        i === 0 ? source : { hold: () => layers[i - 1]?.hold(), release: () => layers[i - 1]?.release() }
      const down: Downstream =
        i === codings.length - 1
          ? sink
          : { write: (chunk) => layers[i + 1]?.write(chunk), end: () => layers[i + 1]?.end() }
      layers.push(new DecodeLayer(codings[i] as Coding, up, down))
    }
  }

  /** Raw bytes decoded so far. */
  get taken(): number {
    return this.#layers[0]?.taken ?? 0
  }

  write(chunk: Uint8Array): void {
    this.#layers[0]?.write(chunk)
  }

  end(): void {
    this.#layers[0]?.end()
  }

  /** Whoever takes the decoded bytes has enough for now. */
  hold(): void {
    this.#layers.at(-1)?.hold()
  }

  release(): void {
    this.#layers.at(-1)?.release()
  }

  /** Stops; the owner hears nothing more. */
  abandon(): void {
    for (const layer of this.#layers) layer.abandon()
  }

  #report(): LayerReport {
    return {
      truncated: this.#layers.some(({ report }) => report.truncated),
      plain: this.#layers.some(({ report }) => report.plain),
      error: this.#layers.find(({ report }) => report.error !== undefined)?.report.error,
    }
  }
}
