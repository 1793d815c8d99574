/**
 * A marketplace as they were in 2010: one page of categories, a listing page for each of their segments, half of them in
 * latin-1, with unclosed tags, and noise that only readers of `noscript` see. For crawls whose parsers change.
 */
import type { Content } from './content.ts'
import { encodeText } from './charset.ts'
import { type Prepared, prepare, type Reply } from './reply.ts'

export interface MarketOptions {
  /** Categories on the first page. Default 50. */
  readonly categories?: number
  /** Listing pages of each category. Default 20. */
  readonly segments?: number
  /** The page of categories answers 503. Default false. */
  readonly down?: boolean
}

export interface Market extends Content {
  /** Paths of all listing pages, in the order of the page of categories. */
  readonly listings: readonly string[]
}

const NAMES = [
  'Eletrônicos',
  'Câmeras',
  'Móveis',
  'Brinquedos',
  'Música',
  'Relógios',
  'Calçados',
  'Jardim',
  'Cães',
  'Arte',
]
const THINGS = ['Rádio', 'Violão', 'Fogão', 'Tênis', 'Lâmpada', 'Relógio', 'Cadeira', 'Pião', 'Sofá', 'Armário']

/** Page of categories at `/market/`, listings at `/market/<category>/<segment>`; both count from 1. */
export function market(options: MarketOptions = {}): Market {
  const { categories = 50, segments = 20, down = false } = options
  const listings = Array.from(
    { length: categories * segments },
    (_, i) => `/market/${Math.floor(i / segments) + 1}/${(i % segments) + 1}`,
  )
  const known = new Set(listings)
  const kept = new Map<string, Prepared>()

  function home(): string {
    let list = ''
    for (const [i, path] of listings.entries()) {
      if (i % segments === 0) list += `<dl><dt><a class=categ href="${path}">${name(i / segments + 1)}</a>\n`
      list += `<dd><a class="seglnk" href='${path}'>Segmento ${(i % segments) + 1}</a>\n`
    }
    return `<html><head><title>Mercado</title><body><h1>Mercado</h1>${list}<noscript><a class="seglnk" href="/market/0/0">?</a></noscript>`
  }

  function listing(path: string): Prepared {
    const [category = 1, segment = 1] = path.split('/').slice(2).map(Number)
    const charset = (category + segment) % 2 === 0 ? 'iso-8859-1' : 'utf-8'
    let rows = ''
    for (let n = 1; n <= 2; n++) {
      const thing = THINGS[(category * 7 + segment * 3 + n) % THINGS.length]
      const price = `R$ ${category * 100 + segment},${n}0`
      rows += `<div class="col_titulo"><a href=/item/${category}-${segment}-${n}>${thing} nº ${n}<b> ${name(category)}</a></div><span class=preco>${price}\n`
    }
    const page = `<html><title>${name(category)} ${segment}</title><table><tr><td>${rows}<noscript><div class="col_titulo">ative o JavaScript</div></noscript>`
    return prepare({
      headers: { 'Content-Type': `text/html; charset=${charset}` },
      body: encodeText(page, charset) ?? page,
    })
  }

  return {
    listings,
    respond({ path }): Reply | undefined {
      if (path === '/market/') return down ? { status: 503, body: 'fora do ar\n' } : { body: home() }
      if (!known.has(path)) return undefined
      let ready = kept.get(path)
      if (ready === undefined) kept.set(path, (ready = listing(path)))
      return ready
    },
  }
}

function name(category: number): string {
  const word = NAMES[(category - 1) % NAMES.length]
  return category <= NAMES.length ? String(word) : `${word} ${Math.ceil(category / NAMES.length)}`
}
