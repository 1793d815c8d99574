/** Attribute selectors: `.class`, `#id`, `[name]`, `[name~="value" i]` and the like. */
import type { AttributeSelector } from 'css-what'
import { isWhiteSpace } from '../white-space.ts'
import type { Test } from './matcher.ts'
import { knownName } from './names.ts'
import type { Tree } from './tree.ts'

/** Attributes of HTML whose values selectors compare without case (HTML standard 4.16.2). */
const WITHOUT_CASE = new Set(
  (
    'accept accept-charset align alink axis bgcolor charset checked clear codetype color compact declare defer dir ' +
    'direction disabled enctype face frame hreflang http-equiv lang language link media method multiple nohref noresize ' +
    'noshade nowrap readonly rel rev rules scope scrolling selected shape target text type valign valuetype vlink'
  ).split(' '),
)

export function attributeTest(part: AttributeSelector, isXml: boolean): Test {
  const name = isXml ? part.name : part.name.toLowerCase()
  const known = knownName(name)
  const find =
    known >= 0
      ? (tree: Tree, node: number): number => tree.attribute(node, known)
      : (tree: Tree, node: number): number => tree.attribute(node, tree.find(name))
  if (part.action === 'exists') return (tree, node) => find(tree, node) >= 0
  const ignoresCase =
    typeof part.ignoreCase === 'boolean'
      ? part.ignoreCase
      : part.ignoreCase === null && !isXml && WITHOUT_CASE.has(name)
  if (part.action === 'element' && !ignoresCase) return wordTest(find, part.value)
  const passes = valueTest(part.action, ignoresCase ? part.value.toLowerCase() : part.value)
  const isNot = part.action === 'not'
  return (tree, node) => {
    const at = find(tree, node)
    // An element without the attribute does not have the value either.
    if (at < 0) return isNot && part.value !== ''
    const value = tree.value(at)
    return passes(ignoresCase ? value.toLowerCase() : value)
  }
}

function valueTest(action: AttributeSelector['action'], wanted: string): (value: string) => boolean {
  switch (action) {
    case 'equals':
      return (value) => value === wanted
    case 'not':
      return (value) => value !== wanted
    case 'start':
      return (value) => wanted !== '' && value.startsWith(wanted)
    case 'end':
      return (value) => wanted !== '' && value.endsWith(wanted)
    case 'any':
      return (value) => wanted !== '' && value.includes(wanted)
    case 'hyphen':
      return (value) => value === wanted || value.startsWith(`${wanted}-`)
    default:
      return (value) => wanted !== '' && value.split(/\s+/).includes(wanted)
  }
}

/** `.class`: looks for the word where it stands in the page, for nearly all pages ask for it again and again. */
function wordTest(find: (tree: Tree, node: number) => number, word: string): Test {
  if (word === '' || /\s/.test(word)) return () => false
  const first = word.charCodeAt(0)
  return (tree, node) => {
    const at = find(tree, node)
    if (at < 0) return false
    const { text } = tree
    const end = tree.nodes.attributeTo[at]!
    let isStart = true
    for (let i = tree.nodes.attributeFrom[at]!; i < end; i++) {
      const c = text.charCodeAt(i)
      if (c === 38 || c >= 128 || c === 11) return tree.value(at).split(/\s+/).includes(word)
      if (isWhiteSpace(c)) isStart = true
      else {
        if (isStart && c === first && text.startsWith(word, i) && isWordEnd(text, i + word.length, end)) return true
        isStart = false
      }
    }
    return false
  }
}

function isWordEnd(text: string, at: number, end: number): boolean {
  return at === end || (at < end && isWhiteSpace(text.charCodeAt(at)))
}
