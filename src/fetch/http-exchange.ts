/**
 * One request from its start to the one call that ends it: takes what the transport reports, watches the limits, builds
 * the `Response` or the failure. One object a request, no promise and no timer of its own. It knows neither sockets nor
 * how connections are kept.
 */
import { isHtml, parseContentType } from '../http/content-type.ts'
import { headerValue } from '../http/headers.ts'
import { sniffType } from '../http/sniff.ts'
import type { Clock } from '../model/clock.ts'
import { Answer, NO_BYTES } from './answer.ts'
import { BodyPace } from './body-pace.ts'
import { bodyFieldsOf } from './body-fields.ts'
import { Body, type BodyOwner } from './body.ts'
import { codingsOf, type Coding } from './codings.ts'
import type { Deadlines, Timed } from './deadlines.ts'
import type { LayerReport } from './decode-layer.ts'
import type { FetchFailure, FetchHandle, FetchObserver } from './fetcher.ts'
import { Marks } from './marks.ts'
import type { Order } from './order.ts'
import { readPartAnswer, validatorOf } from './part-answer.ts'
import type { PartFile } from './part-file.ts'
import { KNOWN_LARGE_BYTES, type Part, type PartFolder, UNKNOWN_LARGE_BYTES } from './part-folder.ts'
import type { Pool } from './pool.ts'
import type { Proxies } from './proxies.ts'
import { slowDial } from './slow-dial.ts'
import type { SpoolOwner } from './spool.ts'
import type { StoreLimits } from './store.ts'
import { mayReplay, type Connection, type Exchange } from './transport.ts'
import type { Origin, WireFailure } from './wire.ts'

export interface ExchangeContext {
  readonly clock: Clock
  readonly store: StoreLimits
  readonly pool: Pool
  readonly deadlines: Deadlines
  readonly parts: PartFolder | undefined
  readonly proxies: Proxies
}

/** A body that grew by more than this is a bomb, below it only large. Text compresses up to about 50-fold. */
const BOMB_RATIO = 100

const Phase = { waiting: 0, connecting: 1, sent: 2, body: 3, settling: 4, over: 5 } as const
type Phase = (typeof Phase)[keyof typeof Phase]

const NO_FLAGS: readonly string[] = []
const NOT_ENCODED: readonly string[] = ['not-encoded']

export class HttpExchange implements Exchange, FetchHandle, Timed, BodyOwner {
  slot = -1
  readonly method: string
  readonly target: string
  readonly headers: readonly string[]
  readonly body: Uint8Array | undefined
  readonly #context: ExchangeContext
  readonly #order: Order
  readonly #observer: FetchObserver
  readonly #cap: number
  #phase: Phase = Phase.waiting
  #connection: Connection | undefined
  #replays = 0
  #written = false

  readonly #marks = new Marks()
  #pace: BodyPace | undefined
  #paused = false

  #status = 0
  #statusText = ''
  #protocol: Connection['protocol'] = 'http/1.1'
  #rawHeaders: readonly string[] = []
  #contentType = ''
  #codings: readonly Coding[] = []
  #announced = 0
  #lenient = false
  /** The type is what the bytes look like. */
  #sniffed = false
  /** Length of the body that this attempt goes on with; 0: it began one. */
  #wholeBytes = 0
  /** What comes says nothing that the part does not hold. */
  #bodyUnread = false
  #content: Body | undefined
  /** The raw body broke off; what came is still decoded. */
  #cut: WireFailure | undefined

  constructor(context: ExchangeContext, order: Order, observer: FetchObserver) {
    this.#context = context
    this.#order = order
    this.#observer = observer
    this.method = order.method
    this.target = order.target
    this.headers = order.headers
    this.body = order.body
    this.#cap = order.maxBytes ?? order.limits.maxBytes
  }

