/**
 * What a crawl of a folder of pages must find, without a crawler: breadth first over the files, links read from parse5's
 * tree. It shares the canonical form of URLs with the product, nothing else: not its extractor, not its scope.
 */
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'parse5'
import type { DefaultTreeAdapterTypes } from 'parse5'
import { canonicalize } from '../../src/url/canonicalize.ts'

export interface Walk {
  /** Canonical URLs of the pages: files that are served as HTML, after redirects. */
  readonly pages: Set<string>
  /** URLs on the host that name no file. */
  readonly missing: Set<string>
  /** URLs on the host that are files of another type. */
  readonly other: Set<string>
}

/** Walks from `start` over everything on its host, served from `root`. */
export function walkDisk(root: string, start: string): Walk {
  const { origin } = new URL(start)
  const walk: Walk = { pages: new Set(), missing: new Set(), other: new Set() }
  const seen = new Set([start])
  const queue = [start]
  for (let at = 0; at < queue.length; at++) {
    const url = queue[at] as string
    const found = locate(root, url)
    if (found === undefined) {
      walk.missing.add(url)
      continue
    }
    // A name that begins with the dot has no ending: nginx serves `/.html` as bytes.
    if (!/[^/]\.html?$/.test(found.path)) {
      walk.other.add(url)
      continue
    }
    if (walk.pages.has(found.url)) continue
    walk.pages.add(found.url)
    seen.add(found.url)
    for (const link of linksOf(readFileSync(found.path), found.url)) {
      if (!link.startsWith(`${origin}/`) || seen.has(link)) continue
      seen.add(link)
      queue.push(link)
    }
  }
  return walk
}

/** The file a static server answers with, and its URL after the redirect of a folder to its slash. */
function locate(root: string, url: string): { path: string; url: string } | undefined {
  const { pathname, search } = new URL(url)
  try {
    const path = join(root, decodeURIComponent(pathname))
    if (!statSync(path).isDirectory()) return pathname.endsWith('/') ? undefined : { path, url }
    const final = pathname.endsWith('/') ? url : `${new URL(url).origin}${pathname}/${search}`
    for (const name of ['index.html', 'index.htm']) {
      const index = join(path, name)
      if (statSync(index, { throwIfNoEntry: false })?.isFile() === true) return { path: index, url: final }
    }
    return undefined
  } catch {
    return undefined
  }
}

function linksOf(bytes: Buffer, url: string): string[] {
  const charset = /<meta[^>]*charset\s*=\s*["']?([\w-]+)/i.exec(bytes.subarray(0, 1024).toString('latin1'))?.[1]
  const document = parse(new TextDecoder(charset ?? 'windows-1252').decode(bytes), { scriptingEnabled: false })
  const hrefs: string[] = []
  let base: string | undefined
  let nofollow = false
  const stack: DefaultTreeAdapterTypes.ChildNode[] = [...document.childNodes]
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    if (!('tagName' in node)) continue
    const attributes = new Map(node.attrs.map(({ name, value }) => [name, value]))
    const words = (name: string): string[] => (attributes.get(name) ?? '').toLowerCase().split(/[\t\n\f\r ,]+/)
    const href = hrefOf(node.tagName, attributes, words)
    if (href !== undefined) hrefs.push(href)
    if (node.tagName === 'base') base ??= attributes.get('href')
    if (node.tagName === 'meta' && attributes.get('name')?.toLowerCase() === 'robots') {
      nofollow ||= words('content').some((word) => word === 'nofollow' || word === 'none')
    }
    const children = 'content' in node ? [...node.content.childNodes, ...node.childNodes] : node.childNodes
    for (let i = children.length - 1; i >= 0; i--) stack.push(children[i] as DefaultTreeAdapterTypes.ChildNode)
  }
  if (nofollow) return []
  const against = base === undefined ? url : (URL.parse(base, url)?.href ?? url)
  const links: string[] = []
  for (const href of hrefs) {
    const trimmed = href.trim()
    if (trimmed === '' || trimmed.startsWith('#')) continue
    const resolved = URL.parse(href, against)
    const canonical = resolved === null ? undefined : canonicalize(resolved.href)
    if (canonical?.ok === true) links.push(canonical.url)
  }
  return links
}

function hrefOf(
  tag: string,
  attributes: ReadonlyMap<string, string>,
  words: (name: string) => readonly string[],
): string | undefined {
  switch (tag) {
    case 'a':
    case 'area':
      return words('rel').some((word) => ['nofollow', 'ugc', 'sponsored'].includes(word))
        ? undefined
        : attributes.get('href')
    case 'frame':
    case 'iframe':
      return attributes.get('src')
    case 'link':
      return words('rel').includes('canonical') ? attributes.get('href') : undefined
    case 'meta':
      if (attributes.get('http-equiv')?.toLowerCase() !== 'refresh') return undefined
      return /^\s*[\d.]+\s*[;,]?\s*(?:url\s*=\s*)?["']?([^"']+)/i.exec(attributes.get('content') ?? '')?.[1]
    default:
      return undefined
  }
}
