/**
 * Messages of a WebSocket (RFC 6455, by `ws`) as a stream: the socket is dialled by our own dialler, so that names,
 * address policy, proxies and TLS are those of every request; a refused handshake keeps its status and headers, which
 * the WebSocket of the platform does not tell. The only importer of `ws`; it is loaded with the first of them.
 */
import type { Socket } from 'node:net'
import type { ClientOptions, WebSocket } from 'ws'
import type { Clock } from '../model/clock.ts'
import type { Deadlines, Timed } from './deadlines.ts'
import type { Dial, Dialler } from './dial.ts'
import type { StreamHandle, StreamObserver } from './fetcher.ts'
import type { Order } from './order.ts'
import type { Proxies } from './proxies.ts'
import { slowDial } from './slow-dial.ts'
import { resetFailure } from './socket-errors.ts'
import type { WireFailure } from './wire.ts'

export interface WebSocketContext {
  readonly clock: Clock
  readonly deadlines: Deadlines
  readonly dialler: Dialler
  readonly proxies: Proxies
}

export interface WebSocketLimits {
  /** Longest silence, ms; pings count as life. */
  readonly stallMs: number
  /** Longest message. */
  readonly maxBytes: number
}

/** Headers of the handshake that `ws` writes itself. */
const OURS = new Set(['accept', 'accept-encoding', 'connection', 'host', 'upgrade'])
/** Codes of `ws` for a message over `maxPayload`. */
const TOO_LARGE = 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH'

export class WebSocketStream implements StreamHandle, Timed {
  slot = -1
  readonly #context: WebSocketContext
  readonly #order: Order
  readonly #limits: WebSocketLimits
  readonly #observer: StreamObserver
  readonly #dial: Dial
  #socket: WebSocket | undefined
  #phase: 'connecting' | 'sent' | 'open' | 'over' = 'connecting'
  #since: number
  #isPaused = false

  constructor(context: WebSocketContext, order: Order, limits: WebSocketLimits, observer: StreamObserver) {
    this.#context = context
    this.#order = order
    this.#limits = limits
    this.#observer = observer
    this.#since = context.clock.now()
    context.deadlines.add(this)
    this.#dial = context.dialler.dial(order.origin, (failure, socket) => {
      if (failure !== undefined) this.#end(failure)
      else void this.#shake(socket as Socket).catch((error: Error) => this.#fail(error))
    })
  }

  cancel(reason: string): void {
    this.#end({ code: 'CANCELLED', message: reason })
  }

  pause(): void {
    this.#isPaused = true
    if (this.#phase === 'open') this.#socket?.pause()
  }

  resume(): void {
    this.#isPaused = false
    this.#since = this.#context.clock.now()
    if (this.#phase === 'open') this.#socket?.resume()
  }

  tick(now: number): void {
    const { limits } = this.#order
    const { stallMs } = this.#limits
    if (this.#phase === 'connecting') {
      const slow = slowDial(this.#dial, limits, now)
      if (slow !== undefined) this.#end(slow)
    } else if (this.#phase === 'sent' && now - this.#since >= limits.headersMs) {
      this.#end({ code: 'TIMEOUT_HEADERS', message: `no answer within ${limits.headersMs} ms` })
    } else if (this.#phase === 'open' && !this.#isPaused && now - this.#since >= stallMs) {
      this.#end({ code: 'TIMEOUT_BODY', message: `the stream was silent for ${stallMs} ms` })
    }
  }

  async #shake(dialled: Socket): Promise<void> {
    const { WebSocket: Client } = await import('ws')
    if (this.#phase === 'over') {
      dialled.destroy()
      return
    }
    if (this.#order.forwarded) {
      dialled.destroy()
      this.#end({ code: 'PROXY_FAILED', message: 'a WebSocket goes through a proxy by wss: only' })
      return
    }
    this.#phase = 'sent'
    this.#since = this.#context.clock.now()
    const options: ClientOptions = {
      headers: handshakeHeaders(this.#order.headers),
      maxPayload: this.#limits.maxBytes,
      perMessageDeflate: true,
      createConnection: () => dialled,
    }
    // Dialled and secured already: to the client it is a plain socket.
    const socket = new Client(this.#order.url.replace(/^https?/i, 'ws'), options)
    this.#socket = socket
    socket.on('upgrade', ({ rawHeaders }) => this.#head(101, rawHeaders))
    socket.on('unexpected-response', (_request, response) => {
      this.#head(response.statusCode ?? 0, response.rawHeaders)
      this.#end(undefined)
    })
    socket.on('open', () => {
      if (this.#phase !== 'over') this.#phase = 'open'
      if (this.#isPaused) socket.pause()
    })
    socket.on('message', (message: Buffer, isBinary) => {
      if (this.#phase === 'over') return
      this.#since = this.#context.clock.now()
      this.#observer.onMessage(message, isBinary)
    })
    socket.on('ping', () => {
      this.#since = this.#context.clock.now()
    })
    socket.on('error', (error) => this.#fail(error))
    socket.on('close', (code) => {
      // 1000 and 1001: as it should be (RFC 6455 7.4.1). 1006: without a close frame.
      if (code === 1000 || code === 1001) this.#end(undefined)
      else this.#end({ code: 'CONNECTION_RESET', message: `${this.#order.origin.key} closed the WebSocket (${code})` })
    })
  }

  #head(status: number, rawHeaders: readonly string[]): void {
    if (this.#phase === 'over') return
    this.#since = this.#context.clock.now()
    const { proxy } = this.#order.origin
    if (proxy !== undefined) this.#context.proxies.worked(proxy)
    const reason = this.#observer.onHead(status, rawHeaders, this.#dial.address)
    if (reason !== undefined) this.#end({ code: 'CANCELLED', message: reason })
  }

  #fail(error: NodeJS.ErrnoException): void {
    const { key } = this.#order.origin
    if (error.code === TOO_LARGE) {
      this.#end({
        code: 'TOO_LARGE',
        message: `a message is larger than the ${this.#limits.maxBytes} bytes that are taken`,
      })
    } else if (error.code?.startsWith('WS_ERR_') === true) {
      this.#end({ code: 'BAD_FRAMING', message: `${key} sends what is no WebSocket: ${error.message}`, cause: error })
    } else this.#end(resetFailure(error, key))
  }

  #end(failure: WireFailure | undefined): void {
    if (this.#phase === 'over') return
    this.#phase = 'over'
    this.#context.deadlines.remove(this)
    this.#dial.abort()
    const { proxy } = this.#order.origin
    if (proxy !== undefined && failure?.code === 'PROXY_FAILED') this.#context.proxies.failed(proxy, failure)
    const socket = this.#socket
    if (socket !== undefined) {
      // Ending a handshake under way is an error event as well.
      socket.removeAllListeners()
      socket.on('error', () => undefined)
      socket.terminate()
    }
    this.#observer.onEnded(failure, failure === undefined)
  }
}

function handshakeHeaders(flat: readonly string[]): Record<string, string> {
  const headers: Record<string, string> = {}
  for (let i = 0; i + 1 < flat.length; i += 2) {
    const name = flat[i] as string
    if (!OURS.has(name.toLowerCase())) headers[name] = flat[i + 1] as string
  }
  return headers
}
