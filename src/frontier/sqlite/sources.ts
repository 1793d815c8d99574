/** Names of sources, numbered: a million rows should not repeat a path. */
import type { SourceNames } from './rows.ts'

export class Sources implements SourceNames {
  readonly #ids = new Map<string, number>()
  readonly #names: string[] = ['']

  /** @param rows id and name, ascending. */
  constructor(rows: readonly (readonly [number, string])[]) {
    for (const [id, name] of rows) {
      this.#names[id] = name
      this.#ids.set(name, id)
    }
  }

  idOf(name: string): number {
    let id = this.#ids.get(name)
    if (id === undefined) {
      id = this.#names.length
      this.#names.push(name)
      this.#ids.set(name, id)
    }
    return id
  }

  nameOf(id: number): string {
    return this.#names[id] ?? ''
  }
}
