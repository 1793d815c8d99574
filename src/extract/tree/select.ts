/**
 * Finds elements by CSS selectors. A selector is compiled once for all pages: `css-what` parses it, steps are tested from
 * right to left, and names are compared as numbers.
 */
import { parse } from 'css-what'
import type { Selector } from 'css-what'
import { attributeTest } from './attribute-test.ts'
import type { Compile, Matcher, Range, Test } from './matcher.ts'
import { KNOWN_NAMES, knownName } from './names.ts'
import { pseudoTest } from './pseudo-test.ts'
import { PAGE } from './tree.ts'
import type { Tree } from './tree.ts'

/** A compound selector (`a.b[c]`) and what stands to its left. */
interface Step {
  readonly test: Test
  readonly left: Step | undefined
  readonly relation: string
  /** Number of the name it wants where that is known beforehand; -1: any name may do. */
  readonly name: number
}

const NO = 0
const YES = 1
/** No, and with no element before it beside it either: they have been tried. */
const NOT_BESIDE = 2
/** No, and with nothing further out either: the way to the root has been tried. */
const NEVER = 3

const TEMPLATE = knownName('template')
const SCOPE: Selector = { type: 'pseudo' as Selector['type'], name: 'scope', data: null } as Selector

class Query implements Matcher {
  readonly #steps: readonly Step[]
  readonly looksBeside: boolean

  constructor(list: readonly (readonly Selector[])[], isXml: boolean, isRelative: boolean) {
    if (list.length === 0) throw new Error('it is empty')
    this.#steps = list.map((parts) => compileSelector(parts, isXml, isRelative))
    this.looksBeside = list.some(([first]) => first?.type === 'adjacent' || first?.type === 'sibling')
  }

  matches(tree: Tree, node: number, scope: number): boolean {
    for (const step of this.#steps) {
      if (step.test(tree, node, scope) && leftOf(step, tree, node, scope) === YES) return true
    }
    return false
  }

