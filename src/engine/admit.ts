/**
 * Makes requests of what sources and pages give: canonical URL, fingerprint, politeness key and groups, fixed here and
 * never again. Every listed input becomes exactly one request; one that is decided already (invalid, out of scope)
 * becomes a verdict request, so that its record goes the way of all others.
 */
import type { FollowedLink } from '../extract/extraction.ts'
import type { PageLink } from '../extract/extractor.ts'
import { SluiceError } from '../model/errors.ts'
import type { InputRef, NewRequest, RequestMeta, Verdict } from '../model/request.ts'
import type { Refusal } from '../policy/scope.ts'
import type { TrapGuard } from '../policy/traps.ts'
import type { Ask, SourceItem } from '../source/source.ts'
import { canonicalize, parseBase, resolveLink, withoutCredentials } from '../url/canonicalize.ts'
import type { Canonical } from '../url/canonicalize.ts'
import { detach } from '../url/detach.ts'
import { originOf } from '../url/key.ts'
import type { Fingerprint } from '../url/fingerprint.ts'
import type { EngineSettings } from './settings.ts'

/** URLs offered lately, so that the navigation of a site is not offered again with every page. */
const RECENT = 32_768

/** What a request is made by. */
export type AdmissionSettings = Pick<
  EngineSettings,
  'scope' | 'policy' | 'nofollow' | 'keyOf' | 'groupsOf' | 'takeLogin' | 'takeProxy'
>

export class Admission {
  readonly #settings: AdmissionSettings
  readonly #fingerprint: Fingerprint
  readonly #traps: TrapGuard | undefined
  #recent = new Set<string>()

  constructor(settings: AdmissionSettings, fingerprint: Fingerprint, traps?: TrapGuard) {
    this.#settings = settings
    this.#fingerprint = fingerprint
    this.#traps = traps
  }

