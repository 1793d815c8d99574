/** What selectors find in a tree. Each selector is compiled once for all pages. */
import { SluiceError } from '../../model/errors.ts'
import type { Matcher } from './matcher.ts'
import { compileSelectors } from './select.ts'
import type { Tree } from './tree.ts'

/** Compiled selectors kept; emptied when full, for a program may make them up. */
const ENTRIES = 256
const html = new Map<string, Matcher>()
const xml = new Map<string, Matcher>()

/** First match below an element or in the whole page (PAGE), -1 without one. @throws {SluiceError} OPTION_INVALID */
export function findFirst(tree: Tree, selector: string, within: number): number {
  return compiled(selector, tree.isXml).first(tree, { from: within + 1, to: tree.endOf(within) }, within)
}

/** All matches below an element or in the whole page (PAGE), in the order of the page. @throws {SluiceError} OPTION_INVALID */
export function findAll(tree: Tree, selector: string, within: number): number[] {
  return compiled(selector, tree.isXml).all(tree, { from: within + 1, to: tree.endOf(within) }, within)
}

/** @param scope what `:scope` is. @throws {SluiceError} OPTION_INVALID */
export function isMatch(tree: Tree, selector: string, node: number, scope: number): boolean {
  return compiled(selector, tree.isXml).matches(tree, node, scope)
}

function compiled(selector: string, isXml: boolean): Matcher {
  const known = isXml ? xml : html
  const found = known.get(selector)
  if (found !== undefined) return found
  let matcher: Matcher
  try {
    matcher = compileSelectors(selector, isXml)
  } catch (cause) {
    throw new SluiceError(
      'OPTION_INVALID',
      `${JSON.stringify(selector)} is not a valid selector: ${(cause as Error).message}`,
      { cause },
    )
  }
  if (known.size >= ENTRIES) known.clear()
  known.set(selector, matcher)
  return matcher
}
