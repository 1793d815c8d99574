/**
 * The loop: claim what is ready, start it, tell the frontier when a response is over, commit what has ended. It decides
 * nothing about URLs (policy, scope, robots do) and stores nothing (frontier and sinks do). One loop a process; trouble
 * with one URL never throws through it, trouble with us halts it with the state intact.
 */
import type { FetchFailure } from '../fetch/fetcher.ts'
import type { Claim, ClaimResult, End, KeyState } from '../frontier/frontier.ts'
import { SluiceError } from '../model/errors.ts'
import type { ErrorCode } from '../model/errors.ts'
import type { NewEvent } from '../model/event.ts'
import type { TimerHandle } from '../model/clock.ts'
import type { Response } from '../model/response.ts'
import { createTrapGuard } from '../policy/traps.ts'
import { blockFor } from '../policy/polite.ts'
import { originOf } from '../url/key.ts'
import { Admission } from './admit.ts'
import { askOf, isUnsafeClaim } from './ask.ts'
import { Attempt } from './attempt.ts'
import type { AttemptOwner } from './attempt.ts'
import { Breaker, type Rest } from './breaker.ts'
import { Charges } from './charges.ts'
import { Commit } from './commit.ts'
import type { Ended } from './commit.ts'
import type { Context, EngineParts } from './context.ts'
import { ExtractStage } from './extract-stage.ts'
import { EXTRACTION_POSITION, ExtractionReport } from './extraction-report.ts'
import { Feed } from './feed.ts'
import { Handlers } from './handlers.ts'
import { Hosts } from './hosts.ts'
import type { Host } from './hosts.ts'
import { IpGate } from './ip-gate.ts'
import { Judge } from './judge.ts'
import { Metrics } from './metrics.ts'
import { isOthersFault, robotsCause, RobotsGate, ROBOTS_BYTES } from './robots-gate.ts'
import type { OriginRobots } from './robots-gate.ts'
import { RunLimits } from './run-limits.ts'
import { SessionStage } from './session-stage.ts'
import { GROUP, SLICE, SLICE_MS } from './settings.ts'
import { Shortage } from './shortage.ts'

export type EngineEnd = 'finished' | 'limit' | 'contact' | 'stopped' | 'disk' | 'login'

/** A claim lives at most this long without word from us; in one process nobody else would take it. */
const LEASE_MS = 600_000
/** What the job remembers of endless sites. */
const TRAPS_POSITION = 'traps'

export class Engine implements AttemptOwner {
  readonly context: Context
  readonly admission: Admission
  readonly commit: Commit
  readonly feed: Feed
  readonly #judge: Judge
  readonly #handlers: Handlers
  readonly #extraction: ExtractStage
  readonly #session: SessionStage
  readonly #ips = new IpGate()
  readonly #breaker = new Breaker()
  readonly #charges: Charges
  readonly #shortage = new Shortage((message) => this.warn('MACHINE_EXHAUSTED', message))
  readonly #live = new Set<Attempt>()
  readonly #limits: RunLimits
  /** Nobody asks for a body once it has been judged. */
  readonly #lendBody: boolean
  #ends: End[] = []
  #endedAt: number[] = []
  #scheduled = false
  #turning = false
  #again = false
  #timer: TimerHandle | undefined
  #drainTimer: TimerHandle | undefined
  #reason: EngineEnd | undefined
  #finish: ((end: EngineEnd) => void) | undefined
  #fail: ((error: unknown) => void) | undefined
  #over = false
  #lookups = 0
  /** Why it stopped for a limit, for people. */
  limitReason = ''
  /** What ended a run with `login`. */
  loginRefused: SluiceError | undefined
  /** Where redirected seeds led: part of the scope, also after a restart (position `scope`). */
  readonly widened: string[]

