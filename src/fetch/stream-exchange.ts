/**
 * One answer without an end over HTTP: its bytes are handed on as they come, nothing is kept. The waits before the head
 * are limited as for every request; within the body only silence is, and only where a limit of it is given.
 */
import { headerValue } from '../http/headers.ts'
import type { Deadlines, Timed } from './deadlines.ts'
import type { StreamHandle, StreamObserver } from './fetcher.ts'
import { wantsLogin, type ExchangeContext } from './http-exchange.ts'
import type { Order } from './order.ts'
import { slowDial } from './slow-dial.ts'
import { mayReplay, type Connection, type Exchange } from './transport.ts'
import type { WireFailure } from './wire.ts'

type Phase = 'waiting' | 'connecting' | 'sent' | 'body' | 'over'

export class StreamExchange implements Exchange, StreamHandle, Timed {
  slot = -1
  readonly method: string
  readonly target: string
  readonly headers: readonly string[]
  readonly body: Uint8Array | undefined
  readonly #context: ExchangeContext
  readonly #deadlines: Deadlines
  readonly #order: Order
  readonly #observer: StreamObserver
  readonly #stallMs: number
  #phase: Phase = 'waiting'
  #connection: Connection | undefined
  /** When the phase began; in the body: when the last bytes came. */
  #since = 0
  #isPaused = false
  #isFramed = false
  #replays = 0

  constructor(context: ExchangeContext, order: Order, stallMs: number, observer: StreamObserver) {
    this.#context = context
    this.#deadlines = context.deadlines
    this.#order = order
    this.#stallMs = stallMs
    this.#observer = observer
    this.method = order.method
    this.target = order.target
    this.headers = order.headers
    this.body = order.body
  }

  start(): this {
    this.#deadlines.add(this)
    this.#context.pool.start(this.#order.origin, this, this.#order.connections)
    return this
  }

  cancel(reason: string): void {
    this.#stop({ code: 'CANCELLED', message: reason })
  }

  pause(): void {
    this.#isPaused = true
    this.#connection?.pause()
  }

  resume(): void {
    this.#isPaused = false
    // Silence while nobody read is not the server's.
    this.#since = this.#context.clock.now()
    this.#connection?.resume()
  }

  assigned(connection: Connection): void {
    this.#connection = connection
    this.#phase = 'connecting'
  }

  sent(): void {
    this.#enter('sent')
  }

  answered(): void {}

  head(status: number, _statusText: string, rawHeaders: string[]): void {
    this.#enter('body')
    const { proxy } = this.#order.origin
    if (this.#order.forwarded && status === 407) {
      this.#stop(wantsLogin(this.#order.origin))
      return
    }
    if (proxy !== undefined) this.#context.proxies.worked(proxy)
    this.#isFramed =
      headerValue(rawHeaders, 'transfer-encoding') !== undefined ||
      headerValue(rawHeaders, 'content-length') !== undefined
    const coding = headerValue(rawHeaders, 'content-encoding') ?? 'identity'
    const reason = this.#observer.onHead(status, rawHeaders, this.#connection?.dial?.address ?? '')
    if (reason !== undefined) this.#stop({ code: 'CANCELLED', message: reason })
    else if (coding.trim().toLowerCase() !== 'identity')
      this.#stop({ code: 'BAD_ENCODING', message: `the stream is coded (${coding}) although it was asked for plain` })
  }

  data(chunk: Uint8Array): void {
    if (this.#phase !== 'body') return
    this.#since = this.#context.clock.now()
    this.#observer.onData(chunk)
  }

  ended(): void {
    this.#connection = undefined
    this.#end(undefined)
  }

  broke(failure: WireFailure): void {
    this.#connection = undefined
    if (this.#phase !== 'body' && mayReplay(failure, this.method, this.#replays)) {
      this.#replays++
      this.#phase = 'waiting'
      this.#context.pool.restart(this.#order.origin, this)
      return
    }
    this.#end(failure)
  }

  tick(now: number): void {
    const { limits } = this.#order
    if (this.#phase === 'connecting') {
      const slow = slowDial(this.#connection?.dial, limits, now)
      if (slow !== undefined) this.#stop(slow)
    } else if (this.#phase === 'sent' && now - this.#since >= limits.headersMs) {
      this.#stop({ code: 'TIMEOUT_HEADERS', message: `no answer within ${limits.headersMs} ms` })
    } else if (this.#phase === 'body' && !this.#isPaused && now - this.#since >= this.#stallMs) {
      this.#stop({ code: 'TIMEOUT_BODY', message: `the stream was silent for ${this.#stallMs} ms` })
    }
  }

  #enter(phase: Phase): void {
    this.#phase = phase
    this.#since = this.#context.clock.now()
  }

  /** Ends it from our side. */
  #stop(failure: WireFailure): void {
    if (this.#phase === 'over') return
    const { pool } = this.#context
    if (this.#connection !== undefined) pool.end(this.#order.origin, this.#connection)
    else pool.withdraw(this.#order.origin, this)
    this.#connection = undefined
    this.#end(failure)
  }

  #end(failure: WireFailure | undefined): void {
    if (this.#phase === 'over') return
    this.#phase = 'over'
    this.#deadlines.remove(this)
    const { proxy } = this.#order.origin
    if (proxy !== undefined && failure?.code === 'PROXY_FAILED') this.#context.proxies.failed(proxy, failure)
    this.#observer.onEnded(failure, failure === undefined && this.#isFramed)
  }
}
