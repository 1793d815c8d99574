/** Writes what is inside an element as markup again: HTML with as few character references as it needs, or XML. */
import { encodeXML, escapeAttribute, escapeText } from 'entities'
import { CDATA, COMMENT, DIRECTIVE } from './builder.ts'
import { SVG_NAMES } from './names.ts'
import { INTEGRATION_POINTS, VOID_NAMES } from './rules.ts'
import type { Tree } from './tree.ts'

/** Elements whose text is written as it is. */
const AS_IS = new Set('style script xmp iframe noembed noframes plaintext noscript'.split(' '))
const HTML_AGAIN = new Set(INTEGRATION_POINTS)
const VOID = new Set(VOID_NAMES)

/** Attributes of SVG and MathML in mixed case (HTML standard 13.2.6.1). */
const FOREIGN_ATTRIBUTES = byLowerCase(
  'attributeName attributeType baseFrequency baseProfile calcMode clipPathUnits definitionURL diffuseConstant edgeMode ' +
    'filterUnits glyphRef gradientTransform gradientUnits kernelMatrix kernelUnitLength keyPoints keySplines keyTimes ' +
    'lengthAdjust limitingConeAngle markerHeight markerUnits markerWidth maskContentUnits maskUnits numOctaves ' +
    'pathLength patternContentUnits patternTransform patternUnits pointsAtX pointsAtY pointsAtZ preserveAlpha ' +
    'preserveAspectRatio primitiveUnits refX refY repeatCount repeatDur requiredExtensions requiredFeatures ' +
    'specularConstant specularExponent spreadMethod startOffset stdDeviation stitchTiles surfaceScale systemLanguage ' +
    'tableValues targetX targetY textLength viewBox viewTarget xChannelSelector yChannelSelector zoomAndPan',
)
const FOREIGN_NAMES = byLowerCase(SVG_NAMES)

/** How a part of the page is written: SVG and MathML in HTML nearly as XML. */
type Mode = 'html' | 'foreign' | 'xml'

/** Markup inside an element. Recursion is bounded by the depth of the tree. */
export function renderInside(tree: Tree, node: number): string {
  return children(tree, node, tree.nameOf(node), tree.isXml ? 'xml' : 'html')
}

/** @param name the element's, as it was written. */
function children(tree: Tree, node: number, name: string, mode: Mode): string {
  const { end } = tree.nodes
  let markup = ''
  for (let i = node + 1; i < end[node]!; i = end[i]!) {
    markup += tree.isElement(i) ? element(tree, i, name, mode) : other(tree, i, name, mode)
  }
  return markup
}

function other(tree: Tree, node: number, around: string, mode: Mode): string {
  const data = tree.data(node)
  switch (tree.nodes.name[node]) {
    case COMMENT:
      return `<!--${data}-->`
    case DIRECTIVE:
      return `<${data}>`
    case CDATA:
      return `<![CDATA[${data}]]>`
    default:
      if (mode !== 'html') return encodeXML(data)
      return AS_IS.has(around) ? data : escapeText(data)
  }
}

function element(tree: Tree, node: number, around: string, outside: Mode): string {
  let name = tree.nameOf(node)
  let mode = outside
  if (mode === 'foreign') {
    name = FOREIGN_NAMES.get(name) ?? name
    if (HTML_AGAIN.has(around)) mode = 'html'
  }
  if (mode === 'html' && (name === 'svg' || name === 'math')) mode = 'foreign'
  const start = `<${name}${attributes(tree, node, mode)}`
  if (mode !== 'html' && tree.nodes.end[node] === node + 1) return `${start}/>`
  const inside = children(tree, node, name, mode)
  return mode === 'html' && VOID.has(name) ? `${start}>${inside}` : `${start}>${inside}</${name}>`
}

function attributes(tree: Tree, node: number, mode: Mode): string {
  let markup = ''
  for (const [name, value] of tree.attributesOf(node)) {
    if (mode === 'html') markup += value === '' ? ` ${name}` : ` ${name}="${escapeAttribute(value)}"`
    else {
      const spelled = mode === 'foreign' ? (FOREIGN_ATTRIBUTES.get(name) ?? name) : name
      markup += ` ${spelled}="${encodeXML(value)}"`
    }
  }
  return markup
}

function byLowerCase(names: string): ReadonlyMap<string, string> {
  return new Map(names.split(' ').map((name) => [name.toLowerCase(), name]))
}
