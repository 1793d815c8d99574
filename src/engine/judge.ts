/**
 * What the end of an attempt means: final outcome with its record and links, retry, redirect hop, robots state. Asks
 * the policy, never the frontier; everything it returns goes through the group commit.
 */
import type { FetchFailure } from '../fetch/fetcher.ts'
import type { PageFacts, PageLink } from '../extract/extractor.ts'
import type { Claim, RobotsState } from '../frontier/frontier.ts'
import { parseContentType, isHtml } from '../http/content-type.ts'
import { headerValue, headerValues } from '../http/headers.ts'
import { parseRefresh } from '../http/refresh.ts'
import { parseRetryAfter } from '../http/retry-after.ts'
import { codeRow } from '../model/errors.ts'
import type { ErrorCode } from '../model/errors.ts'
import type { Alike } from '../model/record.ts'
import type { HopRequest, NewRequest } from '../model/request.ts'
import type { Response } from '../model/response.ts'
import { blockFor } from '../policy/polite.ts'
import { isRedirect, resolveRedirect } from '../policy/redirect.ts'
import { parseRobotsDirectives } from '../robots/meta.ts'
import { originOf } from '../url/key.ts'
import type { Admission } from './admit.ts'
import { isPlainAfter, isUnsafeClaim } from './ask.ts'
import type { Attempt } from './attempt.ts'
import type { Ended } from './commit.ts'
import type { Context } from './context.ts'
import type { Host } from './hosts.ts'
import { draftOf, TOMBSTONE } from './record.ts'
import type { Draft, DraftInit } from './record.ts'
import { ROBOTS_BYTES, robotsOfAnswer, ROBOTS_TURN, ROBOTS_TURN_MS, robotsUnreachable } from './robots-gate.ts'
import type { RobotsCause } from './robots-gate.ts'

/** `retryAfterMs` parks the key, whatever becomes of the URL. */
export interface Judgement extends Ended {
  readonly retryAfterMs: number | undefined
  /** Of a settled gate: its rules are in force from now on. */
  readonly robotsState: RobotsState | undefined
}

export interface JudgeOwner {
  /** A redirected seed has widened the scope. */
  widened(url: string): void
  /** Pages of one shape lead nowhere; said for people. */
  trapped(rule: string): void
}

const MAX_ROBOTS_HOPS = 5

export class Judge {
  readonly #context: Context
  readonly #admission: Admission
  readonly #owner: JudgeOwner

  constructor(context: Context, admission: Admission, owner: JudgeOwner) {
    this.#context = context
    this.#admission = admission
    this.#owner = owner
  }

  /** A claim that was never started: robots (`failed` where a network fault kept it away), a verdict, a limit. */
  skipped(claim: Claim, code: ErrorCode, message: string | undefined, final?: string): Ended {
    const outcome = codeRow(code).outcome ?? 'skipped'
    return this.#final(claim, { outcome, code, message, final }, undefined, undefined)
  }

  /** A hook of the program threw: the request ends, whatever else it would have come to. */
  threw(claim: Claim, response: Response | undefined, message: string): Ended {
    return this.#final(claim, { outcome: 'failed', code: 'HANDLER_THREW', message, response }, response, undefined)
  }

  /** The site asks for a login even after one: what it answers is no page. */
  loginDenied({ claim }: Attempt): Judgement {
    const message = 'the page asks for a login right after one'
    const ended = this.#final(claim, { outcome: 'denied', code: 'LOGIN_REFUSED', message }, undefined, undefined)
    return { ...ended, retryAfterMs: undefined, robotsState: undefined }
  }

