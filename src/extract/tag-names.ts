/**
 * Numbers for the few elements the scanner cares about, found without cutting a string out of the page for each tag:
 * nearly all tags of a page are of no interest, and most are told apart by first letter and length alone.
 */

export const OTHER = 0
export const A = 1
export const AREA = 2
export const BASE = 3
export const BODY = 4
export const FORM = 5
export const FRAME = 6
export const FRAMESET = 7
export const HEAD = 8
export const IFRAME = 9
export const IMAGE = 10
export const IMG = 11
export const LINK = 12
export const MATH = 13
export const META = 14
export const NOEMBED = 15
export const NOFRAMES = 16
export const PLAINTEXT = 17
export const SCRIPT = 18
export const SOURCE = 19
export const STYLE = 20
export const SVG = 21
export const TEXTAREA = 22
export const TITLE = 23
export const XMP = 24

const BY_NAME: Readonly<Record<string, number>> = {
  a: A,
  area: AREA,
  base: BASE,
  body: BODY,
  form: FORM,
  frame: FRAME,
  frameset: FRAMESET,
  head: HEAD,
  iframe: IFRAME,
  image: IMAGE,
  img: IMG,
  link: LINK,
  math: MATH,
  meta: META,
  noembed: NOEMBED,
  noframes: NOFRAMES,
  plaintext: PLAINTEXT,
  script: SCRIPT,
  source: SOURCE,
  style: STYLE,
  svg: SVG,
  textarea: TEXTAREA,
  title: TITLE,
  xmp: XMP,
}

const byName = new Map(Object.entries(BY_NAME))

/** Bit n is set where an element of interest with this first letter (a = 1) has n characters. */
const LENGTHS = new Uint16Array(32)
for (const name of byName.keys()) LENGTHS[name.charCodeAt(0) & 31]! |= 1 << name.length

/** `start` is at an ASCII letter; `end` behind the last character of the name. Names are compared without case. */
export function tagOf(text: string, start: number, end: number): number {
  const length = end - start
  if (length > 9 || ((LENGTHS[text.charCodeAt(start) & 31]! >> length) & 1) === 0) return OTHER
  if (length === 1) return A
  return byName.get(text.slice(start, end).toLowerCase()) ?? OTHER
}
