/**
 * What elements of HTML mean for the tree, as htmlparser2 has it: which have no end tag, which close others by opening,
 * which hold text that is no markup. By number of name.
 */
import { IN_SVG, knownName, KNOWN_NAMES } from './names.ts'

export const IMAGE = knownName('image')
export const IMG = knownName('img')
export const FORM = knownName('form')
export const P = knownName('p')
export const BR = knownName('br')
export const PLAINTEXT = knownName('plaintext')

export const NONE = 0
export const SVG = 1
export const MATHML = 2
/** Context that an element makes for what is in it, plus one; 0: it changes nothing. */
export const CONTEXT = new Uint8Array(KNOWN_NAMES)
CONTEXT[knownName('svg')] = SVG + 1
CONTEXT[knownName('math')] = MATHML + 1
/** Elements of SVG and MathML whose contents are HTML. */
export const INTEGRATION_POINTS: readonly string[] = 'mi mo mn ms mtext annotation-xml foreignObject desc title'.split(
  ' ',
)
for (const name of INTEGRATION_POINTS) CONTEXT[knownName(name)] = NONE + 1

export const VOID_NAMES: readonly string[] =
  'area base basefont br col command embed frame hr img input isindex keygen link meta param source track wbr'.split(
    ' ',
  )
const isVoidName = setOf(VOID_NAMES)

export function isVoid(name: number): boolean {
  return isVoidName[name] === 1
}

/** Elements whose text is no markup: 1, or 2 where character references count. */
export const RAW_TEXT = setOf('iframe noembed noframes plaintext script style xmp'.split(' '))
export const WITH_REFERENCES = 2
for (const name of ['textarea', 'title']) RAW_TEXT[knownName(name)] = WITH_REFERENCES

/** What the start tag of the first names closes, if it is innermost. */
const CLOSES: readonly (readonly [openers: string, closed: string])[] = [
  ['tr', 'tr th td'],
  ['th', 'th'],
  ['td', 'thead th td'],
  ['body', 'head link script'],
  ['a', 'a'],
  ['li', 'li'],
  ['h1 h2 h3 h4 h5 h6', 'h1 h2 h3 h4 h5 h6 p'],
  ['select input output button datalist textarea', 'input option optgroup select button datalist textarea'],
  ['option', 'option'],
  ['optgroup', 'optgroup option'],
  ['dd dt', 'dd dt'],
  ['rt rp', 'rt rp'],
  ['tbody tfoot', 'thead tbody'],
  [
    'address article aside blockquote details div dl fieldset figcaption figure footer form header hr main nav ol p pre ' +
      'section table ul',
    'p',
  ],
]
const closedBy: (Uint8Array | undefined)[] = []
for (const [openers, closed] of CLOSES) {
  for (const opener of openers.split(' ')) closedBy[knownName(opener)] = setOf(closed.split(' '))
}

/** 1 for each element that the start tag of this one closes; undefined: none. */
export function closes(name: number): Uint8Array | undefined {
  return closedBy[name]
}

function setOf(names: readonly string[]): Uint8Array {
  const set = new Uint8Array(KNOWN_NAMES)
  for (const name of names) set[knownName(name)] = 1
  return set
}

/** The name an element has inside an SVG; itself for most. */
export function inSvg(name: number): number {
  return name < KNOWN_NAMES ? IN_SVG[name]! : name
}