  start(): void {
    const { deadlines, pool } = this.#context
    deadlines.add(this)
    pool.start(this.#order.origin, this, this.#order.connections)
  }

  cancel(reason: string): void {
    if (this.#phase !== Phase.over) this.#stop({ code: 'CANCELLED', message: reason }, true)
  }

  assigned(connection: Connection): void {
    this.#connection = connection
    this.#phase = Phase.connecting
    this.#marks.assignedAt = this.#context.clock.now()
  }

  sent(): void {
    if (this.#phase !== Phase.connecting) return
    this.#phase = Phase.sent
    this.#written = true
    this.#marks.sent(this.#context.clock.now(), this.#connection)
  }

  answered(): void {
    if (this.#phase === Phase.sent) this.#marks.answeredAt = this.#context.clock.now()
  }

  head(status: number, statusText: string, rawHeaders: string[]): void {
    if (this.#phase !== Phase.sent) return
    this.#status = status
    this.#statusText = statusText
    this.#rawHeaders = rawHeaders
    this.#phase = Phase.body
    this.#protocol = this.#connection?.protocol ?? 'http/1.1'
    const now = this.#context.clock.now()
    if (this.#marks.answeredAt === 0) this.#marks.answeredAt = now
    this.#pace = new BodyPace(this.#order.limits, now)

    const { type, length, encoding, transfer, contradicts } = bodyFieldsOf(rawHeaders)
    this.#contentType = parseContentType(type).essence

    if (this.#order.forwarded && status === 407) {
      this.#stop(wantsLogin(this.#order.origin))
      return
    }
    const { proxy } = this.#order.origin
    if (proxy !== undefined) this.#context.proxies.worked(proxy)
    const { unfinished } = this.#order
    if (unfinished !== undefined && this.#tookRange(unfinished, status, rawHeaders)) return
    const reason = this.#askObserver(status, rawHeaders)
    if (reason !== undefined) {
      this.#stop({ code: 'CANCELLED', message: reason }, true)
      return
    }
    // The observer may have cancelled by the handle.
    if ((this.#phase as Phase) !== Phase.body) return
    if (this.method === 'HEAD' || status === 204 || status === 304) return
    // Of redirects the policy judges.
    if (contradicts && (status < 300 || status > 399)) {
      this.#stop({ code: 'BAD_REDIRECT', message: 'two different Locations in one answer' }, true)
      return
    }
    if (length > this.#cap && length <= Number.MAX_SAFE_INTEGER && this.#order.maxBytes === undefined) {
      this.#stop(
        {
          code: 'TOO_LARGE',
          message: `the body is announced with ${length} bytes, more than the ${this.#cap} that are taken`,
        },
        true,
      )
      return
    }
    if (length > 0 && length <= Number.MAX_SAFE_INTEGER && transfer === '') this.#announced = length
    // Codings of the transfer were applied last; `chunked` is undone already.
    const codings = codingsOf(
      transfer === '' ? encoding : `${encoding}${transfer.toLowerCase().replace(/,\s*chunked/g, '')}`,
    )
    // Of an answer that is no page the status is what counts, readable or not.
    if (codings.problem !== undefined && status >= 200 && status < 300) {
      this.#stop({ code: 'BAD_ENCODING', message: codings.problem }, true)
      return
    }
    this.#codings = codings.layers
  }

  data(chunk: Uint8Array): void {
    if (this.#phase !== Phase.body || this.#bodyUnread) return
    this.#content ??= this.#newBody()
    this.#content.push(chunk)
  }

  ended(lenient: boolean): void {
    this.#lenient = lenient
    this.#connection = undefined
    this.#settle()
  }

  broke(failure: WireFailure): void {
    if (this.#phase === Phase.over || this.#phase === Phase.settling) return
    this.#connection = undefined
    if (this.#phase !== Phase.body && mayReplay(failure, this.method, this.#replays)) {
      this.#replays++
      this.#phase = Phase.waiting
      this.#context.pool.restart(this.#order.origin, this)
      return
    }
    if (this.#phase === Phase.body) {
      this.#cut = failure
      this.#settle()
      return
    }
    this.#marks.endedAt = this.#context.clock.now()
    this.#fail(this.#order.forwarded && failure.code === 'EMPTY_REPLY' ? { ...failure, code: 'PROXY_FAILED' } : failure)
  }

  tick(now: number): void {
    const { limits } = this.#order
    switch (this.#phase) {
      case Phase.connecting: {
        const slow = slowDial(this.#connection?.dial, limits, now)
        if (slow === undefined) break
        this.#stop(slow)
        return
      }
      case Phase.sent:
        if (now - this.#marks.sentAt >= limits.headersMs) {
          this.#stop({ code: 'TIMEOUT_HEADERS', message: `no answer within ${limits.headersMs} ms` })
          return
        }
        break
      case Phase.body: {
        const failure = this.#pace?.check(now, this.#content?.rawBytes ?? 0, this.#paused)
        if (failure === undefined) break
        this.#stop(failure, true)
        return
      }
      default:
        return
    }
    if (now - this.#marks.assignedAt >= limits.totalMs)
      this.#stop({ code: 'TIMEOUT_TOTAL', message: `not finished within ${limits.totalMs} ms` }, true)
  }

  bodyFull(): void {
    this.#paused = true
    this.#connection?.pause()
  }

  bodyDrained(): void {
    this.#paused = false
    this.#connection?.resume()
  }

  bodyOver(): void {
    const content = this.#content as Body
    const failure: WireFailure =
      this.#codings.length > 0 && content.growth > BOMB_RATIO
        ? { code: 'BOMB', message: `${content.rawBytes} coded bytes grew to more than the ${this.#cap} that are taken` }
        : { code: 'TOO_LARGE', message: `the body is larger than the ${this.#cap} bytes that are taken` }
    this.#stop(failure, true)
  }

  bodyFailed(error: NodeJS.ErrnoException): void {
    const why = error.code ?? error.message
    this.#stop({
      code: 'CONNECT_FAILED',
      message: `cannot write the body to ${error.path ?? this.#context.store.spoolFolder} (${why})`,
      cause: error,
      disk: true,
    })
  }

  bodyDone(report: LayerReport | undefined): void {
    if (report?.error !== undefined) {
      this.#fail(
        { code: 'BAD_ENCODING', message: `the body cannot be decoded: ${report.error.message}`, cause: report.error },
        this.#response(NO_FLAGS),
      )
      return
    }
    const response = this.#response(report?.plain === true ? NOT_ENCODED : NO_FLAGS)
    if (this.#cut !== undefined) this.#fail(this.#cut, response)
    else if (report?.truncated === true) {
      this.#fail({ code: 'TRUNCATED', message: 'the coded body breaks off or its checksum is wrong' }, response)
    } else this.#succeed(response)
  }

  /** The wire is done with; decoding or the file may not be. */
  #settle(): void {
    if (this.#phase !== Phase.body) return
    this.#phase = Phase.settling
    this.#marks.endedAt = this.#context.clock.now()
    const content = this.#content
    if (content === undefined) {
      this.bodyDone(undefined)
      return
    }
    const missing = this.#wholeBytes === 0 ? 0 : this.#wholeBytes - content.store.bytes
    if (missing < 0) {
      this.#mismatch('more came than its range holds')
      return
    }
    if (missing > 0) this.#cut ??= { code: 'TRUNCATED', message: `${missing} bytes are missing at the end` }
    content.end(this.#cut === undefined)
  }

  /** The answer to the range that was asked for. True: nothing more is to be read of its head. */
  #tookRange(unfinished: Part, status: number, rawHeaders: readonly string[]): boolean {
    const { parts, store } = this.#context
    const name = this.#order.part
    if (parts === undefined || name === undefined) return false
    const verdict = readPartAnswer(unfinished, status, rawHeaders)
    if (verdict.do === 'other') return false
    if (verdict.do === 'fresh') {
      parts.remove(name)
      return false
    }
    if (verdict.do === 'mismatch') {
      this.#mismatch(verdict.why)
      return true
    }
    this.#status = 200
    this.#statusText = unfinished.statusText
    this.#rawHeaders = unfinished.rawHeaders
    this.#contentType = parseContentType(headerValue(unfinished.rawHeaders, 'content-type')).essence
    const reason = this.#askObserver(200, unfinished.rawHeaders)
    if (reason !== undefined) this.#stop({ code: 'CANCELLED', message: reason }, true)
    // The observer may have cancelled by the handle.
    if (this.#phase !== Phase.body) return true
    this.#wholeBytes = verdict.do === 'append' ? verdict.length : unfinished.count
    this.#bodyUnread = verdict.do === 'finish'
    this.#content = this.#newBody()
    const file = { digester: store.digester, memoryBytes: store.spoolBytes }
    this.#content.store.goOn(parts.goOn(name, unfinished, this.#wholeBytes, file, this.#content))
    return true
  }

  /** What is there now has nothing to do with the part: it goes, and the whole is asked for in another attempt. */
  #mismatch(why: string): void {
    const message = `the rest of an earlier download did not come (${why})`
    this.#stop({ code: 'PARTIAL_CONTENT', message, again: true })
  }

  bodyLarge(owner: SpoolOwner): PartFile | undefined {
    const { parts, store, clock } = this.#context
    const { part: name, url } = this.#order
    if (parts === undefined || name === undefined) return undefined
    const rawHeaders = this.#rawHeaders
    const validator = validatorOf(rawHeaders, clock.wall())
    if (validator === undefined) return undefined
    const length = this.#announced === 0 ? undefined : this.#announced
    const part: Part = { url, statusText: this.#statusText, rawHeaders, validator, length, count: 0 }
    try {
      return parts.begin(name, part, { digester: store.digester, memoryBytes: store.spoolBytes }, owner)
    } catch (error) {
      this.bodyFailed(error as Error)
      return undefined
    }
  }

  #newBody(): Body {
    const { store } = this.#context
    const announced = this.#announced
    let large = Number.POSITIVE_INFINITY
    if (this.#order.part !== undefined && this.#status === 200) {
      const isPage = isHtml(this.#contentType)
      // Known to be large: from its first byte. Unknown: once it has turned out to be. A page is wanted in memory.
      if (announced > (isPage ? store.spoolBytes : KNOWN_LARGE_BYTES)) large = 0
      else if (announced === 0 && !isPage) large = UNKNOWN_LARGE_BYTES
    }
    return new Body(store, this.#cap, this.#codings, announced, large, this.#order.lendBody, this)
  }

  /** Ends it from our side, wherever it stands. */
  #stop(failure: WireFailure, keep = false): void {
    const connection = this.#connection
    const { origin } = this.#order
    if (this.#phase !== Phase.settling) this.#marks.endedAt = this.#context.clock.now()
    this.#connection = undefined
    const waiting = this.#phase === Phase.waiting
    const response =
      keep && this.#status !== 0
        ? this.#response(NO_FLAGS, failure.code === 'BOMB' || failure.code === 'CANCELLED')
        : undefined
    this.#phase = Phase.over
    if (connection !== undefined) this.#context.pool.end(origin, connection)
    else if (waiting) this.#context.pool.withdraw(origin, this)
    // Told when the next attempt can go on with what has come of a part.
    if (this.#content === undefined) this.#fail(failure, response)
    else this.#content.abandon(() => this.#fail(failure, response))
  }

  /** What has come, decoded as far as it is. Bytes of an unfinished file are not kept. */
  #response(flags: readonly string[], headOnly = false): Answer {
    const store = headOnly ? undefined : this.#content?.store
    const file = store?.file
    const whole = store?.done === true
    const body = store !== undefined && whole && file === undefined ? store.body() : NO_BYTES
    // Where the header names no type the first bytes do.
    this.#sniffed = this.#contentType === '' && body.length > 0
    if (this.#sniffed) this.#contentType = sniffType(body)
    return new Answer(
      {
        url: this.#order.url,
        status: this.#status,
        statusText: this.#statusText,
        protocol: this.#protocol,
        rawHeaders: this.#rawHeaders,
        contentType: this.#contentType,
        address: this.#marks.address,
        startedAt: this.#startedAt(),
        asked: this.#order,
      },
      body,
      file,
      store !== undefined && whole ? store.bytes : 0,
      store !== undefined && whole ? store.digest(body) : '',
      this.#marks.timing(),
      this.#flags(flags),
      whole ? (store?.partFrom ?? 0) : 0,
    )
  }

  #flags(odd: readonly string[]): readonly string[] {
    const resumed = this.#wholeBytes > 0
    const partial = this.#status === 206
    if (!resumed && !partial && !this.#lenient && !this.#sniffed) return odd
    return [
      ...odd,
      ...(resumed ? ['resumed'] : []),
      ...(partial ? ['partial'] : []),
      ...(this.#sniffed ? ['sniffed'] : []),
      ...(this.#lenient ? ['lenient'] : []),
    ]
  }

  #startedAt(): number {
    const { clock } = this.#context
    return clock.wall() - (clock.now() - this.#marks.sentAt)
  }

  #askObserver(status: number, rawHeaders: readonly string[]): string | undefined {
    try {
      return this.#observer.onHead?.(status, rawHeaders)
    } catch (error) {
      throwLater(error)
      return 'the observer threw'
    }
  }

  #succeed(response: Answer): void {
    this.#phase = Phase.over
    this.#context.deadlines.remove(this)
    try {
      this.#observer.onDone(response, this.#marks.endedAt)
    } catch (error) {
      throwLater(error)
    }
    this.#takeBack(response)
  }

  #fail(failure: WireFailure, response?: Answer): void {
    this.#phase = Phase.over
    const { proxy } = this.#order.origin
    if (proxy !== undefined && failure.code === 'PROXY_FAILED') this.#context.proxies.failed(proxy, failure)
    if (failure.again === true && this.#order.part !== undefined) this.#context.parts?.remove(this.#order.part)
    this.#context.deadlines.remove(this)
    const told: FetchFailure = {
      code: failure.code,
      message: failure.message,
      ...(failure.cause === undefined ? {} : { cause: failure.cause }),
      ...(this.#written && failure.unprocessed !== true ? { sent: true } : {}),
      ...(failure.local === true ? { local: true } : {}),
      ...(failure.cut === true ? { cut: true } : {}),
      ...(failure.again === true ? { again: true } : {}),
      ...(failure.disk === true ? { disk: true } : {}),
      ...(response === undefined ? {} : { response }),
      ...(this.#marks.address === '' ? {} : { address: this.#marks.address }),
    }
    try {
      this.#observer.onFailed(told, this.#marks.endedAt)
    } catch (error) {
      throwLater(error)
    }
    this.#takeBack(response)
  }

  #takeBack(response: Answer | undefined): void {
    if (this.#order.lendBody) response?.forgetBody()
    this.#content?.release()
  }
}

/** A plain request got the proxy's own 407 (RFC 9110 15.5.8). */
export function wantsLogin({ proxy }: Origin): WireFailure {
  return { code: 'PROXY_FAILED', message: `the proxy ${proxy?.label} wants a login (407)`, unauthorized: true }
}

/** A fault of ours must not vanish in the transport, which takes exceptions for a broken exchange. */
function throwLater(error: unknown): void {
  queueMicrotask(() => {
    throw error
  })
}
