/**
 * robots.txt of the host of a stream: asked for once a day, before a connection. A page of its own, so that a stream is
 * as polite as everything else; what it means is decided where it is for crawls (`engine/robots-gate.ts`).
 */
import { robotsOfAnswer, RobotsGate, ROBOTS_BYTES } from '../../engine/robots-gate.ts'
import type { RobotsVerdict } from '../../engine/robots-gate.ts'
import type { FetchFailure, Fetcher } from '../../fetch/fetcher.ts'
import type { Frontier } from '../../frontier/frontier.ts'
import type { Clock } from '../../model/clock.ts'
import type { ErrorCode } from '../../model/errors.ts'
import type { Response } from '../../model/response.ts'
import { robotsPath } from '../../robots/match.ts'
import { originOf } from '../../url/key.ts'
import { AGENT } from '../prepare.ts'

/** RFC 9309 2.3.1.2: at least five. */
const MOST_REDIRECTS = 5

export type RobotsAnswer =
  | (RobotsVerdict & { readonly crawlDelayMs: number })
  /** It could not be had: nothing may be fetched for now. */
  | { readonly unreachable: { readonly code: ErrorCode; readonly message: string } }

export class RobotsCheck {
  readonly #fetcher: Fetcher
  readonly #frontier: Frontier
  readonly #clock: Clock
  readonly #signal: AbortSignal
  readonly #gate = new RobotsGate(AGENT)

  constructor(fetcher: Fetcher, frontier: Frontier, clock: Clock, signal: AbortSignal) {
    this.#fetcher = fetcher
    this.#frontier = frontier
    this.#clock = clock
    this.#signal = signal
  }

  /** @param url http(s), canonical; `key` is its politeness key, with which the rules are kept. */
  async check(url: string, key: string): Promise<RobotsAnswer> {
    const origin = originOf(url)
    const now = this.#clock.now()
    const stored = (await this.#frontier.key(key)).robots.get(origin)
    const known = this.#gate.get(origin, now) ?? (stored === undefined ? undefined : this.#gate.learn(stored, now))
    if (known !== undefined) return { ...this.#gate.check(known, robotsPath(url)), crawlDelayMs: known.crawlDelayMs }
    const answer = await this.#fetch(`${origin}/robots.txt`)
    if ('code' in answer) return { unreachable: answer }
    const body = Buffer.from(answer.body).toString()
    const state = robotsOfAnswer(origin, answer.status, body, new Date(this.#clock.wall()).toISOString())
    if (state === undefined) {
      return { unreachable: { code: 'HTTP_STATUS', message: `robots.txt was answered with ${answer.status}` } }
    }
    await this.#frontier.key(key, { robots: new Map([[origin, state]]) })
    const entry = this.#gate.learn(state, this.#clock.now())
    if (entry === undefined) return { unreachable: { code: 'ROBOTS_UNREACHABLE', message: 'robots.txt has expired' } }
    return { ...this.#gate.check(entry, robotsPath(url)), crawlDelayMs: entry.crawlDelayMs }
  }

  async #fetch(url: string): Promise<Response | FetchFailure> {
    let at = url
    for (let hop = 0; ; hop++) {
      const answer = await this.#ask(at)
      if ('code' in answer) return answer
      const to = answer.header('location')
      const isRedirect = answer.status >= 300 && answer.status < 400 && to !== undefined && URL.canParse(to, at)
      if (!isRedirect || hop === MOST_REDIRECTS) return answer
      at = new URL(to, at).href
    }
  }

  async #ask(url: string): Promise<Response | FetchFailure> {
    const { promise, resolve } = Promise.withResolvers<Response | FetchFailure>()
    const handle = this.#fetcher.start(
      { url, maxBytes: ROBOTS_BYTES },
      {
        onDone: resolve,
        // Of a file that is too long the beginning counts (RFC 9309 2.5).
        onFailed: (failure) =>
          resolve(failure.code === 'TOO_LARGE' && failure.response !== undefined ? failure.response : failure),
      },
    )
    const cancel = (): void => handle.cancel('the job was stopped')
    this.#signal.addEventListener('abort', cancel)
    const answer = await promise
    this.#signal.removeEventListener('abort', cancel)
    return answer
  }
}
