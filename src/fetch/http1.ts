/**
 * Connections of our own over `node:net` and `node:tls` sockets: HTTP/1.1, one exchange at a time, nothing pipelined. On
 * plain sockets the kernel's bytes land in one buffer that all connections share, so an idle connection costs its
 * socket alone. Keeping, limiting and choosing connections is `pool.ts`'s, reading replies `reply-parser.ts`'s.
 */
import type { Socket } from 'node:net'
import type { Clock } from '../model/clock.ts'
import type { Deadlines, Timed } from './deadlines.ts'
import type { Dial, Dialler } from './dial.ts'
import type { ReplyHead } from './reply-head.ts'
import { Parsed, ReplyParser, type ReplyReader } from './reply-parser.ts'
import { isSilent } from './silence.ts'
import { resetFailure } from './socket-errors.ts'
import type { Connection, ConnectionOwner, Exchange } from './transport.ts'
import type { Origin, WireFailure } from './wire.ts'

export interface Http1Options {
  readonly clock: Clock
  readonly dialler: Dialler
  /** Timer of idle connections. */
  readonly idle: Deadlines
  /** An idle connection is closed after this. */
  readonly keepAliveMs: number
  /** Status line and header fields together. */
  readonly maxHeaderBytes: number
}

/** For whoever puts a connection behind another face. */
export interface Http1Opening {
  /** What exchanges are told in its place. */
  readonly face: Connection
  /** A socket that is open already. */
  readonly opened?: { readonly dial: Dial; readonly socket: Socket }
}

export interface Http1Transport {
  open(origin: Origin, owner: ConnectionOwner, opening?: Http1Opening): Connection
}

/** Takes what the kernel holds of one socket in one read. */
const READ_BYTES = 64 * 1024
/** How much sooner than the server says it will we close an idle connection. */
const KEEP_ALIVE_MARGIN_MS = 1_000
/** Reads on Windows are posted ahead of their bytes: there no two sockets may share a buffer. */
const SHARED_BUFFER = process.platform !== 'win32'

interface Shared extends Http1Options {
  buffer(): Buffer
}

export function http1Transport(options: Http1Options): Http1Transport {
  const shared = SHARED_BUFFER ? Buffer.allocUnsafeSlow(READ_BYTES) : undefined
  const parts: Shared = { ...options, buffer: () => shared ?? Buffer.allocUnsafeSlow(READ_BYTES) }
  return { open: (origin, owner, opening) => new Http1Connection(parts, origin, owner, opening) }
}

class Http1Connection implements Connection, ReplyReader, Timed {
  readonly protocol = 'http/1.1'
  dial: Dial | undefined
  served = 0
  slot = -1
  readonly #shared: Shared
  readonly #origin: Origin
  readonly #owner: ConnectionOwner
  readonly #parser: ReplyParser
  readonly #host: string
  readonly #face: Connection
  #opened: Http1Opening['opened']
  #socket: Socket | undefined
  #exchange: Exchange | undefined
  #answered = false
  #keepAlive = false
  #idleMs = 0
  #idleUntil = 0
  #reset: NodeJS.ErrnoException | undefined
  #over = false
  /** Header lines of the last request: most requests to an origin have the same. */
  #headers: readonly string[] = []
  #headerLines = ''
  #paused = false
  /** What the kernel gave was less than it was asked for, and nobody else has run since. */
  #justRead = false
  /** Set where the rest of what was read from a stream may be about to come. */
  #draining: NodeJS.Immediate | undefined

  constructor(shared: Shared, origin: Origin, owner: ConnectionOwner, opening?: Http1Opening) {
    this.#shared = shared
    this.#origin = origin
    this.#owner = owner
    this.#face = opening?.face ?? this
    this.#opened = opening?.opened
    this.#parser = new ReplyParser(this, shared.maxHeaderBytes)
    this.#host = `Host: ${origin.key.slice(origin.secure ? 8 : 7)}\r\n`
  }

