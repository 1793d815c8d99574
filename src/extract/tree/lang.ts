/** `:lang(de, "*-CH")`: extended filtering of language tags (RFC 4647, 3.3.2). */
import type { Test } from './matcher.ts'
import { PAGE } from './tree.ts'
import type { Tree } from './tree.ts'

export function langTest(argument: string): Test {
  const ranges = argument
    .split(',')
    .map((range) => range.trim())
    .filter((range) => range !== '')
    .map((range) => subtags(range.replace(/^['"]|['"]$/g, '')))
  return (tree, node) => {
    const language = languageOf(tree, node)
    return ranges.some((range) => isIn(subtags(language), range))
  }
}

/** What the element or the nearest one around it says; '' for an unknown language. */
function languageOf(tree: Tree, node: number): string {
  for (let i = node; i !== PAGE; i = tree.nodes.parent[i]!) {
    const language = tree.valueOf(i, 'xml:lang') ?? tree.valueOf(i, 'lang')
    if (language !== undefined) return language
  }
  return ''
}

function subtags(tag: string): readonly string[] {
  return tag.toLowerCase().split('-')
}

function isIn(tag: readonly string[], [first, ...wanted]: readonly string[]): boolean {
  // An unknown language is in no range but the empty one.
  if (first !== tag[0] && (first !== '*' || tag[0] === '')) return false
  let at = 1
  for (const subtag of wanted) {
    if (subtag === '*') continue
    // What stands in between may be passed over, singletons may not: they begin an extension.
    while (at < tag.length && tag[at] !== subtag) if (tag[at++]!.length <= 1) return false
    if (at >= tag.length) return false
    at++
  }
  return true
}