  /** One input of a source. `via` is undefined for lists, whose items need no meta of their own. */
  input(item: SourceItem, source: string, via: string | undefined, reread: boolean): NewRequest {
    const input = { source, ordinal: item.ordinal }
    const own = item.ask?.proxy === undefined ? undefined : this.#settings.takeProxy(item.ask.proxy)
    const meta = inputMeta(item, via, own !== undefined && 'name' in own ? own.name : undefined)
    const canonical = this.#withoutLogin(canonicalize(item.url))
    if (item.row !== undefined) {
      const row = own !== undefined && 'problem' in own ? { ...item.row, problem: own.problem } : item.row
      return this.#row(item, row, input, canonical, meta, reread)
    }
    if (!canonical.ok) {
      const verdict: Verdict = { code: canonical.code, reason: canonical.reason }
      return this.#decided(shortened(item.url), this.#fingerprint.ofInput(source, item.ordinal), verdict, 0, meta, {
        input,
      })
    }
    const url = canonical.url
    const refusal = this.#settings.scope.check(url, 0)
    if (refusal !== undefined) return this.#decided(url, this.#fingerprint.of(url), refusal, 0, meta, { input })
    const request = this.#request(url, 0, meta)
    return { ...request, input, ...(reread ? { reread: true } : {}) }
  }

  /** A row is itself, not its URL: rows that lead to one URL are as many requests. */
  #row(
    item: SourceItem,
    row: NonNullable<SourceItem['row']>,
    input: InputRef,
    canonical: Canonical,
    meta: RequestMeta | undefined,
    reread: boolean,
  ): NewRequest {
    const own = {
      fp: this.#fingerprint.ofRow(input.source, row.identity),
      input,
      dedupe: 'input' as const,
      ...(reread ? { reread: true as const } : {}),
    }
    if (row.problem !== undefined) {
      const verdict: Verdict = { code: 'ROW_INCOMPLETE', reason: row.problem }
      return { ...this.#decided(shortened(item.url), own.fp, verdict, 0, meta, { input }), ...own }
    }
    if (!canonical.ok) {
      const verdict: Verdict = { code: canonical.code, reason: canonical.reason }
      return { ...this.#decided(shortened(item.url), own.fp, verdict, 0, meta, { input }), ...own }
    }
    const refusal = this.#settings.scope.check(canonical.url, 0)
    if (refusal !== undefined) return { ...this.#decided(canonical.url, own.fp, refusal, 0, meta, { input }), ...own }
    return { ...this.#request(canonical.url, 0, meta), ...own }
  }

  /** Links of a page, deduped among themselves and against those offered lately. */
  links(links: readonly PageLink[], page: { url: string; base: string | undefined; depth: number }): NewRequest[] {
    const base = parseBase(baseOf(page.base, page.url))
    if (base === undefined) return []
    const depth = page.depth + 1
    const found: NewRequest[] = []
    // One object for all links of one kind: the store encodes it once.
    const metas = new Map<string, RequestMeta>()
    for (let i = 0; i < links.length; i++) {
      const link = links[i] as PageLink
      if (link.nofollow && this.#settings.nofollow) continue
      const href = link.href
      if (href === '' || href.charCodeAt(0) === 35) continue
      const canonical = resolveLink(href, base)
      if (!canonical.ok) continue
      let meta = metas.get(link.kind)
      if (meta === undefined) metas.set(link.kind, (meta = { from: page.url, via: link.kind }))
      this.#offer(canonical.url, depth, meta, found)
    }
    return found
  }

  /** Links that an extractor wants followed; nofollow is its own business. */
  followed(links: readonly FollowedLink[], page: { url: string; depth: number }): NewRequest[] {
    const found: NewRequest[] = []
    const metas = new Map<string | undefined, RequestMeta>()
    for (const { url, label, proxy: given } of links) {
      const proxy = given === undefined ? undefined : this.#ownProxy(given)
      const canonical = canonicalize(url, page.url)
      if (!canonical.ok) continue
      const same = proxy === undefined ? label : `${label}\n${proxy}`
      let meta = metas.get(same)
      if (meta === undefined) {
        meta = { from: page.url, via: 'follow', ...(label === undefined ? {} : { label }) }
        if (proxy !== undefined) meta = { ...meta, proxy }
        metas.set(same, meta)
      }
      this.#offer(canonical.url, page.depth + 1, meta, found)
    }
    return found
  }

  /** Entries of a sitemap: depth as links of a seed. */
  sitemapUrls(urls: readonly string[], from: string): NewRequest[] {
    const found: NewRequest[] = []
    const meta: RequestMeta = { from, via: 'sitemap' }
    for (const loc of urls) {
      const canonical = canonicalize(loc, from)
      if (canonical.ok) this.#offer(canonical.url, 1, meta, found)
    }
    return found
  }

  /** Sitemap files themselves: read whatever the scope says of pages, as long as they lie on the site that names them. */
  sitemaps(urls: readonly string[], from: string): NewRequest[] {
    const found: NewRequest[] = []
    for (const loc of urls) {
      const canonical = canonicalize(loc, from)
      if (!canonical.ok) continue
      const url = withoutCredentials(canonical.url)
      found.push(this.#plain(url, 0, { from, via: 'sitemap', handler: 'sitemap' }))
    }
    return found
  }

  /** @param proxy That of the request that waits for it: it shows our own address no more than that does. */
  gate(robotsUrl: string, proxy: string | undefined): NewRequest {
    return {
      ...(proxy === undefined ? {} : { meta: { proxy } }),
      url: robotsUrl,
      key: this.#settings.keyOf(robotsUrl),
      fp: this.#fingerprint.ofGate(originOf(robotsUrl)),
      gate: true,
      dedupe: 'force',
      ...this.#groups(robotsUrl),
    }
  }

  fingerprintOf(url: string): bigint {
    return this.#fingerprint.of(url)
  }

  hopFingerprint(root: bigint, hop: number): bigint {
    return this.#fingerprint.ofHop(root, hop)
  }

  #withoutLogin(canonical: Canonical): Canonical {
    if (!canonical.ok) return canonical
    const url = withoutCredentials(canonical.url)
    if (url === canonical.url) return canonical
    this.#settings.takeLogin(canonical.url)
    return { ok: true, url }
  }

  #offer(resolved: string, depth: number, meta: RequestMeta, found: NewRequest[]): void {
    const recent = this.#recent
    if (recent.has(resolved)) return
    // A page names no logins for us.
    const url = withoutCredentials(detach(resolved))
    if (recent.size >= RECENT) this.#recent = new Set()
    this.#recent.add(url)
    const refusal = this.#settings.scope.check(url, depth) ?? this.trap(url, meta)
    if (refusal !== undefined) {
      found.push(this.#decided(url, this.#fingerprint.of(url), refusal, depth, meta, {}))
      return
    }
    found.push(this.#request(url, depth, meta))
  }

  /** Of a link that leads further into what has no end; what a sitemap names is not made up. */
  trap(url: string, meta: RequestMeta | undefined): Refusal | undefined {
    return this.#traps === undefined || this.#traps.isQuiet || meta?.via === 'sitemap'
      ? undefined
      : this.#traps.check(url, meta?.from)
  }

  #request(url: string, depth: number, meta: RequestMeta | undefined): NewRequest {
    const request = this.#plain(url, depth, meta)
    const decision = this.#settings.policy.admit({ url, key: request.key, depth, meta: meta ?? {} })
    if (decision.do === 'admit') {
      if (decision.priority === 1 && decision.proxy === undefined) return request
      const { priority, proxy } = decision
      if (proxy === undefined) return { ...request, priority }
      return { ...request, priority, meta: { ...meta, proxy: this.#ownProxy(proxy) } }
    }
    return this.#decided(url, request.fp, { code: decision.code, reason: decision.reason }, depth, meta, {})
  }

  #plain(url: string, depth: number, meta: RequestMeta | undefined): NewRequest {
    const settings = this.#settings
    return {
      url,
      key: settings.keyOf(url),
      fp: this.#fingerprint.of(url),
      priority: 1,
      depth,
      ...(meta === undefined ? {} : { meta }),
      ...this.#groups(url),
    }
  }

  /** Of a program's own code, which is to be mended where it names no proxy. */
  #ownProxy(text: string): string {
    const taken = this.#settings.takeProxy(text)
    if ('name' in taken) return taken.name
    throw new SluiceError('OPTION_INVALID', taken.problem, { hint: 'scheme://user:password@host:port, or direct' })
  }

  #groups(url: string): { groups?: readonly string[] } {
    const groups = this.#settings.groupsOf(url)
    return groups === undefined ? {} : { groups }
  }

  #decided(
    url: string,
    fp: bigint,
    verdict: Verdict,
    depth: number,
    meta: RequestMeta | undefined,
    rest: Pick<NewRequest, 'input'>,
  ): NewRequest {
    return { url, key: '', fp, depth, verdict, ...(meta === undefined ? {} : { meta }), ...rest }
  }
}

function inputMeta(item: SourceItem, via: string | undefined, proxy: string | undefined): RequestMeta | undefined {
  const odd = item.line !== undefined && item.line !== item.ordinal + 1
  if (via === undefined && item.columns === undefined && item.ask === undefined && !odd) return undefined
  return {
    ...(via === undefined ? {} : { via }),
    ...(odd ? { line: item.line as number } : {}),
    ...(item.columns === undefined ? {} : { columns: item.columns }),
    ...(item.ask === undefined ? {} : storedAsk(item.ask, proxy)),
  }
}

/** The proxy by the name that stands for it: never with its login. */
function storedAsk({ proxy: _given, ...ask }: Ask, proxy: string | undefined): Omit<Ask, 'proxy'> & { proxy?: string } {
  return proxy === undefined ? ask : { ...ask, proxy }
}

/** Text of an input that is no URL. */
function shortened(text: string): string {
  return text.slice(0, 8192)
}

function baseOf(base: string | undefined, url: string): string {
  if (base === undefined) return url
  const resolved = canonicalize(base, url)
  return resolved.ok ? resolved.url : url
}
