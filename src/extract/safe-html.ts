/**
 * Markup of others made safe to show, and its links absolute: elements, attributes, URLs and styles that are not on the
 * lists are left out, the text of scripts and styles with them. What comes out holds no `<` but that of a listed tag,
 * so that no other parser finds more in it than this one. Knows nothing of feeds.
 */
import { decodeHTMLAttribute, decodeHTMLStrict } from 'entities/decode'
import { Parser } from 'htmlparser2'
import { resolveSafe } from './safe-url.ts'
import { safeStyle } from './safe-style.ts'

const ELEMENTS = set(
  'a abbr acronym address area article aside audio b big blockquote br button canvas caption center cite code col ' +
    'colgroup command datagrid datalist dd del details dfn dialog dir div dl dt em event-source fieldset figcaption ' +
    'figure font footer form h1 h2 h3 h4 h5 h6 header hr i img input ins kbd keygen label legend li m map menu meter ' +
    'multicol nav nextid ol optgroup option output p pre progress q s samp section select small sound source ' +
    'spacer span strike strong sub sup table tbody td textarea tfoot th thead time tr tt u ul var video',
)

/** Not shown, and so is what they hold. */
const SILENT = set('script style applet')

const VOID = set('area br col command hr img input keygen source')

const ATTRIBUTES = set(
  'abbr accept accept-charset accesskey action align alt autocomplete autofocus axis background balance bgcolor ' +
    'bgproperties border bordercolor bordercolordark bordercolorlight bottompadding cellpadding cellspacing ch ' +
    'challenge char charoff charset checked choff cite class clear color cols colspan compact contenteditable controls ' +
    'coords data datafld datapagesize datasrc datetime default delay dir disabled draggable dynsrc enctype end face ' +
    'for form frame galleryimg gutter headers height hidden hidefocus high href hreflang hspace icon id inputmode ' +
    'ismap keytype label lang leftspacing list longdesc loop loopcount loopend loopstart low lowsrc max maxlength media ' +
    'method min multiple name nohref noshade nowrap open optimum pattern ping point-size poster pqg preload prompt ' +
    'radiogroup readonly rel repeat-max repeat-min replace required rev rightspacing rows rowspan rules scope selected ' +
    'shape size span src start step style summary suppress tabindex target template title toppadding type ' +
    'unselectable urn usemap valign value variable volume vrml vspace width wrap xml:lang',
)

/** Attributes that hold URLs. */
const URLS = set('action background cite data dynsrc href icon longdesc lowsrc ping poster src urn usemap vrml')

/**
 * @param base Absolute URL that relative links start from.
 * @returns A fragment whose elements are closed where they have to be; character references stay as they are.
 */
export function safeHtml(html: string, base: string): string {
  if (!html.includes('<')) return withReferences(html)
  let out = ''
  let silent = 0
  /** Listed elements that are open. */
  const open: string[] = []
  const parser = new Parser(
    {
      onopentag(name, attributes) {
        if (SILENT.has(name)) silent++
        if (silent > 0 || !ELEMENTS.has(name)) return
        out += openTag(name, attributes, base)
        if (!VOID.has(name)) open.push(name)
      },
      ontext(text) {
        if (silent === 0) out += withReferences(text).replaceAll('<', '&lt;')
      },
      onclosetag(name) {
        if (SILENT.has(name)) silent = Math.max(0, silent - 1)
        // The parser also closes what was cut off before it was open.
        else if (silent === 0 && open.at(-1) === name) out += `</${open.pop()!}>`
      },
    },
    { decodeEntities: false },
  )
  parser.end(html)
  return out.trim()
}

function openTag(name: string, attributes: Readonly<Record<string, string>>, base: string): string {
  let tag = `<${name}`
  for (const [key, raw] of Object.entries(attributes)) {
    if (!ATTRIBUTES.has(key)) continue
    let value = raw
    if (URLS.has(key)) {
      const url = decodeHTMLAttribute(raw)
      value = url.trim() === '' ? '' : withReferences(resolveSafe(url, base))
    } else if (key === 'style') {
      value = safeStyle(decodeHTMLAttribute(raw))
      if (value === '') continue
    }
    tag += ` ${key}="${value.replaceAll('"', '&quot;').replaceAll('<', '&lt;')}"`
  }
  return `${tag}${VOID.has(name) ? ' />' : '>'}`
}

/** `&` that begins no reference is escaped; numbers of windows-1252 become those of Unicode, as browsers read them. */
function withReferences(text: string): string {
  return text.replace(
    /&(?:#(?:x([\da-f]{1,6})|(\d{1,7}));|(?![a-z][\da-z]*;))/gi,
    (reference, hex?: string, digits?: string) => {
      if (hex === undefined && digits === undefined) return '&amp;'
      const code = hex === undefined ? Number(digits) : parseInt(hex, 16)
      if (code >= 0x80 && code <= 0x9f) return `&#x${decodeHTMLStrict(reference).codePointAt(0)!.toString(16)};`
      return reference.toLowerCase()
    },
  )
}

function set(names: string): ReadonlySet<string> {
  return new Set(names.split(' '))
}