  constructor(parts: EngineParts, widened: readonly string[]) {
    const { settings, clock } = parts
    const isGuarded = settings.kind === 'crawl' && settings.trapBudget > 0
    const traps = isGuarded ? createTrapGuard(settings.trapBudget, parts.positions.get(TRAPS_POSITION)) : undefined
    this.context = {
      ...parts,
      hosts: new Hosts((key) => settings.hostSettings(key)),
      robots: new RobotsGate(settings.agent),
      metrics: new Metrics(),
      report: new ExtractionReport(parts.positions.get(EXTRACTION_POSITION)),
      traps,
    }
    this.widened = [...widened]
    for (const url of widened) settings.scope.widen(url)
    this.admission = new Admission(settings, parts.fingerprint, traps)
    this.#judge = new Judge(this.context, this.admission, {
      widened: (url) => this.#widen(url),
      trapped: (rule) => this.#trapped(rule),
    })
    this.commit = new Commit(
      this.context,
      () => this.#flushEnds(),
      () => this.wake(),
      (error) => this.halt(error),
    )
    this.#handlers = new Handlers(parts.handlers, {
      ready: (ended) => this.#onward(ended),
      threw: ({ claim, response }, message) => this.#judge.threw(claim, response, message),
      failed: (error) => this.halt(error),
    })
    this.#session = new SessionStage(parts.session, {
      giveBack: (claim, loggedIn) => this.#giveBack(claim, loggedIn),
      refused: (error) => {
        this.loginRefused = error
        this.stop('login', 0)
      },
      failed: (error) => this.halt(error),
    })
    // Lazy sources are pulled only as far as fetching follows: what one round of requests needs, no more.
    const isFull = async (): Promise<boolean> => (await parts.frontier.stats()).queued >= settings.concurrency
    this.feed = new Feed(this.context, this.admission, () => this.wake(), isFull)
    const startedAt = clock.now()
    const isJudgedLast =
      parts.consumer === undefined && !this.#handlers.any && !parts.sinks.some((sink) => sink.wantsBodies)
    this.#lendBody = isJudgedLast && parts.pool === undefined
    this.#extraction = new ExtractStage(parts.pool, this.admission, isJudgedLast, (ended) => this.#push(ended))
    this.#charges = new Charges(settings, parts.settledBefore, startedAt)
    this.#limits = new RunLimits(settings, clock, startedAt, (end, reason) => {
      if (this.#over) return
      this.limitReason = reason
      this.stop(end, settings.drainMs)
    })
  }

  /** Keys that do not answer at all. */
  resting(): ReturnType<Breaker['down']> {
    return this.#breaker.down()
  }

  get inFlight(): number {
    return this.#live.size
  }

  /** Runs until nothing is left, or a limit or a stop ends it. Rejects where we failed. */
  run(): Promise<EngineEnd> {
    return new Promise((resolve, reject) => {
      this.#finish = resolve
      this.#fail = reject
      this.feed.run().catch((error: unknown) => this.halt(error))
      this.#limits.look()
      this.wake()
    })
  }

  /** Nothing new starts; what is in flight gets `drainMs`, then goes back into the queue. */
  stop(reason: EngineEnd, drainMs: number): void {
    if (this.#over) return
    this.#reason ??= reason
    this.feed.stop()
    if (drainMs <= 0 || this.#live.size + this.#staged + this.#session.waiting === 0) this.#cancelAll()
    else this.#drainTimer ??= this.context.clock.setTimer(() => this.#cancelAll(), drainMs)
    this.wake()
  }

  /** Trouble with us: nothing more is started or stored, and the run rejects with it. */
  halt(error: unknown): void {
    if (this.#over) return
    this.#over = true
    this.#end()
    this.#cancelAll()
    this.#fail?.(error)
  }

  /** The rates have been changed in the settings. */
  retune(): void {
    this.#charges.retune()
    this.context.hosts.refresh()
    this.wake()
  }

  /** Looks at the queue in the next turn of the event loop, once for however many reasons. */
  wake(): void {
    if (this.#scheduled || this.#over) return
    this.#scheduled = true
    setImmediate(() => {
      this.#scheduled = false
      this.#turn().catch((error: unknown) => this.halt(error))
    })
  }

  ended(attempt: Attempt, response: Response | undefined, failure: FetchFailure | undefined, endedAt: number): void {
    this.#live.delete(attempt)
    if (this.#over) return
    try {
      this.#ended(attempt, response, failure, endedAt)
    } catch (error) {
      this.halt(error)
    }
  }

  #ended(attempt: Attempt, response: Response | undefined, failure: FetchFailure | undefined, endedAt: number): void {
    const { claim } = attempt
    const { hosts, settings, bus } = this.context
    const host = hosts.of(claim.key, claim.intervalMs)
    if (failure?.disk === true) {
      this.halt(new SluiceError('SINK_FULL', failure.message, { cause: failure.cause }))
      return
    }
    const isCut = attempt.isStopped && failure?.code === 'CANCELLED'
    // What may have done something already does not go back.
    const isGone = failure?.sent === true && isUnsafeClaim(claim) && !settings.retryUnsafe
    const back = (isCut && !isGone) || failure?.again === true
    if (back || (failure?.local === true && !isGone)) {
      // Our doing (a part that fits no more), or this machine's: the URL goes back and nothing is counted against it.
      this.#removeSpooled(failure.response)
      this.#breaker.left(claim)
      this.#release(attempt, failure?.local === true ? 0 : host.intervalMs, endedAt, failure?.local !== true)
      this.#comesAgain(attempt, back ? undefined : this.#shortage.note(endedAt, failure.message))
      return
    }
    this.#shortage.over()
    const answer = response ?? failure?.response
    const answerMs = answer?.timing.totalMs ?? 0
    // Nobody was asked: nothing is charged to the host, the rate or the bandwidth.
    const isCached = settings.cache && answer?.flags?.includes('cached') === true
    if (isCached) {
      this.context.metrics.cached++
      this.#charges.takeBack(claim)
      this.#breaker.left(claim)
    } else this.#charge(claim, host, response, failure, endedAt)
    const turned = this.#session.turnsBack(claim, attempt.generation, response)
    if (turned === 'again') {
      // A login page, or a 401 of a session that has died: nothing of it is stored.
      this.#removeSpooled(answer)
      this.#release(attempt, this.#paceAfter(host, answerMs), endedAt, true)
      this.#comesAgain(attempt, undefined)
      return
    }
    const told: FetchFailure | undefined =
      isCut && isGone
        ? { ...failure, code: 'DELIVERY_UNKNOWN', message: 'in flight when the job was stopped' }
        : failure
    const judgement =
      turned === 'denied' ? this.#judge.loginDenied(attempt) : this.#judge.judge(attempt, host, response, told)
    if (judgement.robotsState !== undefined)
      this.#robotsLearned(claim, judgement.robotsState.origin, judgement.robotsState)
    if (answer !== judgement.response) this.#removeSpooled(answer)
    this.#release(attempt, isCached ? 0 : this.#paceAfter(host, answerMs), endedAt, !isCached)
    const blockMs = blockFor(judgement.retryAfterMs)
    if (blockMs > 0) this.#patchKey(claim.key, { blockedForMs: blockMs })
    if (response !== undefined && bus.wants('response.received')) {
      bus.emit('response.received', { url: claim.url, status: response.status, key: claim.key })
    }
    const links = judgement.links
    const gated = judgement.robotsState === undefined ? links : this.#sitemapsOf(claim, judgement.robotsState.origin)
    const ended = gated === links ? judgement : { ...judgement, links: gated }
    if (attempt.handler === undefined) this.#onward(ended)
    else this.#handlers.finish(attempt.handler, ended, attempt)
    this.wake()
  }

  #charge(
    claim: Claim,
    host: Host,
    response: Response | undefined,
    failure: FetchFailure | undefined,
    endedAt: number,
  ): void {
    const { hosts, metrics, settings } = this.context
    const answer = response ?? failure?.response
    const isConfirmed = settings.cache && answer?.flags?.includes('revalidated') === true
    const came = isConfirmed ? 0 : (answer?.size ?? 0) - (answer?.resumedAt ?? 0)
    if (response === undefined) metrics.failed(endedAt)
    else metrics.answered(response.timing, claim.waitedMs, came, endedAt)
    if (isConfirmed) metrics.revalidated++
    this.#charges.came(came)
    hosts.observe(host, answer?.status ?? 0, failure?.code, answer?.timing.totalMs ?? 0, endedAt)
    if (!settings.restsHosts) return
    this.#rests(claim.key, this.#breaker.ended(claim, answer?.status ?? 0, failure?.code, endedAt), failure?.code)
    host.isGivenUp = this.#breaker.isGivenUp(claim.key)
  }

  /** What the policy wants between this answer and the next start, ms. */
  #paceAfter(host: Host, answerMs: number): number {
    const { hosts, settings, clock } = this.context
    const now = clock.now()
    const pace = settings.policy.pace(host, now)
    const paceMs = Math.max(pace.intervalMs, pace.readyAt - now)
    hosts.paced(host, paceMs, answerMs)
    return paceMs
  }

  /** The attempt is over and is not counted. */
  #comesAgain(attempt: Attempt, afterMs: number | undefined): void {
    const { claim } = attempt
    const release = { id: claim.id, do: 'release' as const, ...(afterMs === undefined ? {} : { afterMs }) }
    const ended = { claim, settlement: release, draft: undefined, response: undefined, links: undefined }
    if (attempt.handler === undefined) this.#push(ended)
    else this.#handlers.finish(attempt.handler, ended, attempt)
    this.wake()
  }

  /** Of an answer that goes no further; what is committed loses its file there. */
  #removeSpooled(response: Response | undefined): void {
    if (response?.file !== undefined) this.context.removeFile(response.file)
  }

  /** Judged and told to the hooks: to an extractor if one wants it, then to the commit. */
  #onward(ended: Ended): void {
    if (!this.#over && !this.#extraction.take(ended)) this.#push(ended)
  }

  #push(ended: Ended): void {
    if (this.#over) return
    this.commit.push(ended, this.#live.size + this.#staged)
    this.wake()
  }

  /** Ended, and in the hands of hooks or extractors. */
  get #staged(): number {
    return this.#handlers.busy + this.#extraction.busy
  }

  /** Claimed and not yet started: something has to be known first, or somebody has to log in. */
  get #held(): number {
    return this.#lookups + this.#session.waiting
  }

  /** The slot is free and the key's clock runs from the last byte, whatever the commit still takes. */
  #release(attempt: Attempt, paceMs: number, endedAt: number, started: boolean): void {
    if (attempt.ip !== undefined) this.#ips.leave(attempt.ip, started ? paceMs : 0, endedAt)
    this.#ends.push({ id: attempt.claim.id, paceMs, endedAgoMs: 0, started })
    this.#endedAt.push(endedAt)
  }

  #flushEnds(): Promise<void> | undefined {
    const ends = this.#ends
    if (ends.length === 0) return undefined
    const now = this.context.clock.now()
    const times = this.#endedAt
    this.#ends = []
    this.#endedAt = []
    return this.context.frontier.end(
      ends.map((end, i) => ({ ...end, endedAgoMs: Math.max(0, now - (times[i] as number)) })),
    )
  }

  async #turn(): Promise<void> {
    if (this.#turning) {
      this.#again = true
      return
    }
    this.#turning = true
    try {
      do {
        this.#again = false
        await this.#flushEnds()
        if (this.#over) return
        if (this.#reason === undefined) await this.#claim()
        if (this.#over) return
        await this.#maybeFinish()
      } while (this.#again && !this.#over)
    } finally {
      this.#turning = false
    }
  }

  async #claim(): Promise<void> {
    const { frontier, clock } = this.context
    const room = this.#room()
    if (room.max <= 0 && room.verdicts <= 0) return
    const result = await frontier.claim({ max: room.max, verdicts: room.verdicts, leaseMs: LEASE_MS, worker: 'engine' })
    if (this.#over) return
    const began = clock.now()
    for (const claim of result.claims) {
      if (claim.verdict !== undefined) this.#settleVerdict(claim)
      else this.#dispatch(claim)
    }
    this.feed.wake()
    this.#arm(result, room.max, clock.now() - began)
  }

  /** How much may be claimed now. */
  #room(): { max: number; verdicts: number } {
    const { settings, clock } = this.context
    const unsettled = this.#live.size + this.#held + this.#staged + this.commit.waiting
    const bound = 2 * Math.max(GROUP, settings.concurrency)
    if (unsettled >= bound) return { max: 0, verdicts: 0 }
    const underWay = this.#live.size + this.#held
    const extractable = this.#extraction.room(underWay)
    let max = Math.min(SLICE, settings.concurrency - underWay, bound - unsettled, extractable)
    const now = clock.now()
    const rate = this.#charges.available(now)
    if (rate < max) max = Math.floor(rate)
    if (this.#shortage.waitMs(now) > 0) max = 0
    if (settings.limit !== undefined) {
      const coming = this.#live.size + this.#held + this.#staged
      max = Math.min(max, settings.limit - this.commit.settledSoon - coming)
    }
    return { max: Math.max(0, max), verdicts: bound - unsettled }
  }

  /** When to look again, beyond the wake-ups that ends, adds and commits bring. */
  #arm(result: ClaimResult, asked: number, tookMs: number): void {
    const got = result.claims.reduce((sum, claim) => (claim.verdict === undefined ? sum + 1 : sum), 0)
    if ((asked > 0 && got >= asked) || result.claims.length > got || tookMs > SLICE_MS) {
      this.wake()
      return
    }
    this.#timer?.cancel()
    this.#timer = undefined
    const waits: number[] = []
    if (result.nextReadyInMs !== null) waits.push(result.nextReadyInMs)
    const short = this.#shortage.waitMs(this.context.clock.now())
    const throttled = Math.max(this.#charges.waitMs(), short)
    if (throttled > 0) waits.push(throttled)
    if (waits.length === 0) return
    const wait = Math.max(Math.min(...waits), asked <= 0 ? throttled : 0)
    if (asked <= 0 && throttled === 0) return
    this.#timer = this.context.clock.setTimer(() => {
      this.#timer = undefined
      this.wake()
    }, wait)
  }

  #settleVerdict(claim: Claim): void {
    const { code, reason, final } = claim.verdict as NonNullable<Claim['verdict']>
    this.commit.push(this.#judge.skipped(claim, code, reason, final), this.#live.size)
  }

  #dispatch(claim: Claim): void {
    const { settings, robots, clock, hosts } = this.context
    if (hosts.of(claim.key, claim.intervalMs).isBlocked && claim.gate !== true) {
      this.#unstarted(claim)
      this.commit.push(
        this.#judge.skipped(claim, 'HOST_BLOCKED', `${claim.key} is blocked for this job`),
        this.#live.size,
      )
      return
    }
    const restMs = settings.restsHosts ? this.#breaker.waitMs(claim, clock.now()) : 0
    if (restMs > 0) {
      this.#postpone(claim, restMs)
      return
    }
    if (settings.recheckScope && claim.gate !== true && claim.root === undefined && claim.meta?.handler === undefined) {
      const refusal = settings.scope.check(claim.url, claim.depth)
      if (refusal !== undefined) {
        this.#unstarted(claim)
        this.commit.push(this.#judge.skipped(claim, refusal.code, refusal.reason), this.#live.size)
        return
      }
    }
    // Links that had been queued before it was known where they lead.
    const trap = claim.depth > 0 && claim.root === undefined ? this.admission.trap(claim.url, claim.meta) : undefined
    if (trap !== undefined) {
      this.#unstarted(claim)
      this.commit.push(this.#judge.skipped(claim, trap.code, trap.reason), this.#live.size)
      return
    }
    if (claim.gate === true || settings.robots === 'ignore') {
      this.#start(claim, false)
      return
    }
    const known = robots.get(originOf(claim.url), clock.now())
    if (known === undefined || isOthersFault(known, claim.meta?.proxy)) this.#askRobots(claim)
    else this.#obey(claim, known)
  }

  #obey(claim: Claim, known: OriginRobots): void {
    const { settings, robots, hosts } = this.context
    const host = hosts.of(claim.key, claim.intervalMs)
    if (known.crawlDelayMs > host.crawlDelayMs) hosts.crawlDelay(host, known.crawlDelayMs)
    const origin = originOf(claim.url)
    const verdict = robots.check(known, claim.url.slice(origin.length))
    if (verdict.allowed) this.#start(claim, false)
    else if (settings.robots === 'record') this.#start(claim, true)
    else {
      this.#unstarted(claim)
      this.commit.push(this.#judge.skipped(claim, verdict.code, verdict.reason), this.#live.size)
    }
  }

  /** The durable state of the origin first; if there is none, robots.txt goes to the head of the key's queue. */
  #askRobots(claim: Claim): void {
    const { frontier, robots, clock } = this.context
    const origin = originOf(claim.url)
    this.#lookups++
    frontier
      .key(claim.key)
      .then(async (state: KeyState) => {
        this.#lookups--
        if (this.#over) return
        const now = clock.now()
        const stored = state.robots.get(origin)
        // A fault of the network is believed in the process that met it: whoever starts again wants to know anew.
        const kept = stored === undefined || robotsCause(stored) !== undefined ? undefined : robots.learn(stored, now)
        const known = robots.get(origin, now) ?? kept
        if (known !== undefined && !isOthersFault(known, claim.meta?.proxy)) {
          this.#obey(claim, known)
          return
        }
        this.#giveBack(claim, false)
        await frontier.add([this.admission.gate(`${origin}/robots.txt`, claim.meta?.proxy)])
        this.wake()
      })
      .catch((error: unknown) => this.halt(error))
  }

  #robotsLearned(claim: Claim, origin: string, state: Parameters<RobotsGate['learn']>[0]): void {
    const { robots, clock, hosts, bus } = this.context
    const known = robots.learn(state, clock.now(), claim.meta?.proxy)
    if (known !== undefined && known.crawlDelayMs > 0) {
      hosts.crawlDelay(hosts.of(claim.key, claim.intervalMs), known.crawlDelayMs)
    }
    if (bus.wants('robots.received'))
      bus.emit('robots.received', { origin, status: state.status, verdict: state.verdict })
  }

  #sitemapsOf(claim: Claim, origin: string): ReturnType<Admission['sitemaps']> | undefined {
    const { settings, robots, clock } = this.context
    if (settings.kind !== 'crawl' || settings.sitemaps === 'off') return undefined
    if (settings.scope.check(`${origin}/`, 0)?.reason.startsWith('scope: host') === true) return undefined
    const named = robots.get(origin, clock.now())?.sitemaps ?? []
    return this.admission.sitemaps(named.length > 0 ? named : [`${origin}/sitemap.xml`], claim.rootUrl ?? claim.url)
  }

  #start(claim: Claim, denied: boolean): void {
    const { settings, addressOf, hosts } = this.context
    if (this.#session.holds(claim, hosts.of(claim.key, claim.intervalMs).intervalMs)) return
    if (!settings.ipGate || addressOf === undefined) {
      this.#fetch(claim, denied, undefined)
      return
    }
    this.#lookups++
    addressOf(claim.url)
      .catch(() => undefined)
      .then((ip) => {
        this.#lookups--
        if (this.#over) return
        const { perHost } = this.context.hosts.of(claim.key, claim.intervalMs)
        const waitMs = ip === undefined ? 0 : this.#ips.enter(ip, perHost, this.context.clock.now())
        if (waitMs === 0) {
          this.#fetch(claim, denied, ip)
          return
        }
        this.#postpone(claim, waitMs)
      })
      .catch((error: unknown) => this.halt(error))
  }

  #fetch(claim: Claim, denied: boolean, ip: string | undefined): void {
    const { fetcher, hosts, bus, settings } = this.context
    if (this.#reason !== undefined) {
      this.#giveBack(claim, false)
      return
    }
    const attempt = new Attempt(claim, this, denied, ip, this.#handlers.of(claim), this.#session.generation)
    this.#live.add(attempt)
    // Without a contact a job of unknown size stops (resumably) after so many URLs of other people's sites.
    if (!this.#charges.start(claim)) this.stop('contact', settings.drainMs)
    if (bus.wants('request.claimed'))
      bus.emit('request.claimed', { url: claim.url, key: claim.key, attempt: claim.attempt })
    const { perHost } = hosts.of(claim.key, claim.intervalMs)
    attempt.handle = fetcher.start(
      {
        url: claim.url,
        maxConnections: perHost,
        lendBody: this.#lendBody,
        ...askOf(claim, this.#session.headers(claim), settings.inputHeaders),
        ...(claim.meta?.proxy === undefined ? {} : { proxy: claim.meta.proxy }),
        ...(claim.gate === true ? { maxBytes: ROBOTS_BYTES } : { part: claim.root ?? claim.fp, cache: settings.cache }),
      },
      attempt,
    )
  }

  /** A claim that was not fetched goes back; with `asked` its host has been asked something else in its place. */
  #giveBack(claim: Claim, asked: boolean): void {
    if (this.#over) return
    const { hosts } = this.context
    this.#unstarted(claim, asked ? hosts.of(claim.key, claim.intervalMs).intervalMs : undefined)
    const release = { id: claim.id, do: 'release' as const }
    this.commit.push(
      { claim, settlement: release, draft: undefined, response: undefined, links: undefined },
      this.#live.size,
    )
  }

  /** Goes back, and its key waits. */
  #postpone(claim: Claim, waitMs: number): void {
    this.#unstarted(claim)
    const release = { id: claim.id, do: 'release' as const, afterMs: waitMs, group: claim.key }
    const ended = { claim, settlement: release, draft: undefined, response: undefined, links: undefined }
    this.commit.push(ended, this.#live.size)
    this.wake()
  }

  #unstarted(claim: Claim, paceMs?: number): void {
    this.#breaker.left(claim)
    this.#ends.push({ id: claim.id, paceMs: paceMs ?? 0, endedAgoMs: 0, started: paceMs !== undefined })
    this.#endedAt.push(this.context.clock.now())
    this.wake()
  }

  /** What changed with a host that does not answer: to the frontier, so that it holds after a restart, and told. */
  #rests(key: string, rest: Rest | undefined, code: ErrorCode | undefined): void {
    if (rest === undefined) return
    const { failures, restMs } = rest
    this.#patchKey(key, { errors: failures, blockedForMs: restMs })
    const value = restMs === 0 ? 0 : `${restMs} ms after ${failures} failures in a row (${code})`
    this.event('key.changed', { key, what: 'rest', value })
  }

  #patchKey(key: string, patch: Parameters<Context['frontier']['key']>[1]): void {
    this.context.frontier.key(key, patch).catch((error: unknown) => this.halt(error))
  }

  #widen(url: string): void {
    this.widened.push(url)
    this.commit.position('scope', Buffer.from(JSON.stringify(this.widened)))
  }

  #trapped(rule: string): void {
    const { traps } = this.context
    if (traps !== undefined) this.commit.position(TRAPS_POSITION, traps.encode())
    this.warn('TRAP_LIMIT', rule)
  }

  #cancelAll(): void {
    for (const attempt of this.#live) {
      attempt.isStopped = true
      attempt.handle?.cancel('the job stops')
    }
    this.#session.cancel()
    this.#handlers.abandon()
    this.#extraction.abandon()
  }

  async #maybeFinish(): Promise<void> {
    if (this.#live.size > 0 || this.#held > 0 || this.#staged > 0) return
    if (this.commit.waiting > 0) {
      // Nothing is in flight that could fill the group: no reason to wait for its timer.
      if (this.#reason !== undefined || !this.feed.reading) await this.commit.flush()
      if (this.commit.waiting > 0) return
    }
    if (this.#reason !== undefined) {
      await this.#flushEnds()
      await this.commit.flush()
      this.#done(this.#reason)
      return
    }
    const { settings, frontier } = this.context
    if (settings.limit !== undefined && this.commit.settledSoon >= settings.limit) {
      const stats = await frontier.stats()
      const left = stats.queued + stats.delayed + stats.following + stats.inFlight
      if (left > 0 || this.feed.reading) {
        this.limitReason = `--limit ${settings.limit}`
        this.stop('limit', settings.drainMs)
        return
      }
    }
    if (this.feed.reading) return
    const stats = await frontier.stats()
    const left = stats.queued + stats.delayed + stats.following + stats.inFlight + stats.gates
    if (left === 0 && this.commit.waiting === 0 && this.#live.size + this.#held + this.#staged === 0)
      this.#done('finished')
  }

  #done(end: EngineEnd): void {
    if (this.#over) return
    this.#over = true
    this.#end()
    this.#finish?.(end)
  }

  #end(): void {
    this.#timer?.cancel()
    this.#limits.stop()
    this.#drainTimer?.cancel()
    this.feed.stop()
  }

  event(type: NewEvent['type'], data: NewEvent['data']): void {
    this.commit.event(type, data)
  }

  warn(code: ErrorCode, message: string): void {
    this.event('warning.raised', { code, message })
  }
}
