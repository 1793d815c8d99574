/**
 * Which lines of a source were added already: ascending ranges of ordinals. Sources are read in order, so there is one
 * range as a rule. Makes adding the same input twice a no-op, whatever became of it.
 */
export class InputRanges {
  /** from, to (exclusive), from, to …; ascending, never touching. */
  #bounds: number[]

  constructor(bounds: readonly number[] = []) {
    this.#bounds = [...bounds]
  }

  get bounds(): readonly number[] {
    return this.#bounds
  }

  has(ordinal: number): boolean {
    return (this.#above(ordinal) & 1) === 1
  }

  add(ordinal: number): void {
    const bounds = this.#bounds
    const last = bounds.length - 1
    if (bounds[last] === ordinal) {
      bounds[last] = ordinal + 1
      return
    }
    const at = this.#above(ordinal)
    if ((at & 1) === 1) return
    const joinsLeft = at > 0 && bounds[at - 1] === ordinal
    const joinsRight = bounds[at] === ordinal + 1
    if (joinsLeft && joinsRight) bounds.splice(at - 1, 2)
    else if (joinsLeft) bounds[at - 1] = ordinal + 1
    else if (joinsRight) bounds[at] = ordinal
    else bounds.splice(at, 0, ordinal, ordinal + 1)
  }

  /** How many bounds lie at or below the ordinal; odd inside a range. */
  #above(ordinal: number): number {
    let low = 0
    let high = this.#bounds.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#bounds[middle] as number) <= ordinal) low = middle + 1
      else high = middle
    }
    return low
  }
}
