/** `:nth-child(2n+1 of .a)` and its relatives. */
import { parse } from 'css-what'
import type { Compile, Test } from './matcher.ts'
import type { Tree } from './tree.ts'

export function nthTest(argument: string, compile: Compile, isFromEnd: boolean): Test {
  const [, formula = argument, selectors] = /^(.+?)\s+of\s+(.+)$/is.exec(argument) ?? []
  const fits = nthOf(formula)
  if (selectors === undefined) {
    return ({ siblings }, node) => fits(isFromEnd ? siblings.after(node) : siblings.index[node]!)
  }
  const matcher = compile(parse(selectors.trim()), false)
  return (tree, node, scope) => {
    if (!matcher.matches(tree, node, scope)) return false
    let index = 0
    for (let i = step(tree, node, isFromEnd); i >= 0; i = step(tree, i, isFromEnd)) {
      if (matcher.matches(tree, i, scope)) index++
    }
    return fits(index)
  }
}

export function typeTest(formula: string, isFromEnd: boolean): Test {
  const fits = nthOf(formula)
  return ({ siblings }, node) => fits(isFromEnd ? siblings.typesAfter(node) : siblings.typeIndex(node))
}

function step(tree: Tree, node: number, isFromEnd: boolean): number {
  return isFromEnd ? tree.next(node) : tree.siblings.previous[node]!
}

/** Whether an index, counted from 0, is among those that the formula (which counts from 1) gives for n = 0, 1, 2 … */
function nthOf(formula: string): (index: number) => boolean {
  const text = formula
    .trim()
    .toLowerCase()
    .replace(/^even$/, '2n')
    .replace(/^odd$/, '2n+1')
  const found = /^(?:([+-]?\d*)n\s*(?:([+-])\s*(\d+))?|([+-]?\d+))$/.exec(text)
  if (found === null) throw new Error(`${JSON.stringify(formula)} is no formula like 2n+1`)
  const [, a, sign = '', b = '0', only] = found
  if (only !== undefined) return (index) => index + 1 === Number(only)
  const every = a === '' || a === '+' ? 1 : a === '-' ? -1 : Number(a)
  const offset = Number(sign + b)
  if (every === 0) return (index) => index + 1 === offset
  return (index) => {
    const n = (index + 1 - offset) / every
    return n >= 0 && Number.isInteger(n)
  }
}
