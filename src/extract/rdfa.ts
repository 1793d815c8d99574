/**
 * RDFa Lite 1.1 (`vocab`, `typeof`, `property`, `resource`, `prefix`) with `about` and `content`, read in one pass over the
 * markup: items in the shape of microdata, so that one program reads both. What is broken is left out, nothing throws.
 */
import { Parser } from 'htmlparser2'
import { detach } from '../url/detach.ts'
import type { MicrodataItem } from './structured-data.ts'
import { collapse, stripUrl } from './white-space.ts'

type Attributes = Readonly<Record<string, string>>
type Value = string | Item

/** An item while it is read. */
interface Item {
  readonly type: string[]
  readonly id: string | undefined
  readonly properties: Map<string, Value[]>
}

/** An open element. */
interface Frame {
  readonly vocab: string
  readonly prefixes: ReadonlyMap<string, string>
  /** What properties here tell something about. */
  readonly subject: Item | undefined
  /** Names of the property whose value is the text of this element, and the item that has it. */
  readonly literal: { readonly names: readonly string[]; readonly of: Item; text: string } | undefined
}

/** Prefixes that pages use without declaring them (RDFa initial context). */
const PREFIXES: ReadonlyMap<string, string> = new Map([
  ['schema', 'http://schema.org/'],
  ['og', 'http://ogp.me/ns#'],
  ['dc', 'http://purl.org/dc/terms/'],
  ['dcterms', 'http://purl.org/dc/terms/'],
  ['dc11', 'http://purl.org/dc/elements/1.1/'],
  ['foaf', 'http://xmlns.com/foaf/0.1/'],
  ['gr', 'http://purl.org/goodrelations/v1#'],
  ['rdf', 'http://www.w3.org/1999/02/22-rdf-syntax-ns#'],
  ['rdfs', 'http://www.w3.org/2000/01/rdf-schema#'],
  ['skos', 'http://www.w3.org/2004/02/skos/core#'],
  ['vcard', 'http://www.w3.org/2006/vcard/ns#'],
  ['xsd', 'http://www.w3.org/2001/XMLSchema#'],
])

/** Items of one page. */
const MOST_ITEMS = 10_000

/** @param base Absolute URL that relative ones start from. */
export function rdfaOf(markup: string, isXml: boolean, base: string): MicrodataItem[] {
  return new Reader(base).read(markup, isXml)
}

class Reader {
  readonly #base: string
  readonly #frames: Frame[] = []
  readonly #top: Item[] = []
  readonly #byId = new Map<string, Item>()
  #room = MOST_ITEMS
  /** Literals that are open: most elements are in none. */
  #literals = 0

  constructor(base: string) {
    this.#base = base
  }

