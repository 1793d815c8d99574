/**
 * Numbers for the names of elements and attributes, so that trees hold integers and selectors compare them. Names that
 * pages usually have are known beforehand and found without cutting a string out of the page; others get a number that
 * is valid in their tree alone, for pages may make up as many as they like.
 */
import { same } from '../white-space.ts'

/** Mixed case, as SVG spells them: made from the lower-case names of markup, never found in it. */
export const SVG_NAMES =
  'altGlyph altGlyphDef altGlyphItem animateColor animateMotion animateTransform clipPath feBlend feColorMatrix ' +
  'feComponentTransfer feComposite feConvolveMatrix feDiffuseLighting feDisplacementMap feDistantLight feDropShadow ' +
  'feFlood feFuncA feFuncB feFuncG feFuncR feGaussianBlur feImage feMerge feMergeNode feMorphology feOffset ' +
  'fePointLight feSpecularLighting feSpotLight feTile feTurbulence foreignObject glyphRef linearGradient ' +
  'radialGradient textPath'

const LOWER_CASE =
  'a abbr acronym address altglyph altglyphdef altglyphitem animate animatecolor animatemotion animatetransform ' +
  'annotation-xml applet area article aside audio b base basefont bdi bdo big blockquote body br button canvas caption ' +
  'center circle cite clippath code col colgroup command data datalist dd defs del desc details dfn dialog dir div dl ' +
  'dt ellipse em embed feblend fecolormatrix fecomponenttransfer fecomposite feconvolvematrix fediffuselighting ' +
  'fedisplacementmap fedistantlight fedropshadow feflood fefunca fefuncb fefuncg fefuncr fegaussianblur feimage ' +
  'femerge femergenode femorphology feoffset fepointlight fespecularlighting fespotlight fetile feturbulence fieldset ' +
  'figcaption figure filter font footer foreignobject form frame frameset g glyphref h1 h2 h3 h4 h5 h6 head header ' +
  'hgroup hr html i iframe image img input ins isindex kbd keygen label legend li line lineargradient link main map ' +
  'mark marker marquee mask math menu meta metadata meter mi mn mo mrow ms mtext nav nobr noembed noframes noscript ' +
  'object ol optgroup option output p param path pattern picture plaintext polygon polyline pre progress q ' +
  'radialgradient rect rp rt ruby s samp script search section select set slot small source span stop strike strong ' +
  'style sub summary sup svg switch symbol table tbody td template text textarea textpath tfoot th thead time title tr ' +
  'track tspan tt u ul use var video view wbr xmp ' +
  'accept accept-charset accesskey action align alink alt aria-controls aria-current aria-describedby aria-expanded ' +
  'aria-haspopup aria-hidden aria-label aria-labelledby aria-live async autocomplete autofocus autoplay axis background ' +
  'bgcolor border cellpadding cellspacing charset checked class clear codetype color cols colspan compact content ' +
  'contenteditable controls coords crossorigin data-href data-id data-name data-src data-target data-title data-toggle ' +
  'data-url data-value datetime declare decoding default defer direction disabled download draggable enctype face ' +
  'fetchpriority fill for frameborder headers height hidden href hreflang http-equiv id imagesizes imagesrcset ' +
  'integrity itemid itemprop itemref itemscope itemtype lang language loading loop max maxlength media method min ' +
  'multiple name nofollow nohref nonce noresize noshade novalidate nowrap onclick onload onmouseover onsubmit open ' +
  'pattern placeholder poster preload property readonly referrerpolicy rel required rev role rows rowspan rules ' +
  'sandbox scope scrolling selected shape size sizes spellcheck src srcset start step stroke tabindex target type ' +
  'typeof usemap valign value valuetype version viewbox vlink vocab width wrap xlink:href xml:lang xmlns xmlns:xlink'

const KNOWN: readonly string[] = [...new Set([...LOWER_CASE.split(' '), ...SVG_NAMES.split(' ')])]
const ids: ReadonlyMap<string, number> = new Map(KNOWN.map((name, id) => [name, id]))

/** Names known beforehand have numbers below this. */
export const KNOWN_NAMES = KNOWN.length

/** Number of a name that is known beforehand; -1 for others, whose number is their tree's. */
export function knownName(name: string): number {
  return ids.get(name) ?? -1
}

/** By number of the lower-case name: the name it has inside an SVG; itself for all others. */
export const IN_SVG: Int16Array = Int16Array.from(KNOWN, (_, id) => id)
for (const name of SVG_NAMES.split(' ')) IN_SVG[knownName(name.toLowerCase())] = knownName(name)

/** Open addressing; a quarter full. Only names that can stand in markup as they are, without case. */
const SLOTS = 2048
const table = new Int16Array(SLOTS).fill(-1)
for (const name of new Set(LOWER_CASE.split(' '))) {
  let slot = slotOf(hashOf(name))
  while (table[slot]! >= 0) slot = (slot + 1) & (SLOTS - 1)
  table[slot] = knownName(name)
}

/** What the reader of a name computes while it looks for the name's end: begins at 0, one step for each character. */
export function hashStep(hash: number, c: number): number {
  return (Math.imul(hash, 31) + (c | 32)) | 0
}

function hashOf(name: string): number {
  let hash = 0
  for (let i = 0; i < name.length; i++) hash = hashStep(hash, name.charCodeAt(i))
  return hash
}

function slotOf(hash: number): number {
  return (hash ^ (hash >>> 11)) & (SLOTS - 1)
}

/** The names of one tree. */
export class Names {
  /** Names that are not known beforehand, in the order of their numbers. */
  readonly #own: string[] = []
  #ownIds: Map<string, number> | undefined

  get size(): number {
    return KNOWN_NAMES + this.#own.length
  }

  /** Number of a name of HTML, in any case, at a place of the page. */
  read(text: string, start: number, end: number, hash: number): number {
    for (let slot = slotOf(hash); ; slot = (slot + 1) & (SLOTS - 1)) {
      const id = table[slot]!
      if (id < 0) return this.number(text.slice(start, end).toLowerCase())
      const known = KNOWN[id] as string
      if (known.length === end - start && same(text, start, known)) return id
    }
  }

  /** Number of a name as it is spelled; a new one where the tree has none. */
  number(name: string): number {
    const known = this.find(name)
    if (known >= 0) return known
    this.#ownIds ??= new Map()
    const id = this.size
    this.#ownIds.set(name, id)
    this.#own.push(name)
    return id
  }

  /** As `number`, but -1 where the tree has no such name. */
  find(name: string): number {
    return ids.get(name) ?? this.#ownIds?.get(name) ?? -1
  }

  text(id: number): string {
    return (id < KNOWN_NAMES ? KNOWN[id] : this.#own[id - KNOWN_NAMES]) as string
  }
}
