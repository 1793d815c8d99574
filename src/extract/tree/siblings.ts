/** Where elements stand among their siblings: computed for a whole page when the first selector asks for it. */
import type { Nodes } from './builder.ts'

export class Siblings {
  /** Element before it beside it; -1: it is the first. */
  readonly previous: Int32Array
  /** Elements before it beside it. */
  readonly index: Int32Array
  readonly #nodes: Nodes
  /** Elements below without one in between, by their parent's number plus one. */
  readonly #children: Int32Array
  #types: Types | undefined

  constructor(nodes: Nodes) {
    const { count, name, parent } = nodes
    this.#nodes = nodes
    this.previous = new Int32Array(count).fill(-1)
    this.index = new Int32Array(count)
    this.#children = new Int32Array(count + 1)
    const last = new Int32Array(count + 1).fill(-1)
    for (let i = 0; i < count; i++) {
      if (name[i]! < 0) continue
      const around = parent[i]! + 1
      this.previous[i] = last[around]!
      this.index[i] = this.#children[around]!++
      last[around] = i
    }
  }

  /** Elements behind it beside it. */
  after(node: number): number {
    return this.#children[this.#nodes.parent[node]! + 1]! - 1 - this.index[node]!
  }

  /** Elements of its name before it beside it. */
  typeIndex(node: number): number {
    this.#types ??= typesOf(this.#nodes)
    return this.#types.index[node]!
  }

  /** Elements of its name behind it beside it. */
  typesAfter(node: number): number {
    this.#types ??= typesOf(this.#nodes)
    return this.#types.after[node]!
  }
}

interface Types {
  readonly index: Int32Array
  readonly after: Int32Array
}

function typesOf({ count, name, parent }: Nodes): Types {
  const index = new Int32Array(count)
  const after = new Int32Array(count)
  const seen = new Map<number, number>()
  // Numbers of names and nodes are far below 2^26 each: pages are.
  const key = (i: number): number => name[i]! * 2 ** 26 + parent[i]! + 1
  const number = (array: Int32Array, i: number): void => {
    if (name[i]! < 0) return
    array[i] = seen.get(key(i)) ?? 0
    seen.set(key(i), array[i]! + 1)
  }
  for (let i = 0; i < count; i++) number(index, i)
  seen.clear()
  for (let i = count - 1; i >= 0; i--) number(after, i)
  return { index, after }
}
