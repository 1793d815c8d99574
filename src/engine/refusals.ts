/**
 * What the sinks left out of one group because their storage does not take it (`SINK_REJECTED`): an outcome of an item,
 * never of its page, which says in its record how many and why. An item counts once, however many sinks refuse it. Knows
 * no storage.
 */
import type { ItemRejected } from '../model/event.ts'
import type { RefusedItem, Sink } from '../sink/sink.ts'

export class Refusals {
  /** By number of the settlement, then by position of the item; what the first sink said. */
  readonly #items = new Map<number, Map<number, RefusedItem>>()
  #count = 0

  /** Items, or records where no extractor runs. */
  get count(): number {
    return this.#count
  }

  /** What the last write of the sink left out. */
  take(sink: Sink): void {
    for (const one of sink.refused?.() ?? []) {
      const ofPage = this.#items.get(one.seq) ?? new Map<number, RefusedItem>()
      this.#items.set(one.seq, ofPage)
      if (ofPage.has(one.position)) continue
      ofPage.set(one.position, one)
      this.#count++
    }
  }

  has(seq: number, position: number): boolean {
    return this.#items.get(seq)?.has(position) === true
  }

  /** Of one settlement. */
  of(seq: number): readonly RefusedItem[] {
    return [...(this.#items.get(seq)?.values() ?? [])]
  }

  *all(): Generator<RefusedItem, undefined> {
    for (const ofPage of this.#items.values()) yield* ofPage.values()
  }
}

/** As it is told. */
export function eventOf({ url, position, path, message, value }: RefusedItem): ItemRejected {
  return { url, code: 'SINK_REJECTED', position, path, message, value }
}

/** For the record of the page. */
export function reasonOf(refused: readonly RefusedItem[]): string {
  const more = refused.length > 1 ? ` (and ${refused.length - 1} more)` : ''
  return `SINK_REJECTED: ${refused[0]?.message ?? ''}${more}`
}
