/**
 * Connections by undici: its HTTP/1.1 parser over sockets that we dial. The only file that knows undici. One `Client` is
 * one connection; keeping, limiting and choosing them is `pool.ts`'s, so that this machine's sockets have one count.
 */
import type { EventEmitter } from 'node:events'
import type { Socket } from 'node:net'
import type { Dispatcher } from 'undici'
import Client from 'undici/lib/dispatcher/client.js'
import { DialError, type Dial, type Dialler } from './dial.ts'
import type { Connection, ConnectionOwner, Exchange, OpenConnection } from './transport.ts'
import type { Origin, WireFailure } from './wire.ts'
import { brokenReply, NOT_WRITTEN, Stage, type ReplyStage } from './undici-errors.ts'

export interface UndiciTransportOptions {
  readonly dialler: Dialler
  /** An idle connection is closed after this. */
  readonly keepAliveMs: number
  /** Status line and header fields together. */
  readonly maxHeaderBytes: number
}

/** Interim answers (1xx) put up with before the final one. */
const INTERIM_ANSWERS = 32
/** How much sooner than the server says it will we close an idle connection. */
const KEEP_ALIVE_MARGIN_MS = 1_000

const IGNORED = (): void => {}

export function undiciTransport(options: UndiciTransportOptions): OpenConnection {
  return (origin, owner) => new UndiciConnection(options, origin, owner)
}

interface ConnectTarget {
  readonly hostname: string
}

class UndiciConnection implements Connection, Dispatcher.DispatchHandler {
  dial: Dial | undefined
  served = 0
  readonly #options: UndiciTransportOptions
  readonly #origin: Origin
  readonly #owner: ConnectionOwner
  readonly #client: InstanceType<typeof Client>
  /** One object for all requests: undici copies what it needs out of it. */
  readonly #dispatched: { path: string; method: Dispatcher.HttpMethod; headers: string[]; body: Buffer | null }
  #exchange: Exchange | undefined
  #controller: Dispatcher.DispatchController | undefined
  #stage: ReplyStage = Stage.waiting
  #interim = 0
  /** The socket was reset; undici takes that for the end of a body that lasts until close. */
  #reset: Error | undefined
  #over = false

  constructor(options: UndiciTransportOptions, origin: Origin, owner: ConnectionOwner) {
    this.#options = options
    this.#origin = origin
    this.#owner = owner
    this.#dispatched = { path: '/', method: 'GET', headers: [], body: null }
    this.#client = new Client(origin.key, {
      connect: ((_target: ConnectTarget, callback: (error: Error | null, socket: Socket | null) => void) =>
        this.#connect(callback)) as never,
      pipelining: 1,
      allowH2: false,
      maxHeaderSize: options.maxHeaderBytes,
      // Watched by our own wheel.
      headersTimeout: 0,
      bodyTimeout: 0,
      keepAliveTimeout: options.keepAliveMs,
      keepAliveMaxTimeout: options.keepAliveMs,
      keepAliveTimeoutThreshold: KEEP_ALIVE_MARGIN_MS,
    })
    this.#client.on('disconnect', () => this.#disconnected())
    // undici's own assertions: an event without a listener would end the process.
    const emitter: EventEmitter = this.#client
    emitter.on('error', (error: Error) => this.#broke(brokenReply(error, Stage.head, origin.key)))
  }

  start(exchange: Exchange): void {
    this.#exchange = exchange
    this.#stage = Stage.waiting
    this.#interim = 0
    const dispatched = this.#dispatched
    dispatched.path = exchange.target
    dispatched.method = exchange.method as Dispatcher.HttpMethod
    dispatched.headers = exchange.headers as string[]
    dispatched.body = exchange.body === undefined ? null : bufferOf(exchange.body)
    exchange.assigned(this)
    this.#client.dispatch(dispatched, this)
  }

  pause(): void {
    this.#controller?.pause()
  }

  resume(): void {
    this.#controller?.resume()
  }

  destroy(): void {
    this.#over = true
    this.#exchange = undefined
    this.dial?.abort()
    this.#client.destroy(null, IGNORED)
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    this.#stage = Stage.sent
    this.served++
    this.#exchange?.sent()
  }

  onResponseStarted(): void {
    if (this.#stage !== Stage.sent) return
    this.#stage = Stage.head
    this.#exchange?.answered()
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    _headers: unknown,
    statusText?: string,
  ): void {
    const exchange = this.#exchange
    if (exchange === undefined) return
    if (status < 200) {
      this.#interim++
      if (status === 101 || this.#interim > INTERIM_ANSWERS) {
        this.#broke({
          code: 'UNEXPECTED_STATUS',
          message:
            status === 101
              ? 'the server switched protocols unasked (101)'
              : `more than ${INTERIM_ANSWERS} interim answers (1xx)`,
        })
      }
      return
    }
    this.#stage = Stage.body
    exchange.head(status, statusText ?? '', textOf(controller.rawHeaders as unknown as Buffer[]))
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#exchange?.data(chunk)
  }

  onResponseEnd(): void {
    const exchange = this.#exchange
    if (exchange === undefined) return
    this.#exchange = undefined
    this.#controller = undefined
    if (this.#reset !== undefined) {
      this.#drop()
      exchange.broke({
        code: 'CONNECTION_RESET',
        message: `${this.#origin.key} reset the connection in the middle of the body`,
        cause: this.#reset,
      })
      return
    }
    this.#owner.freed(this)
    exchange.ended()
  }

  onResponseError(_controller: Dispatcher.DispatchController | null, error: Error): void {
    if (this.#exchange === undefined) return
    const stage = this.#stage
    const failure = error instanceof DialError ? error.failure : brokenReply(error, stage, this.#origin.key)
    this.#broke(this.served > 1 && stage === Stage.sent ? { ...failure, stale: true } : failure)
  }

  #broke(failure: WireFailure): void {
    const exchange = this.#exchange
    this.#exchange = undefined
    this.#controller = undefined
    this.#drop()
    if (exchange === undefined) return
    if (failure === NOT_WRITTEN) this.#owner.refused(exchange)
    else exchange.broke(failure)
  }

  #connect(callback: (error: Error | null, socket: Socket | null) => void): void {
    this.served = 0
    this.#reset = undefined
    this.dial = this.#options.dialler.dial(this.#origin, (failure, socket) => {
      if (failure !== undefined) {
        callback(new DialError(failure), null)
        return
      }
      const opened = socket as Socket
      opened.on('error', (error: NodeJS.ErrnoException) => {
        if (error.code === 'ECONNRESET') this.#reset = error
      })
      callback(null, opened)
    })
  }

  /** The socket closed. With an exchange waiting undici dials again by itself; without one the connection is over. */
  #disconnected(): void {
    if (this.#exchange === undefined) this.#drop()
  }

  #drop(): void {
    if (this.#over) return
    this.destroy()
    this.#owner.gone(this)
  }
}

function textOf(raw: readonly Buffer[]): string[] {
  const text: string[] = []
  for (const bytes of raw) text.push(bytes.toString('latin1'))
  return text
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