  read(markup: string, isXml: boolean): MicrodataItem[] {
    const parser = new Parser(
      {
        onopentag: (_name, attributes) => this.#open(attributes),
        ontext: (text) => {
          if (this.#literals > 0)
            for (const { literal } of this.#frames) if (literal !== undefined) literal.text += text
        },
        onclosetag: () => this.#close(),
      },
      { xmlMode: isXml },
    )
    parser.end(markup)
    return this.#top.filter((item) => item.properties.size > 0 || item.type.length > 0).map(plain)
  }

  #open(attributes: Attributes): void {
    const above = this.#frames.at(-1)
    const vocab = attributes.vocab?.trim() ?? above?.vocab ?? ''
    const prefixes = withDeclared(above?.prefixes ?? PREFIXES, attributes.prefix)
    const names = words(attributes.property).map((name) => termOf(name, vocab, prefixes))
    const subject = above?.subject
    const frame: Frame = { vocab, prefixes, subject, literal: undefined }
    const id = this.#url(attributes.about ?? attributes.resource)
    if (attributes.typeof !== undefined) {
      const types = words(attributes.typeof).map((name) => expanded(name, vocab, prefixes))
      const isValue = names.length > 0 && subject !== undefined && attributes.about === undefined
      const item = this.#item(
        types,
        id ?? (isValue ? this.#url(attributes.href ?? attributes.src) : undefined),
        isValue,
      )
      if (item !== undefined && isValue) add(subject, names, item)
      this.#frames.push({ ...frame, subject: item })
      return
    }
    if (names.length === 0 || (subject === undefined && attributes.about === undefined)) {
      // A bare subject: what follows is told about it.
      this.#frames.push(
        id === undefined ? frame : { ...frame, subject: this.#byId.get(id) ?? this.#item([], id, false) },
      )
      return
    }
    const owner = attributes.about === undefined ? subject! : (this.#byId.get(id!) ?? this.#item([], id, false))
    if (owner === undefined) {
      this.#frames.push(frame)
      return
    }
    const reference = attributes.resource ?? attributes.href ?? attributes.src
    const written = attributes.content ?? attributes.datetime
    if (written !== undefined) add(owner, names, detach(written.trim()))
    else if (reference !== undefined) add(owner, names, this.#url(reference) ?? detach(reference))
    else {
      this.#literals++
      this.#frames.push({ ...frame, literal: { names, of: owner, text: '' } })
      return
    }
    this.#frames.push(frame)
  }

  #close(): void {
    const literal = this.#frames.pop()?.literal
    if (literal === undefined) return
    this.#literals--
    add(literal.of, literal.names, detach(collapse(literal.text)))
  }

  #item(type: string[], id: string | undefined, isValue: boolean): Item | undefined {
    if (this.#room === 0) return undefined
    this.#room--
    const item: Item = { type, id, properties: new Map() }
    if (id !== undefined && !this.#byId.has(id)) this.#byId.set(id, item)
    if (!isValue) this.#top.push(item)
    return item
  }

  #url(written: string | undefined): string | undefined {
    return written === undefined ? undefined : (URL.parse(stripUrl(written), this.#base)?.href ?? undefined)
  }
}

function add(item: Item, names: readonly string[], value: Value): void {
  for (const name of new Set(names)) {
    const values = item.properties.get(name)
    if (values === undefined) item.properties.set(detach(name), [value])
    else values.push(value)
  }
}

/** An item is the value of the items around it only, so this ends. */
function plain(item: Item): MicrodataItem {
  const properties: Record<string, (string | MicrodataItem)[]> = Object.fromEntries(
    [...item.properties].map(([name, values]) => [
      name,
      values.map((value) => (typeof value === 'string' ? value : plain(value))),
    ]),
  )
  return {
    ...(item.type.length > 0 ? { type: item.type } : {}),
    ...(item.id === undefined ? {} : { id: item.id }),
    properties,
  }
}

/** Names of the vocabulary stay short, as in microdata; those of others are whole. */
function termOf(name: string, vocab: string, prefixes: ReadonlyMap<string, string>): string {
  if (!name.includes(':')) return name
  const whole = expanded(name, vocab, prefixes)
  return vocab !== '' && whole.startsWith(vocab) ? whole.slice(vocab.length) : whole
}

function expanded(name: string, vocab: string, prefixes: ReadonlyMap<string, string>): string {
  const colon = name.indexOf(':')
  if (colon < 0) return `${vocab}${name}`
  const space = prefixes.get(name.slice(0, colon).toLowerCase())
  return space === undefined ? name : `${space}${name.slice(colon + 1)}`
}

function withDeclared(prefixes: ReadonlyMap<string, string>, written: string | undefined): ReadonlyMap<string, string> {
  if (written === undefined) return prefixes
  const own = new Map(prefixes)
  for (const [, prefix, space] of written.matchAll(/([^\s:]+):\s+(\S+)/g)) own.set(prefix!.toLowerCase(), space!)
  return own
}

function words(value: string | undefined): string[] {
  return value === undefined ? [] : value.split(/[\t\n\f\r ]+/).filter((word) => word !== '')
}