  start(exchange: Exchange): void {
    this.#exchange = exchange
    this.#answered = false
    this.#shared.idle.remove(this)
    exchange.assigned(this.#face)
    const socket = this.#socket
    if (socket === undefined) this.#connect()
    else if (this.#draining === undefined) this.#reuse(socket, exchange)
  }

  pause(): void {
    this.#paused = true
    this.#socket?.pause()
  }

  resume(): void {
    this.#paused = false
    this.#socket?.resume()
  }

  destroy(): void {
    if (this.#over) return
    this.#over = true
    this.#exchange = undefined
    this.#parser.stop()
    this.#shared.idle.remove(this)
    this.dial?.abort()
    clearImmediate(this.#draining)
    this.#socket?.destroy()
    this.#opened?.socket.destroy()
    this.#socket = undefined
  }

  tick(now: number): void {
    if (now >= this.#idleUntil) this.#drop()
  }

  replyHead(head: ReplyHead): void {
    this.#keepAlive = head.keepAlive
    this.#idleMs = this.#shared.keepAliveMs
    if (!Number.isNaN(head.keepAliveS)) {
      const theirs = head.keepAliveS * 1_000 - KEEP_ALIVE_MARGIN_MS
      if (theirs <= 0) this.#keepAlive = false
      else this.#idleMs = Math.min(this.#idleMs, theirs)
    }
    this.#exchange?.head(head.status, head.statusText, head.rawHeaders)
  }

  replyData(chunk: Uint8Array): void {
    this.#exchange?.data(chunk)
  }

  #connect(): void {
    this.served = 0
    this.#reset = undefined
    const opened = this.#opened
    this.#opened = undefined
    if (opened !== undefined) {
      this.dial = opened.dial
      this.#connected(opened.socket)
      return
    }
    const onread = {
      buffer: () => this.#shared.buffer(),
      // The count of bytes, and the buffer they lie in: ours again as soon as this returns.
      callback: (count: number, buffer: Uint8Array): boolean => {
        this.#read(buffer as Buffer, count)
        return true
      },
    }
    this.dial = this.#shared.dialler.dial(
      this.#origin,
      (failure, socket) => {
        if (failure !== undefined) this.#broke(failure)
        else this.#connected(socket as Socket)
      },
      onread,
    )
  }

  #connected(socket: Socket): void {
    this.#socket = socket
    socket.on('end', () => this.#ended(socket))
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (this.#socket === socket) this.#reset = error
    })
    socket.on('close', () => this.#ended(socket))
    if (this.dial?.reads !== true) socket.on('data', (chunk: Buffer) => this.#read(chunk, chunk.length))
    const exchange = this.#exchange
    if (exchange === undefined) this.#drop()
    else this.#write(socket, exchange)
  }

  /** On a socket that has served before. */
  #reuse(socket: Socket, exchange: Exchange): void {
    // Else the peer has closed it, or bytes have come that answer nothing, and the event of it has not come yet.
    if (socket.writable && (this.#justRead || isSilent(socket))) this.#write(socket, exchange)
    else this.#renew(socket)
  }

  /** RFC 9112 3. */
  #write(socket: Socket, exchange: Exchange): void {
    const { method, body } = exchange
    if (exchange.headers !== this.#headers) {
      this.#headers = exchange.headers
      const own = exchange.headers.some((name, i) => i % 2 === 0 && name.toLowerCase() === 'host')
      this.#headerLines = (own ? '' : this.#host) + linesOf(exchange.headers)
    }
    let length = ''
    if (body !== undefined) length = `Content-Length: ${body.length}\r\n`
    else if (method === 'POST' || method === 'PUT' || method === 'PATCH') length = 'Content-Length: 0\r\n'
    this.#parser.expect(method)
    this.served++
    exchange.sent()
    const head = `${method} ${exchange.target} HTTP/1.1\r\n${this.#headerLines}${length}\r\n`
    if (body === undefined || body.length === 0) {
      socket.write(head, 'latin1')
      return
    }
    socket.cork()
    socket.write(head, 'latin1')
    socket.write(body)
    socket.uncork()
  }

  #read(buffer: Buffer, count: number): void {
    const exchange = this.#exchange
    if (exchange === undefined) {
      // Bytes that nobody asked for: what follows on this connection cannot be told from an answer.
      this.#drop()
      return
    }
    if (this.#draining !== undefined) {
      this.#renew(this.#socket as Socket)
      return
    }
    if (!this.#answered) {
      this.#answered = true
      exchange.answered()
    }
    const bytes = count === buffer.length ? buffer : buffer.subarray(0, count)
    const parsed = this.#parser.push(bytes)
    // It may have been ended by whoever was told of the head or the bytes.
    if (this.#exchange !== exchange || parsed === Parsed.more) return
    if (parsed === Parsed.broken) {
      this.#fault()
      return
    }
    this.#justRead = this.dial?.reads === true && count < buffer.length
    this.#whole(exchange, this.#keepAlive, this.#parser.taken < count)
    this.#justRead = false
  }

  /** @param hasMore bytes that nobody asked for lie behind it */
  #whole(exchange: Exchange, keep: boolean, hasMore = false): void {
    this.#exchange = undefined
    const lenient = this.#parser.lenient || hasMore
    if (!keep || lenient || this.#socket?.writable !== true) {
      this.#drop()
      exchange.ended(lenient)
      return
    }
    if (this.#paused) this.resume()
    this.#idleUntil = this.#shared.clock.now() + this.#idleMs
    this.#shared.idle.add(this)
    if (this.dial?.reads !== true) this.#drain()
    this.#owner.freed(this)
    exchange.ended(false)
  }

  /** A secured stream gives what came in one read in several pieces: they are all here when the loop turns. */
  #drain(): void {
    this.#draining = setImmediate(() => {
      this.#draining = undefined
      const socket = this.#socket
      const exchange = this.#exchange
      if (socket !== undefined && exchange !== undefined) this.#reuse(socket, exchange)
    })
  }

  /** The peer has closed its side, or the socket is gone. */
  #ended(socket: Socket): void {
    if (this.#socket !== socket) return
    const exchange = this.#exchange
    if (exchange === undefined) {
      this.#drop()
      return
    }
    if (this.#draining !== undefined) {
      this.#renew(socket)
      return
    }
    const reset = this.#reset
    if (reset !== undefined) {
      this.#broke({ ...resetFailure(reset, this.#origin.key), ...this.#staleness() })
      return
    }
    if (this.#parser.close() === Parsed.whole) this.#whole(exchange, false)
    else this.#fault()
  }

  #fault(): void {
    const fault = this.#parser.fault
    if (fault === undefined) return
    this.#broke({
      code: fault.code,
      message: `${this.#origin.key} ${fault.why}`,
      ...(fault.code === 'EMPTY_REPLY' ? this.#staleness() : {}),
      // The rest of an answer that was longer than its Content-Length, come after the next request had been sent.
      ...(fault.code === 'NOT_HTTP' && this.served > 1 ? { stale: true } : {}),
    })
  }

  /** The peer may have closed a connection that had served before just as we wrote on it (RFC 9112 9.3.1). */
  #staleness(): { stale: true } | undefined {
    return this.served > 1 && !this.#answered ? { stale: true } : undefined
  }

  #broke(failure: WireFailure): void {
    const exchange = this.#exchange
    this.#exchange = undefined
    this.#drop()
    exchange?.broke(failure)
  }

  #drop(): void {
    if (this.#over) return
    this.destroy()
    this.#owner.gone(this)
  }

  /** Gives up a socket that the exchange was not written on, and connects anew. */
  #renew(socket: Socket): void {
    clearImmediate(this.#draining)
    this.#draining = undefined
    this.#socket = undefined
    socket.destroy()
    this.#connect()
  }
}

/** Built once for all requests that carry the same headers. */
function linesOf(headers: readonly string[]): string {
  let lines = 'Connection: keep-alive\r\n'
  for (let i = 0; i + 1 < headers.length; i += 2) lines += `${headers[i]}: ${headers[i + 1]}\r\n`
  return lines
}
