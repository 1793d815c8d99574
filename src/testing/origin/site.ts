/**
 * Virtual hosts: what a host name, or a pattern of names, answers. Layers are asked in order: faults, handlers, pages,
 * the generated content; the first that has a reply wins. It does not know sockets.
 */
import type { Content } from './content.ts'
import { documents, type DocumentsOptions } from './documents.ts'
import { type Fault, type FaultRule, makeFault } from './fault.ts'
import { graph, type GraphOptions } from './graph.ts'
import { market, type MarketOptions } from './market.ts'
import { type Answer, prepare, type Reply } from './reply.ts'
import type { OriginRequest } from './request.ts'
import { mix32 } from '../random.ts'
import { shop, type ShopOptions } from './shop.ts'

/** Answers a request, or leaves it to the next layer by returning undefined (not through a promise). */
export type Handler = (request: OriginRequest) => Reply | undefined | Promise<Reply>

/** A generated site by description: plain data, so it can be made in another process. */
export type ContentDescriptor =
  | ({ readonly kind: 'graph' } & GraphOptions)
  | ({ readonly kind: 'shop' } & ShopOptions)
  | ({ readonly kind: 'market' } & MarketOptions)
  | ({ readonly kind: 'documents' } & DocumentsOptions)

/** A site as plain data. */
export interface SiteDescriptor {
  /** Text of /robots.txt, or the answer to it. Default: the content's own, else 404. */
  readonly robots?: string | Answer
  /** Path → HTML text or answer. A path with a query is matched as a whole. */
  readonly pages?: Readonly<Record<string, string | Answer>>
  readonly content?: ContentDescriptor
  /** Wait before the first byte of every reply, ms; a pair: between the two, fixed by the path. Default 0. */
  readonly answerMs?: number | readonly [min: number, max: number]
  readonly faults?: readonly FaultRule[]
}

/** A site with whatever code it needs. */
export interface SiteOptions extends Omit<SiteDescriptor, 'pages' | 'content' | 'faults'> {
  /** As in the descriptor; handlers and other replies (scripts) as well. */
  readonly pages?: Readonly<Record<string, string | Reply | Handler>>
  readonly content?: ContentDescriptor | Content
  readonly faults?: readonly (FaultRule | Fault)[]
}

/** Sites whose pattern is one name, `*.suffix` (names below it) or `*`. */
export class VirtualHost {
  #faults: Fault[] = []
  #exact = new Map<string, Reply | Handler>()
  #prefixes: { prefix: string; handler: Reply | Handler }[] = []
  #content: Content | undefined
  answerMs: SiteOptions['answerMs']

  /** Adds to what is there; content and times are replaced. */
  configure(options: SiteOptions): void {
    if (options.robots !== undefined) this.page('/robots.txt', robotsReply(options.robots))
    for (const [path, page] of Object.entries(options.pages ?? {})) {
      this.page(path, typeof page === 'string' ? prepare({ body: page }) : page)
    }
    if (options.content !== undefined) this.#content = contentOf(options.content)
    if (options.answerMs !== undefined) this.answerMs = options.answerMs
    for (const fault of options.faults ?? []) this.fault(fault)
  }

  /** A path, with its query or for any; `/folder/*` is everything below. */
  page(path: string, reply: Reply | Handler): void {
    const ready = typeof reply === 'function' || 'steps' in reply || 'bytes' in reply ? reply : prepare(reply)
    if (!path.endsWith('*')) this.#exact.set(path, ready)
    else {
      this.#prefixes = [
        { prefix: path.slice(0, -1), handler: ready },
        ...this.#prefixes.filter(({ prefix }) => prefix !== path.slice(0, -1)),
      ].sort((a, b) => b.prefix.length - a.prefix.length)
    }
  }

  fault(rule: FaultRule | Fault): void {
    this.#faults.push(typeof rule === 'function' ? rule : makeFault(rule))
  }

  clearFaults(): void {
    this.#faults = []
  }

  respond(request: OriginRequest): Reply | undefined | Promise<Reply> {
    for (const fault of this.#faults) {
      const reply = fault(request)
      if (reply !== undefined) return reply
    }
    if (this.#exact.size > 0) {
      const page = this.#exact.get(request.target) ?? this.#exact.get(request.path)
      const reply = typeof page === 'function' ? page(request) : page
      if (reply !== undefined) return reply
    }
    for (const { prefix, handler } of this.#prefixes) {
      if (!request.target.startsWith(prefix)) continue
      const reply = typeof handler === 'function' ? handler(request) : handler
      if (reply !== undefined) return reply
    }
    return this.#content?.respond(request)
  }
}

/** All virtual hosts; finds those that serve a name, the most exact first. */
export class Hosts {
  readonly #patterns = new Map<string, VirtualHost>()
  /** Name → its hosts; emptied when a pattern is added. */
  #known = new Map<string, VirtualHost[]>()

  at(pattern: string): VirtualHost {
    const name = pattern.toLowerCase()
    let host = this.#patterns.get(name)
    if (host === undefined) {
      if (!/^(\*|(\*\.)?[^*\s/]+)$/.test(name)) throw new RangeError(`not a host pattern: ${JSON.stringify(pattern)}`)
      host = new VirtualHost()
      this.#patterns.set(name, host)
      this.#known = new Map()
    }
    return host
  }

  of(name: string): readonly VirtualHost[] {
    let chain = this.#known.get(name)
    if (chain === undefined) {
      const patterns = [name]
      for (let dot = name.indexOf('.'); dot !== -1; dot = name.indexOf('.', dot + 1))
        patterns.push(`*${name.slice(dot)}`)
      patterns.push('*')
      chain = patterns.flatMap((pattern) => this.#patterns.get(pattern) ?? [])
      this.#known.set(name, chain)
    }
    return chain
  }

  answerMs(request: OriginRequest): number {
    for (const { answerMs } of this.of(request.host)) {
      if (answerMs === undefined) continue
      if (typeof answerMs === 'number') return answerMs
      let hash = 0
      for (let i = 0; i < request.target.length; i++) hash = Math.imul(hash, 31) + request.target.charCodeAt(i)
      return answerMs[0] + (mix32(1, hash) / 2 ** 32) * (answerMs[1] - answerMs[0])
    }
    return 0
  }
}

function robotsReply(robots: string | Answer): Reply {
  if (typeof robots !== 'string') return prepare(robots)
  return prepare({ headers: { 'Content-Type': 'text/plain; charset=utf-8' }, body: robots })
}

function contentOf(content: ContentDescriptor | Content): Content {
  if ('respond' in content) return content
  switch (content.kind) {
    case 'graph':
      return graph(content)
    case 'shop':
      return shop(content)
    case 'market':
      return market(content)
    case 'documents':
      return documents(content)
  }
}
