/**
 * When a site makes up addresses without end: pages of one shape that are found on pages of that shape and say what was
 * said before. Each shape has a budget of such pages; then it is closed, and what leads further into it is skipped with the
 * rule and the count. Pages that say something new never count, nor do those that a sitemap, the user or another kind of
 * page names. Pure; what is closed survives a restart by `encode`.
 */
import { type Shape, shapeOf } from '../url/shape.ts'
import type { Refusal } from './scope.ts'

export interface Said {
  /** Sums over the words of a page: without its numbers, and with those that its URL does not hold. */
  readonly words: number
  readonly all: number
}

export interface TrapGuard {
  /** True: `note` wants to know what this page says. Cheap: few pages of an honest site are looked at. */
  wants(url: string): boolean
  /**
   * @param depth links from a seed
   * @returns what people are told, where this page has closed its shape
   */
  note(url: string, depth: number, said: Said): string | undefined
  /** `from`: the page it was found on; undefined where nobody but the site's pages could be blamed. */
  check(url: string, from: string | undefined): Refusal | undefined
  /** Nothing is closed: `check` refuses nothing. */
  readonly isQuiet: boolean
  encode(): Uint8Array
}

interface Tally {
  pages: number
  /** Pages that said nothing new, less twice those that did. */
  same: number
  news: number
  /** The last page that was looked at said nothing new: the next is looked at as well. */
  isWatched: boolean
}

/** So many pages of a shape are not looked at; of the next ones each eighth, until one says nothing new. */
const TRUSTED = 32
const SAMPLE = 8
/** So far from a seed numbers are no news any more: a chain of pages that count. */
const DEEP = 50
/** Shapes that are counted at a time, wordings remembered in each of two halves; closed shapes that are stored. */
const SHAPES = 50_000
const WORDINGS = 131_072
const CLOSED = 1_000

/** @param budget pages of one shape that may say nothing new @param stored of an earlier process */
export function createTrapGuard(budget: number, stored: Uint8Array | undefined): TrapGuard {
  return new Guard(budget, stored)
}

class Guard implements TrapGuard {
  readonly #budget: number
  readonly #tallies = new Map<string, Tally>()
  /** Shape, or path of which all further combinations of parameters are, and how many pages it took. */
  readonly #closed = new Map<string, number>()
  #young = new Set<string>()
  #old = new Set<string>()

  constructor(budget: number, stored: Uint8Array | undefined) {
    this.#budget = budget
    if (stored === undefined) return
    const entries = JSON.parse(Buffer.from(stored).toString('utf8')) as [string, number][]
    for (const [shape, pages] of entries) this.#closed.set(shape, pages)
  }

  get isQuiet(): boolean {
    return this.#closed.size === 0
  }

  wants(url: string): boolean {
    const { path, query } = shapeOf(url)
    const tally = this.#tally(path + query)
    tally.pages++
    return tally.pages > TRUSTED && (tally.isWatched || tally.pages % SAMPLE === 0)
  }

  note(url: string, depth: number, said: Said): string | undefined {
    const shape = shapeOf(url)
    const tally = this.#tally(shape.path + shape.query)
    const domain = shape.path.slice(0, shape.path.indexOf('/'))
    const isKnown = this.#known(`${domain} ${said.all}`)
    const isSame = (this.#known(`${domain} ${said.words} -`) && depth > DEEP) || isKnown
    tally.isWatched = isSame
    if (!isSame) {
      tally.news++
      tally.same = Math.max(0, tally.same - 2)
      return undefined
    }
    tally.same++
    if (tally.same === this.#budget) return this.#close(shape.path + shape.query, tally.pages)
    if (shape.names < 2) return undefined
    // Filters combine: so many shapes that each has its own budget would have none together.
    const together = this.#tally(combinationsOf(shape))
    together.pages++
    together.same++
    return together.same === 2 * this.#budget ? this.#close(combinationsOf(shape), together.pages) : undefined
  }

  check(url: string, from: string | undefined): Refusal | undefined {
    if (this.#closed.size === 0 || from === undefined) return undefined
    const shape = shapeOf(url)
    const closed = this.#closedBy(shape)
    if (closed === undefined || shapeOf(from).path !== shape.path) return undefined
    return { code: 'TRAP_LIMIT', reason: ruleOf(closed, this.#closed.get(closed) as number, this.#budget) }
  }

  encode(): Uint8Array {
    return Buffer.from(JSON.stringify([...this.#closed].slice(-CLOSED)))
  }

  #closedBy(shape: Shape): string | undefined {
    const own = shape.path + shape.query
    if (this.#closed.has(own)) return own
    if (shape.names < 2) return undefined
    const all = combinationsOf(shape)
    return this.#closed.has(all) && (this.#tallies.get(own)?.news ?? 0) === 0 ? all : undefined
  }

  #close(shape: string, pages: number): string | undefined {
    if (this.#closed.has(shape)) return undefined
    this.#closed.set(shape, pages)
    return ruleOf(shape, pages, this.#budget)
  }

  #tally(shape: string): Tally {
    const known = this.#tallies.get(shape)
    if (known !== undefined) return known
    if (this.#tallies.size >= SHAPES) {
      const [oldest] = this.#tallies.keys()
      this.#tallies.delete(oldest as string)
    }
    const tally = { pages: 0, same: 0, news: 0, isWatched: false }
    this.#tallies.set(shape, tally)
    return tally
  }

  /** Whether it was said before; it is from now on. */
  #known(wording: string): boolean {
    if (this.#young.has(wording)) return true
    if (this.#young.size >= WORDINGS) {
      this.#old = this.#young
      this.#young = new Set()
    }
    this.#young.add(wording)
    return this.#old.has(wording)
  }
}

function combinationsOf({ path }: Shape): string {
  return `${path}?…`
}

function ruleOf(shape: string, pages: number, budget: number): string {
  return `trap budget: of ${pages} pages like ${shape} the last ${budget} said nothing new`
}