  judge(attempt: Attempt, host: Host, response: Response | undefined, failure: FetchFailure | undefined): Judgement {
    const { claim } = attempt
    // A head counts, whatever became of its body.
    const answer = response ?? failure?.response
    const status = answer?.status ?? 0
    const retryAfterMs =
      answer !== undefined && (status === 429 || status === 503)
        ? parseRetryAfter(answer.header('retry-after') ?? '', this.#context.clock.wall())
        : undefined
    if (claim.gate === true) return { ...this.#gate(claim, host, response, failure, retryAfterMs), retryAfterMs }
    if (response !== undefined && isRedirect(status)) {
      const locations = headerValues(response.rawHeaders, 'location')
      if (locations.length > 0)
        return { ...this.#redirect(attempt, response, locations), retryAfterMs, robotsState: undefined }
    }
    return { ...this.#settle(attempt, host, response, failure, retryAfterMs), retryAfterMs, robotsState: undefined }
  }

  #settle(
    attempt: Attempt,
    host: Host,
    response: Response | undefined,
    failure: FetchFailure | undefined,
    retryAfterMs: number | undefined,
  ): Ended {
    const { claim } = attempt
    const { policy, retryUnsafe } = this.#context.settings
    const conditional = claim.meta?.etag !== undefined || claim.meta?.lastModified !== undefined
    const code = failure?.code ?? (response?.status === 304 && !conditional ? 'UNEXPECTED_STATUS' : undefined)
    const answer = response ?? failure?.response
    const decision = policy.next(
      {
        url: claim.url,
        attempt: claim.attempt,
        status: response?.status ?? 0,
        code,
        retryAfterMs,
        gate: false,
        cut: failure?.cut === true,
        // A request that was never written did nothing.
        safe: retryUnsafe || !isUnsafeClaim(claim) || (response === undefined && failure?.sent !== true),
      },
      host,
      this.#context.clock.now(),
    )
    if (decision.do === 'retry') {
      const settlement = { id: claim.id, do: 'retry' as const, afterMs: decision.afterMs, code: decision.code }
      this.#announceRetry(claim, decision.code, decision.afterMs)
      return { claim, settlement, draft: undefined, response: answer, links: undefined }
    }
    const isLost = decision.outcome === 'gone' && claim.meta?.digest !== undefined
    const found = flagsOf(attempt, failure, answer)
    const flags = isLost ? [TOMBSTONE, ...found] : found
    const message = failure?.message ?? messageOf(decision.code, response)
    if (decision.outcome !== 'ok' || response === undefined) {
      const init: DraftInit = {
        outcome: decision.outcome,
        code: decision.code,
        message,
        response: answer,
        address: failure?.address,
        flags,
      }
      return this.#final(claim, init, answer, undefined)
    }
    return this.#page(attempt, response, flags)
  }

  /** An `ok` answer: read what the page says of itself, and take its links along. */
  #page(attempt: Attempt, response: Response, flags: readonly string[]): Ended {
    const { claim } = attempt
    const { settings } = this.#context
    const { meta } = claim
    const same = meta?.digest !== undefined && meta.digest === response.digest
    const outcome = same ? 'unchanged' : 'ok'
    if (meta?.handler === 'sitemap') return this.#sitemap(claim, response, outcome, flags)
    const type = parseContentType(headerValue(response.rawHeaders, 'content-type'))
    const html = isHtml(response.contentType)
    const facts = html && response.size > 0 ? this.#scan(claim, response, type.charset) : undefined
    if (facts !== undefined) this.#watch(claim, response)
    const robots = this.#directives(response, facts)
    const alike = same ? undefined : this.#alike(claim, response, type.essence)
    const draft: DraftInit = { outcome, response, facts, charset: type.charset, robots, flags, alike }
    if (settings.kind !== 'crawl' || facts === undefined) return this.#final(claim, draft, response, undefined)
    const nofollow = settings.nofollow && (robots.includes('nofollow') || robots.includes('none'))
    if (nofollow || settings.sitemaps === 'only') return this.#final(claim, draft, response, undefined)
    const page = { url: claim.url, base: facts.base, depth: claim.depth }
    const refreshes = this.#refreshes(response)
    const links = refreshes.length === 0 ? facts.links : [...refreshes, ...facts.links]
    return this.#final(claim, draft, response, this.#admission.links(links, page))
  }

  /** A page that says nothing new counts against its shape. */
  #watch(claim: Claim, response: Response): void {
    const { traps, wording } = this.#context
    const url = claim.rootUrl ?? claim.url
    if (traps === undefined || claim.depth === 0 || !traps.wants(url)) return
    const rule = traps.note(url, claim.depth, wording(this.#bodyOf(response), true, claim.url))
    if (rule !== undefined) this.#owner.trapped(rule)
  }

  /** The header that says what a meta element of the same name would. */
  #refreshes(response: Response): readonly PageLink[] {
    if (!this.#context.settings.kinds.has('refresh')) return NO_LINKS
    const value = headerValue(response.rawHeaders, 'refresh')
    if (value === undefined) return NO_LINKS
    const href = parseRefresh(value)
    return href === undefined ? NO_LINKS : [{ href, kind: 'refresh', nofollow: false }]
  }

  #alike(claim: Claim, { digest, body }: Response, type: string): Alike | undefined {
    if (digest === '') return undefined
    const isText = isHtml(type) || type.startsWith('text/')
    return this.#context.likeness?.note(claim.url, digest, isText ? body : NO_BYTES, isHtml(type))
  }

  #sitemap(claim: Claim, response: Response, outcome: 'ok' | 'unchanged', flags: readonly string[]): Ended {
    const map = this.#context.readSitemap(this.#bodyOf(response), claim.url)
    const links = [
      ...this.#admission.sitemaps(map.sitemaps, claim.url),
      ...this.#admission.sitemapUrls(
        map.urls.map((entry) => entry.loc),
        claim.url,
      ),
    ]
    return this.#final(claim, { outcome, response, flags }, response, links)
  }

