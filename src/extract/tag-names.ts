/**
 * Numbers for the few elements the scanner cares about, found without cutting a string out of the page for each tag:
 * nearly all tags of a page are of no interest, and most are told apart by first letter and length alone.
 */

import { same } from './white-space.ts'

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

/** Names of interest by first letter (a = 1) and length, so that one look finds the one or two that it can be. */
const CANDIDATES: (readonly [name: string, tag: number])[][] = Array.from({ length: 32 * 16 }, () => [])
for (const [name, tag] of Object.entries(BY_NAME)) CANDIDATES[slot(name.charCodeAt(0), name.length)]?.push([name, tag])

/** `start` is at an ASCII letter; `end` behind the last character of the name. Names are compared without case. */
export function tagOf(text: string, start: number, end: number): number {
  const length = end - start
  if (length > 15) return OTHER
  const candidates = CANDIDATES[slot(text.charCodeAt(start), length)] as (readonly [string, number])[]
  for (let i = 0; i < candidates.length; i++) {
    const candidate = candidates[i] as readonly [string, number]
    if (same(text, start, candidate[0])) return candidate[1]
  }
  return OTHER
}

function slot(letter: number, length: number): number {
  return (letter & 31) * 16 + length
}
