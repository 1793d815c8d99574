/** Declarations of a `style` attribute that change how a text looks, and nothing around it. Fetches nothing: no `url()`. */

const PROPERTIES = new Set(
  (
    'azimuth background background-color background-x background-y border border-bottom border-bottom-color border-bottom-style ' +
    'border-bottom-width border-collapse border-color border-left border-left-color border-left-style ' +
    'border-left-width border-right border-right-color border-right-style border-right-width border-spacing ' +
    'border-style border-top border-top-color border-top-style border-top-width border-width clear color cursor ' +
    'direction display elevation float font font-family font-size font-style font-variant font-weight height ' +
    'letter-spacing line-height list-style-type margin margin-bottom margin-left margin-right margin-top max-height ' +
    'max-width min-height min-width overflow padding padding-bottom padding-left padding-right padding-top pause ' +
    'pause-after pause-before pitch pitch-range richness speak speak-header speak-numeral speak-punctuation ' +
    'speech-rate stress text-align text-decoration text-indent unicode-bidi vertical-align voice-family volume ' +
    'white-space width'
  ).split(' '),
)

/** Words, names in quotes, colours, and lengths of up to three digits: nothing that covers the page. */
const PART =
  /^(?:#[0-9a-f]{3,8}|rgb\([\d\s,.%]{1,30}\)|-?(?:\d{1,3}(?:\.\d{1,2})?|\.\d{1,2})(?:cm|em|rem|ex|in|mm|pc|pt|px|%)?|[a-z][a-z0-9_-]*|'[\w -]*'|"[\w -]*"|!important)(?:[\s,]+|$)/i

export function safeStyle(style: string): string {
  const kept: string[] = []
  for (const declaration of style.split(';')) {
    const colon = declaration.indexOf(':')
    const name = declaration.slice(0, colon).trim()
    const value = declaration.slice(colon + 1).trim()
    if (colon > 0 && value !== '' && PROPERTIES.has(name.toLowerCase()) && isHarmless(value)) {
      kept.push(`${name}: ${value};`)
    }
  }
  return kept.join(' ')
}

function isHarmless(value: string): boolean {
  let rest = value
  while (rest !== '') {
    const part = PART.exec(rest)
    if (part === null) return false
    rest = rest.slice(part[0].length)
  }
  return true
}
