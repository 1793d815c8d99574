/** What selectors are compiled to, as far as their parts have to know of each other. */
import type { Selector } from 'css-what'
import type { Tree } from './tree.ts'

/** Whether an element is what a part of a selector says. @param scope what `:scope` is: an element, or the page. */
export type Test = (tree: Tree, node: number, scope: number) => boolean

/** Nodes that are searched: from one on, before another. */
export interface Range {
  readonly from: number
  readonly to: number
}

/** A list of selectors, compiled. */
export interface Matcher {
  /** A selector in it begins with `+` or `~`: what it finds stands beside the scope. */
  readonly looksBeside: boolean
  matches(tree: Tree, node: number, scope: number): boolean
  /** First match in a range, -1 without one. Contents of `template` are no part of an HTML page. */
  first(tree: Tree, range: Range, scope: number): number
  all(tree: Tree, range: Range, scope: number): number[]
}

/** Compiles what pseudo-classes have in their parentheses. @param isRelative selectors are about what is in the scope. */
export type Compile = (list: readonly (readonly Selector[])[], isRelative: boolean) => Matcher
