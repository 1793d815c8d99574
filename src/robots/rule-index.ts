/**
 * Finds the longest of many path patterns that matches a path (RFC 9309 section 2.2.2), in time that does not grow with
 * the number of patterns but for those that begin alike.
 *
 * A pattern's head is its text up to the first `*` or its end. Heads are sorted, and each knows the longest other head
 * it begins with. Of all heads that a path begins with, the greatest one not after the path is, or begins with, every
 * other: one binary search and a walk along those links meets them all.
 */

export interface IndexedRule {
  /** Escaped pattern; `*` any run, `$` at its end the end of the path. */
  readonly pattern: string
  /** Weight of the rule: length in octets of what was written. */
  readonly octets: number
}

interface Compiled<Rule> {
  readonly rule: Rule
  readonly octets: number
  /** Position among the rules as given. */
  readonly order: number
  /** Literals between the wildcards after the head; undefined for a pattern that is its head. */
  readonly rest: readonly string[] | undefined
  readonly anchored: boolean
}

interface Head<Rule> {
  readonly text: string
  /** Heaviest first, of equal ones the first written first. */
  readonly rules: Compiled<Rule>[]
  /** Index of the longest other head that this one begins with, -1 without. */
  parent: number
}

export interface RuleIndex<Rule> {
  /** The heaviest rule that matches, the first written of equal ones. */
  longest(path: string): Rule | undefined
}

export function indexRules<Rule extends IndexedRule>(rules: readonly Rule[]): RuleIndex<Rule> {
  const byText = new Map<string, Head<Rule>>()
  for (const [order, rule] of rules.entries()) {
    const compiled = compile(rule, order)
    const text = compiled.head
    const head = byText.get(text)
    if (head === undefined) byText.set(text, { text, rules: [compiled], parent: -1 })
    else head.rules.push(compiled)
  }
  const heads = [...byText.values()].sort((a, b) => (a.text < b.text ? -1 : 1))
  const open: number[] = []
  for (let i = 0; i < heads.length; i++) {
    const head = heads[i]!
    head.rules.sort((a, b) => b.octets - a.octets)
    while (open.length > 0 && !head.text.startsWith(heads[open.at(-1)!]!.text)) open.pop()
    head.parent = open.at(-1) ?? -1
    open.push(i)
  }
  return {
    longest(path) {
      let low = 0
      let high = heads.length
      while (low < high) {
        const middle = (low + high) >>> 1
        if (heads[middle]!.text <= path) low = middle + 1
        else high = middle
      }
      let at = low - 1
      while (at >= 0 && !path.startsWith(heads[at]!.text)) at = heads[at]!.parent
      let best: Compiled<Rule> | undefined
      for (; at >= 0; at = heads[at]!.parent) {
        const head = heads[at]!
        for (const candidate of head.rules) {
          if (best !== undefined && !isBefore(candidate, best)) break
          if (!matches(candidate, path, head.text.length)) continue
          best = candidate
          break
        }
      }
      return best?.rule
    },
  }
}

function isBefore(a: Compiled<unknown>, b: Compiled<unknown>): boolean {
  return a.octets === b.octets ? a.order < b.order : a.octets > b.octets
}

function compile<Rule extends IndexedRule>(rule: Rule, order: number): Compiled<Rule> & { head: string } {
  const anchored = rule.pattern.endsWith('$')
  const pattern = anchored ? rule.pattern.slice(0, -1) : rule.pattern
  if (!pattern.includes('*')) return { rule, octets: rule.octets, order, head: pattern, anchored, rest: undefined }
  const [head, ...literals] = pattern.split(/\*+/)
  // Without an end a trailing wildcard says nothing, and with one the last literal may be empty.
  if (!anchored && literals.at(-1) === '') literals.pop()
  return {
    rule,
    octets: rule.octets,
    order,
    head: head!,
    anchored,
    rest: literals.length === 0 ? undefined : literals,
  }
}

/** Each literal is looked for once, leftmost first, which never misses a match: nothing is tried twice. */
function matches(compiled: Compiled<unknown>, path: string, from: number): boolean {
  const { rest, anchored } = compiled
  if (rest === undefined) return !anchored || path.length === from
  let at = from
  const floating = anchored ? rest.length - 1 : rest.length
  for (let i = 0; i < floating; i++) {
    const literal = rest[i]!
    const found = path.indexOf(literal, at)
    if (found < 0) return false
    at = found + literal.length
  }
  if (!anchored) return true
  const last = rest[floating]!
  return path.length - last.length >= at && path.endsWith(last)
}