  #scan(claim: Claim, response: Response, charset: string | undefined): PageFacts {
    const { scanner, settings } = this.#context
    return scanner(this.#bodyOf(response), {
      kinds: settings.kinds,
      agent: settings.agent,
      headOnly: settings.kind !== 'crawl' || claim.meta?.handler === 'sitemap',
      ...(charset === undefined ? {} : { charset }),
    })
  }

  #bodyOf(response: Response): Uint8Array {
    return response.file === undefined ? response.body : this.#context.readFile(response.file)
  }

  #directives(response: Response, facts: PageFacts | undefined): readonly string[] {
    const headers = headerValues(response.rawHeaders, 'x-robots-tag')
    if (headers.length === 0) return facts?.robots ?? []
    const all = new Set(facts?.robots)
    for (const value of headers)
      for (const word of parseRobotsDirectives(value, this.#context.settings.agent)) all.add(word)
    return [...all]
  }

  #redirect(attempt: Attempt, response: Response, locations: readonly string[]): Ended {
    const { claim } = attempt
    const { settings } = this.#context
    const chain = claim.chain ?? []
    const flags = flagsOf(attempt, undefined, response)
    const led = resolveRedirect(claim.url, locations, chain, settings.maxRedirects)
    if (!('to' in led)) {
      const init: DraftInit = {
        outcome: 'failed',
        code: led.code,
        message: led.reason,
        final: led.leadsTo,
        response,
        flags,
      }
      return this.#final(claim, init, response, undefined)
    }
    if (settings.kind === 'crawl' && claim.meta?.handler !== 'sitemap') {
      const refusal = settings.scope.check(led.to, claim.depth)
      if (refusal !== undefined && claim.input !== undefined && refusal.reason.startsWith('scope:')) {
        // The user named this URL: where it has moved to is what was meant.
        if (settings.scope.widen(led.to)) this.#owner.widened(led.to)
      } else if (refusal !== undefined) {
        const init: DraftInit = {
          outcome: 'skipped',
          code: refusal.code,
          message: refusal.reason,
          final: led.to,
          response,
          flags,
        }
        return this.#final(claim, init, response, undefined)
      }
    }
    return this.#follow(claim, led.to, chain, response)
  }

  #follow(claim: Claim, to: string, chain: readonly string[], response: Response | undefined): Ended {
    const { settings } = this.#context
    const isPlain = claim.gate !== true && isPlainAfter(claim, response?.status ?? 0)
    const hop = (claim.hop ?? 0) + 1
    const groups = settings.groupsOf(to)
    const request: HopRequest = {
      url: to,
      key: settings.keyOf(to),
      fp: this.#admission.hopFingerprint(claim.root ?? claim.fp, hop),
      hop,
      chain: [...chain, claim.url],
      ...(isPlain ? { plain: true } : {}),
      ...(groups === undefined ? {} : { groups }),
      ...(settings.kind === 'crawl' && claim.gate !== true ? { target: this.#admission.fingerprintOf(to) } : {}),
    }
    return {
      claim,
      settlement: { id: claim.id, do: 'follow', hop: request },
      draft: undefined,
      response,
      links: undefined,
    }
  }

  /** robots.txt: an answer becomes the origin's state, trouble is tried again, then everything of it is off limits. */
  #gate(
    claim: Claim,
    host: Host,
    response: Response | undefined,
    failure: FetchFailure | undefined,
    retryAfterMs: number | undefined,
  ): Ended & { robotsState: RobotsState | undefined } {
    const { clock, settings } = this.#context
    const origin = originOf(claim.rootUrl ?? claim.url)
    const wallIso = new Date(clock.wall()).toISOString()
    const done = (state: RobotsState): Ended & { robotsState: RobotsState } =>
      this.#gateDone(claim, host, state, retryAfterMs)
    // RFC 9309 2.5: what lies beyond the limit may be ignored, so a cut answer is an answer.
    const answer = response ?? (failure?.code === 'TOO_LARGE' ? failure.response : undefined)
    if (answer !== undefined && isRedirect(answer.status)) {
      const led = resolveRedirect(claim.url, headerValues(answer.rawHeaders, 'location'), claim.chain ?? [])
      if ('to' in led && (claim.chain ?? []).length < MAX_ROBOTS_HOPS) {
        return { ...this.#follow(claim, led.to, claim.chain ?? [], response), robotsState: undefined }
      }
      return done({
        origin,
        verdict: 'allow',
        status: answer.status,
        body: '',
        fetchedAt: wallIso,
        validForMs: 3_600_000,
      })
    }
    if (answer !== undefined) {
      const body = answer.file === undefined ? answer.body : this.#bodyOf(answer)
      const text = Buffer.from(body.buffer, body.byteOffset, Math.min(body.length, ROBOTS_BYTES)).toString('utf8')
      const state = robotsOfAnswer(origin, answer.status, text, wallIso)
      if (state !== undefined) return done(state)
    }
    const decision = settings.policy.next(
      {
        url: claim.url,
        attempt: claim.attempt,
        status: response?.status ?? 0,
        code: failure?.code,
        retryAfterMs,
        gate: true,
        cut: failure?.cut === true,
        safe: true,
      },
      host,
      clock.now(),
    )
    if (decision.do === 'retry') {
      const settlement = { id: claim.id, do: 'retry' as const, afterMs: decision.afterMs, code: decision.code }
      return { claim, settlement, draft: undefined, response, links: undefined, robotsState: undefined }
    }
    const status = response?.status ?? 0
    return done(robotsUnreachable(origin, status, wallIso, networkCause(failure)))
  }

  /** Rules that lapse before the key may ask for a page would be asked for again, for ever: they hold for that page. */
  #gateDone(
    claim: Claim,
    host: Host,
    state: RobotsState,
    retryAfterMs: number | undefined,
  ): Ended & { robotsState: RobotsState } {
    const { clock, settings } = this.#context
    const now = clock.now()
    const { intervalMs, readyAt } = settings.policy.pace(host, now)
    const waitMs = Math.max(intervalMs, readyAt - now, blockFor(retryAfterMs))
    const robots = { ...state, validForMs: Math.max(state.validForMs, waitMs * ROBOTS_TURN + ROBOTS_TURN_MS) }
    const settlement = { id: claim.id, do: 'gate' as const, robots }
    return { claim, settlement, draft: undefined, response: undefined, links: undefined, robotsState: robots }
  }

  #final(
    claim: Claim,
    init: DraftInit,
    response: Response | undefined,
    links: readonly NewRequest[] | undefined,
  ): Ended {
    const draft: Draft = draftOf(claim, init, this.#context.geoOf)
    return { claim, settlement: undefined, draft, response, links }
  }

  #announceRetry(claim: Claim, code: ErrorCode, afterMs: number): void {
    const { bus } = this.#context
    if (bus.wants('request.retried'))
      bus.emit('request.retried', { url: claim.url, code, attempt: claim.attempt, afterMs })
  }
}

const NO_FLAGS: readonly string[] = []
const NO_BYTES = new Uint8Array(0)
const NO_LINKS: readonly PageLink[] = []

function flagsOf(
  attempt: Attempt,
  failure: FetchFailure | undefined,
  response: Response | undefined,
): readonly string[] {
  const odd = response?.flags ?? NO_FLAGS
  if (!attempt.denied && failure?.code !== 'TRUNCATED') return odd
  return [...(attempt.denied ? ['robots-denied'] : []), ...(failure?.code === 'TRUNCATED' ? ['truncated'] : []), ...odd]
}

/** The fault that kept robots.txt away; undefined where the site answered. */
function networkCause(failure: FetchFailure | undefined): RobotsCause | undefined {
  return failure === undefined ? undefined : { code: failure.code, message: failure.message }
}

function messageOf(code: ErrorCode | undefined, response: Response | undefined): string | undefined {
  if (code !== 'HTTP_STATUS' || response === undefined) return undefined
  return `${response.status} ${response.statusText}`.trim()
}
