/** Pseudo-classes of selectors: those of CSS that a page without a browser can answer, and a few of jQuery's. */
import { parse } from 'css-what'
import type { PseudoSelector, Selector } from 'css-what'
import { langTest } from './lang.ts'
import type { Compile, Test } from './matcher.ts'
import { nthTest, typeTest } from './nth.ts'
import { PAGE } from './tree.ts'

const TEXT_CONTROLS =
  'textarea, input:is([type=text], [type=search], [type=url], [type=tel], [type=email], [type=password], [type=date], ' +
  '[type=month], [type=week], [type=time], [type=datetime-local], [type=number])'

/** Those that are short for a selector. */
const SHORT: Readonly<Record<string, string>> = {
  'any-link': ':is(a, area, link)[href]',
  link: ':is(a, area, link)[href]',
  disabled:
    ':is(button, input, select, textarea, optgroup, option)[disabled], optgroup[disabled] > option, ' +
    'fieldset[disabled]:not(fieldset[disabled] legend:first-of-type *)',
  enabled: ':is(button, input, select, textarea, optgroup, option, fieldset):not(:disabled)',
  checked: 'input:is([type=radio], [type=checkbox])[checked], :selected',
  required: ':is(input, select, textarea)[required]',
  optional: ':is(input, select, textarea):not([required])',
  'read-only': `:is(${TEXT_CONTROLS})[readonly]`,
  'read-write': `:is(${TEXT_CONTROLS}):not([readonly])`,
  selected: 'option[selected], select:not([multiple], :has(> option[selected])) > option:first-of-type',
  // Of jQuery.
  button: 'button, input[type=button]',
  checkbox: '[type=checkbox]',
  file: '[type=file]',
  header: 'h1, h2, h3, h4, h5, h6',
  image: '[type=image]',
  input: 'input, textarea, select, button',
  parent: ':not(:empty)',
  password: '[type=password]',
  radio: '[type=radio]',
  reset: '[type=reset]',
  submit: '[type=submit]',
  text: 'input:is(:not([type]), [type=""], [type=text])',
}

/** Without an argument. */
const PLAIN: Readonly<Record<string, Test>> = {
  root: (tree, node) => tree.nodes.parent[node] === PAGE,
  scope: (tree, node, scope) => (scope === PAGE ? tree.nodes.parent[node] === PAGE : node === scope),
  empty: (tree, node) => tree.isEmpty(node),
  'first-child': ({ siblings }, node) => siblings.previous[node]! < 0,
  'last-child': (tree, node) => tree.next(node) < 0,
  'only-child': (tree, node) => tree.siblings.previous[node]! < 0 && tree.next(node) < 0,
  'first-of-type': ({ siblings }, node) => siblings.typeIndex(node) === 0,
  'last-of-type': ({ siblings }, node) => siblings.typesAfter(node) === 0,
  'only-of-type': ({ siblings }, node) => siblings.typeIndex(node) === 0 && siblings.typesAfter(node) === 0,
  // Nobody points at a page and nobody has been there.
  active: () => false,
  hover: () => false,
  visited: () => false,
}

/** With a text as argument. */
const WITH_TEXT: Readonly<Record<string, (argument: string, compile: Compile) => Test>> = {
  contains: (text) => (tree, node) => tree.allText(node).includes(text),
  icontains: (text) => {
    const lower = text.toLowerCase()
    return (tree, node) => tree.allText(node).toLowerCase().includes(lower)
  },
  lang: langTest,
  'nth-child': (formula, compile) => nthTest(formula, compile, false),
  'nth-last-child': (formula, compile) => nthTest(formula, compile, true),
  'nth-of-type': (formula) => typeTest(formula, false),
  'nth-last-of-type': (formula) => typeTest(formula, true),
}

/** With selectors as argument. */
const WITH_SELECTORS: Readonly<Record<string, (list: readonly (readonly Selector[])[], compile: Compile) => Test>> = {
  is: anyOf,
  matches: anyOf,
  where: anyOf,
  not: (list, compile) => {
    const matcher = compile(list, false)
    return (tree, node, scope) => !matcher.matches(tree, node, scope)
  },
  has: (list, compile) => {
    const matcher = compile(list, true)
    return (tree, node) => {
      const within = { from: node + 1, to: tree.endOf(matcher.looksBeside ? tree.nodes.parent[node]! : node) }
      return matcher.first(tree, within, node) >= 0
    }
  },
}

/** @throws {Error} that says why there is no such pseudo-class. */
export function pseudoTest({ name, data }: PseudoSelector, compile: Compile): Test {
  const withSelectors = own(WITH_SELECTORS, name)
  const withText = own(WITH_TEXT, name)
  const plain = own(PLAIN, name)
  const short = own(SHORT, name)
  if (withSelectors !== undefined && Array.isArray(data)) return withSelectors(data, compile)
  if (withText !== undefined && typeof data === 'string') return withText(data, compile)
  if (withSelectors !== undefined || withText !== undefined) throw new Error(`:${name} needs an argument`)
  if (plain === undefined && short === undefined) throw new Error(`there is no pseudo-class :${name}`)
  if (data !== null) throw new Error(`:${name} takes no argument`)
  return plain ?? anyOf(parse(short as string), compile)
}

function anyOf(list: readonly (readonly Selector[])[], compile: Compile): Test {
  const matcher = compile(list, false)
  return (tree, node, scope) => matcher.matches(tree, node, scope)
}

function own<Value>(table: Readonly<Record<string, Value>>, name: string): Value | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined
}