  first(tree: Tree, range: Range, scope: number): number {
    const { name, end } = tree.nodes
    for (let i = range.from; i < range.to; ) {
      const id = name[i]!
      if (id >= 0 && this.#isIt(id, tree, i, scope)) return i
      i = id === TEMPLATE && !tree.isXml ? end[i]! : i + 1
    }
    return -1
  }

  all(tree: Tree, range: Range, scope: number): number[] {
    const { name, end } = tree.nodes
    const found: number[] = []
    for (let i = range.from; i < range.to; ) {
      const id = name[i]!
      if (id >= 0 && this.#isIt(id, tree, i, scope)) found.push(i)
      i = id === TEMPLATE && !tree.isXml ? end[i]! : i + 1
    }
    return found
  }

  #isIt(name: number, tree: Tree, node: number, scope: number): boolean {
    const steps = this.#steps
    for (let i = 0; i < steps.length; i++) {
      const step = steps[i] as Step
      if (step.name >= 0 && step.name !== name) continue
      if (step.test(tree, node, scope) && leftOf(step, tree, node, scope) === YES) return true
    }
    return false
  }
}

/** @throws {Error} that says why the selector is none. */
export function compileSelectors(selector: string, isXml: boolean): Matcher {
  return new Query(parse(selector), isXml, false)
}

function compileSelector(parts: readonly Selector[], isXml: boolean, isRelative: boolean): Step {
  const list = [...parts]
  if (list.length === 0 || isRelation(list.at(-1)!)) throw new Error('it ends before an element')
  if (isRelation(list[0]!)) list.unshift(SCOPE)
  else if (isRelative && !list.some(asksScope)) {
    list.unshift(SCOPE, { type: 'descendant' } as Selector)
  }
  let left: Step | undefined
  let relation = ''
  let compound: Selector[] = []
  for (const part of list) {
    if (isRelation(part)) {
      left = compileCompound(compound, left, relation, isXml)
      relation = part.type
      compound = []
    } else compound.push(part)
  }
  return compileCompound(compound, left, relation, isXml)
}

function asksScope(part: Selector): boolean {
  return (
    part.type === 'pseudo' && (part.name === 'scope' || (Array.isArray(part.data) && part.data.flat().some(asksScope)))
  )
}

function isRelation(part: Selector): boolean {
  switch (part.type) {
    case 'descendant':
    case 'child':
    case 'sibling':
    case 'adjacent':
    case 'parent':
    case 'column-combinator':
      return true
    default:
      return false
  }
}

function compileCompound(parts: readonly Selector[], left: Step | undefined, relation: string, isXml: boolean): Step {
  if (relation === 'column-combinator') throw new Error('columns are not supported')
  const compile: Compile = (list, isRelative) => new Query(list, isXml, isRelative)
  let name = -1
  const tests: { readonly test: Test; readonly cost: number }[] = []
  for (const part of parts) {
    if ('namespace' in part && part.namespace !== null && !(part.type === 'universal' && part.namespace === '*')) {
      throw new Error('namespaces are not supported')
    }
    switch (part.type) {
      case 'universal':
        break
      case 'tag': {
        const text = isXml ? part.name : part.name.toLowerCase()
        name = knownName(text)
        tests.push({ test: nameTest(text), cost: 0 })
        break
      }
      case 'attribute':
        tests.push({ test: attributeTest(part, isXml), cost: part.name === 'id' ? 1 : 2 })
        break
      case 'pseudo':
        tests.push({ test: pseudoTest(part, compile), cost: /^(?:has|i?contains)$/.test(part.name) ? 4 : 3 })
        break
      default:
        throw new Error('pseudo-elements are not supported')
    }
  }
  const inOrder = tests.toSorted((a, b) => a.cost - b.cost).map(({ test }) => test)
  return { test: allOf(inOrder), left, relation, name }
}

function nameTest(name: string): Test {
  const known = knownName(name)
  if (known >= 0) return (tree, node) => tree.nodes.name[node] === known
  return (tree, node) => tree.nodes.name[node]! >= KNOWN_NAMES && tree.nameOf(node) === name
}

function allOf(tests: readonly Test[]): Test {
  const [one, two] = tests
  if (one === undefined) return () => true
  if (two === undefined) return one
  if (tests.length === 2) return (tree, node, scope) => one(tree, node, scope) && two(tree, node, scope)
  return (tree, node, scope) => tests.every((test) => test(tree, node, scope))
}

/**
 * Whether what stands left of a step is there, seen from an element that passed the step's own test. Each step looks at
 * each element once: what has been tried in vain from near is in vain from further away, too.
 */
function leftOf({ left, relation }: Step, tree: Tree, node: number, scope: number): number {
  if (left === undefined) return YES
  const { parent } = tree.nodes
  switch (relation) {
    case 'descendant':
      for (let i = parent[node]!; i !== PAGE; i = parent[i]!) {
        const found = left.test(tree, i, scope) ? leftOf(left, tree, i, scope) : NO
        if (found === YES || found === NEVER) return found
      }
      return NEVER
    case 'child': {
      const i = parent[node]!
      const found = i !== PAGE && left.test(tree, i, scope) ? leftOf(left, tree, i, scope) : NO
      return found === NO ? NOT_BESIDE : found
    }
    case 'adjacent': {
      const i = tree.siblings.previous[node]!
      return i >= 0 && left.test(tree, i, scope) ? leftOf(left, tree, i, scope) : NO
    }
    case 'sibling':
      for (let i = tree.siblings.previous[node]!; i >= 0; i = tree.siblings.previous[i]!) {
        const found = left.test(tree, i, scope) ? leftOf(left, tree, i, scope) : NO
        if (found !== NO) return found
      }
      return NOT_BESIDE
    default:
      // `<`: an element with a child that is what stands left.
      for (let i = tree.firstChild(node); i >= 0; i = tree.next(i)) {
        if (left.test(tree, i, scope) && leftOf(left, tree, i, scope) === YES) return YES
      }
      return NO
  }
}
