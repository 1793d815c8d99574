/** The tree of a job's paths, made in the background once somebody looks, and what lies right in one of its folders. */
import { setImmediate } from 'node:timers/promises'
import type { JobColumns } from '../frontier/sqlite/columns/columns.ts'
import { SiteTree } from '../frontier/sqlite/columns/site-tree.ts'
import type { Folder } from '../frontier/sqlite/columns/site-tree.ts'

export interface SiteLevel {
  /** Share of the requests that the tree holds; below 1 while it is being made. */
  readonly share: number
  /** The folder asked for; undefined where no URL lies in it. */
  readonly folder: Folder | undefined
  readonly folders: readonly Folder[]
}

export class SiteView {
  readonly #columns: JobColumns
  #tree: SiteTree | undefined
  #isMaking = false
  #isClosed = false

  constructor(columns: JobColumns) {
    this.#columns = columns
  }

  /** @param prefix '' for all; else a URL that ends with a slash. */
  level(prefix: string): SiteLevel {
    const tree = (this.#tree ??= new SiteTree(this.#columns))
    if (!tree.isComplete) this.#make(tree)
    return { share: tree.share, folder: tree.folder(prefix), folders: tree.folders(prefix) }
  }

  close(): void {
    this.#isClosed = true
  }

  #make(tree: SiteTree): void {
    // What is new since the last look is one step.
    if (this.#isMaking || tree.advance()) return
    this.#isMaking = true
    const on = async (): Promise<void> => {
      while (!this.#isClosed && !tree.advance()) await setImmediate()
    }
    on().then(
      () => (this.#isMaking = false),
      // The file is damaged: whoever asks next is told.
      () => (this.#isMaking = false),
    )
  }
}
