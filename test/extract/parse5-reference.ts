/** The same questions answered from parse5's tree: slow, and right where tree building changes what a page says. */
import { parse } from 'parse5'
import type { DefaultTreeAdapterTypes } from 'parse5'
import type { LinkKind } from '../../src/extract/extractor.ts'
import { parseRefresh } from '../../src/http/refresh.ts'
import { parseSrcset } from '../../src/extract/srcset.ts'
import { collapse, stripUrl } from '../../src/extract/white-space.ts'

export interface Reference {
  readonly title: string
  readonly base: string | undefined
  /** `kind href`, in the order of the tree. */
  readonly links: readonly string[]
}

const HTML = 'http://www.w3.org/1999/xhtml'
const SVG = 'http://www.w3.org/2000/svg'

/** Scripts do not run: `noscript` holds markup. Templates are walked into. */
export function referenceOf(page: string): Reference {
  const links: string[] = []
  let title: string | undefined
  let base: string | undefined
  const add = (kind: LinkKind, href: string | undefined): void => {
    if (href !== undefined) links.push(`${kind} ${stripUrl(href)}`)
  }
  const visit = (node: DefaultTreeAdapterTypes.Element): void => {
    const attribute = (name: string): string | undefined =>
      node.attrs.find((attr) => (attr.prefix ? `${attr.prefix}:${attr.name}` : attr.name) === name)?.value
    const isHtml = node.namespaceURI === HTML
    if (node.tagName === 'a') add('a', attribute('href') ?? (isHtml ? undefined : attribute('xlink:href')))
    if (node.tagName === 'image' && node.namespaceURI === SVG) add('img', attribute('href') ?? attribute('xlink:href'))
    if (node.tagName === 'script')
      add('script', isHtml ? attribute('src') : (attribute('href') ?? attribute('xlink:href')))
    if (!isHtml) return
    if (node.tagName === 'area') add('area', attribute('href'))
    if (node.tagName === 'frame' || node.tagName === 'iframe') add('frame', attribute('src'))
    if (node.tagName === 'img') add('img', attribute('src'))
    if (node.tagName === 'form') add('form', attribute('action'))
    if (node.tagName === 'img' || node.tagName === 'source') {
      for (const url of parseSrcset(attribute('srcset') ?? '')) add('srcset', url)
    }
    if (node.tagName === 'link' && /(^|\s)canonical(\s|$)/i.test(attribute('rel') ?? ''))
      add('canonical', attribute('href'))
    if (node.tagName === 'meta' && attribute('http-equiv')?.toLowerCase() === 'refresh') {
      const target = parseRefresh(attribute('content') ?? '')
      if (target !== undefined && target !== '') add('refresh', target)
    }
    if (node.tagName === 'base') base ??= attribute('href') === undefined ? undefined : stripUrl(attribute('href')!)
    if (node.tagName === 'title') {
      title ??= collapse(node.childNodes.map((child) => ('value' in child ? child.value : '')).join(''))
    }
  }
  const stack: DefaultTreeAdapterTypes.ChildNode[] = parse(page, { scriptingEnabled: false }).childNodes.toReversed()
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    if (!('tagName' in node)) continue
    visit(node)
    const children = 'content' in node ? [...node.content.childNodes, ...node.childNodes] : node.childNodes
    for (let i = children.length - 1; i >= 0; i--) stack.push(children[i]!)
  }
  return { title: title ?? '', base, links }
}
