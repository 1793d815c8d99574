/**
 * The requests of a login: one at a time, paced like any others of the host, with the session's cookies. They do not go
 * through the queue, and nothing of them is recorded: their URLs and bodies are credentials.
 */
import type { FetchFailure, FetchHandle, Fetcher } from '../fetch/fetcher.ts'
import { headerValue, headerValues } from '../http/headers.ts'
import type { Clock, TimerHandle } from '../model/clock.ts'
import type { Response } from '../model/response.ts'
import type { Jar } from './jar.ts'
import { LoginTrouble, placeOf } from './recipe.ts'
import type { LoginAnswer, LoginRequest } from './recipe.ts'

/** Answers of logins are small. */
const MAX_BYTES = 2 * 1024 * 1024
/** Where nothing has been sent yet, the request may be repeated. */
const UNSENT = /^(?:DNS_|CONNECT_FAILED|TIMEOUT_DNS|TIMEOUT_CONNECT|TIMEOUT_TLS|TLS_FAILED)/

export interface LoginClientOptions {
  readonly clock: Clock
  readonly fetcher: Fetcher
  readonly jar: Jar
  readonly authorization: (url: string, method: string) => string | undefined
}

export class LoginClient {
  readonly #options: LoginClientOptions
  /** `now` at which the last answer of a key came. */
  readonly #answeredAt = new Map<string, number>()
  #handle: FetchHandle | undefined
  #waiting: { readonly timer: TimerHandle; readonly reject: (error: Error) => void } | undefined
  #isCancelled = false
  paceMs = 0

  constructor(options: LoginClientOptions) {
    this.#options = options
  }

  /** A new login: the host of the waiting request is due, the others are as they are. */
  begin(paceMs: number): void {
    this.paceMs = paceMs
    this.#answeredAt.clear()
    this.#isCancelled = false
  }

  async request(request: LoginRequest): Promise<LoginAnswer> {
    const { clock, jar, authorization } = this.#options
    const { url, form } = request
    const method = request.method ?? (form === undefined ? 'GET' : 'POST')
    const key = new URL(url).host
    const last = this.#answeredAt.get(key)
    if (last !== undefined) await this.wait(last + this.paceMs - clock.now())
    if (this.#isCancelled) throw new LoginTrouble('cancelled', false)
    const cookie = jar.header(url)
    const value = authorization(url, method)
    const headers = {
      ...(cookie === undefined ? {} : { Cookie: cookie }),
      ...(value === undefined ? {} : { Authorization: value }),
      ...(form === undefined ? {} : { 'Content-Type': 'application/x-www-form-urlencoded' }),
      ...request.headers,
    }
    const body =
      form === undefined
        ? undefined
        : Buffer.from(new URLSearchParams(form.map(([name, value]): [string, string] => [name, value])).toString())
    const response = await this.#fetch({
      url,
      method,
      headers,
      ...(body === undefined ? {} : { body }),
      maxBytes: MAX_BYTES,
    })
    this.#answeredAt.set(key, clock.now())
    const set = jar.take(url, headerValues(response.rawHeaders, 'set-cookie'))
    const { status } = response
    if (status === 429 || status >= 500) {
      const seconds = Number(response.header('retry-after') ?? 0)
      throw new LoginTrouble(`${placeOf(url)} answers with ${status}`, true, seconds > 0 ? seconds * 1_000 : 0)
    }
    return answerOf(url, response, set)
  }

  /** At least so long, by the clock. Rejects where the login is cancelled. */
  wait(ms: number): Promise<void> {
    if (ms <= 0) return Promise.resolve()
    return new Promise((resolve, reject) => {
      const timer = this.#options.clock.setTimer(() => {
        this.#waiting = undefined
        resolve()
      }, ms)
      this.#waiting = { timer, reject }
    })
  }

  cancel(): void {
    this.#isCancelled = true
    this.#handle?.cancel('the job stops')
    this.#waiting?.timer.cancel()
    this.#waiting?.reject(new LoginTrouble('cancelled', false))
    this.#waiting = undefined
  }

  get isCancelled(): boolean {
    return this.#isCancelled
  }

  #fetch(request: Parameters<Fetcher['start']>[0]): Promise<Response> {
    return new Promise((resolve, reject) => {
      this.#handle = this.#options.fetcher.start(request, {
        onDone: (response) => resolve(response),
        onFailed: ({ code, message, response }: FetchFailure) => {
          // A head that redirects and sets cookies is enough, whatever became of its body.
          if (response !== undefined && response.status >= 300 && response.status < 400) return resolve(response)
          reject(
            new LoginTrouble(
              `${placeOf(request.url)}: ${code}: ${message}`,
              request.method === 'GET' || UNSENT.test(code),
            ),
          )
        },
      })
    })
  }
}

/** As a recipe sees it. The body is read while it is there: of an answer that is judged, during the judgement alone. */
export function answerOf(url: string, response: Response, cookies: readonly string[]): LoginAnswer {
  const { status, rawHeaders } = response
  const target = status >= 300 && status < 400 ? headerValue(rawHeaders, 'location') : undefined
  return {
    url,
    status,
    header: (name) => headerValue(rawHeaders, name),
    location: target !== undefined && URL.canParse(target, url) ? new URL(target, url).href : undefined,
    cookies,
    text: () => Buffer.from(response.body.buffer, response.body.byteOffset, response.body.length).toString('utf8'),
  }
}
