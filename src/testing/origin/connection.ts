/**
 * One TCP connection of the fake web: reads requests, notes each in the ledger before anything is sent, and plays the
 * reply. It decides nothing about what is answered.
 */
import type { Socket } from 'node:net'
import type { ArrivalLog } from './arrival-log.ts'
import { prepare, type Prepared, type Reply, type Script, type Step } from './reply.ts'
import { type OriginRequest, type ParsedHead, parseHead, readChunkedBody } from './request.ts'

/** What a connection needs of the origin. */
export interface Web {
  readonly log: ArrivalLog
  /** Fields besides User-Agent that the ledger keeps, lower case. */
  readonly recorded: ReadonlySet<string>
  respond(request: OriginRequest): Reply | Promise<Reply>
  /** Wait before the first byte of this reply, ms. */
  answerMs(request: OriginRequest): number
}

/** Larger writes go out in pieces, each after the last was taken, so that the noted end is that of the last piece. */
const PIECE = 64 * 1024
const MAX_HEAD = 1024 * 1024
const BAD_REQUEST = prepare({ status: 400, body: 'not a request\n', close: true })
const CONTINUE = Buffer.from('HTTP/1.1 100 Continue\r\n\r\n', 'latin1')

export class Connection {
  readonly #socket: Socket
  readonly #id: number
  readonly #web: Web
  readonly #address: string
  /** Received and not used yet. */
  #input: Buffer | null = null
  #receivedAt = 0
  /** Head of the request whose body is not complete. */
  #head: ParsedHead | null = null
  #row = -1
  /** A reply is due or being sent; requests behind it wait. */
  #busy = false
  #keepAlive = true
  #status = 0
  /** Before the last write, or after the last wait: when the client can first have seen the end. */
  #mark = 0
  #timer: NodeJS.Timeout | undefined
  #script: Iterator<Step> | undefined
  #closed = false

  constructor(socket: Socket, id: number, web: Web) {
    this.#socket = socket
    this.#id = id
    this.#web = web
    this.#address = (socket.localAddress ?? '').replace(/^::ffff:/, '')
    socket.setNoDelay(true)
    socket.on('data', (chunk: Buffer) => this.#onData(chunk))
    socket.on('drain', () => this.#onDrain())
    // A client that half-closes has given up as well: nobody asks for a page and refuses to hear more.
    socket.on('end', () => this.#over())
    socket.on('close', () => this.#over())
    socket.on('error', () => this.#over())
  }

  destroy(): void {
    this.#socket.destroy()
    this.#over()
  }

  #over(): void {
    if (this.#closed) return
    this.#closed = true
    clearTimeout(this.#timer)
    this.#script?.return?.()
    this.#script = undefined
    if (this.#row !== -1) this.#web.log.end(this.#row, performance.now(), this.#status, false)
    this.#row = -1
  }

  #onData(chunk: Buffer): void {
    this.#receivedAt = performance.now()
    this.#input = this.#input === null ? chunk : Buffer.concat([this.#input, chunk])
    if (!this.#busy) this.#pump()
  }

  /** Answers what has been received, one after the other. */
  #pump(): void {
    while (!this.#busy && !this.#closed && this.#input !== null && this.#takeRequest());
  }

  /** False: more bytes are needed. */
  #takeRequest(): boolean {
    const input = this.#input as Buffer
    let used = 0
    if (this.#head === null) {
      const blank = input.indexOf('\r\n\r\n')
      if (blank === -1 && input.length <= MAX_HEAD) return false
      const parsed =
        blank === -1 ? undefined : parseHead(input.toString('latin1', 0, blank), this.#id, this.#web.recorded)
      if (parsed === undefined) {
        this.#input = null
        this.#note('', '', '', '', '')
        this.#sendPrepared(BAD_REQUEST, false)
        return true
      }
      const { request } = parsed
      this.#note(request.host, request.method, request.target, parsed.userAgent, parsed.recorded)
      this.#status = 0
      this.#keepAlive = parsed.keepAlive
      used = blank + 4
      this.#head = parsed
      if (parsed.expectsContinue && parsed.bodyLength !== 0) this.#socket.write(CONTINUE)
    }
    const head = this.#head
    if (head.bodyLength === -1) {
      const read = readChunkedBody(input, used)
      if (read === undefined) return this.#need(input, used)
      head.request.body = read.body
      used = read.end
    } else if (head.bodyLength > 0) {
      if (input.length < used + head.bodyLength) return this.#need(input, used)
      head.request.body = input.subarray(used, used + head.bodyLength)
      used += head.bodyLength
    }
    this.#head = null
    this.#input = used === input.length ? null : input.subarray(used)
    this.#answer(head.request)
    return true
  }

  #note(host: string, method: string, path: string, userAgent: string, recorded: string): void {
    const connection = this.#id
    const address = this.#address
    this.#row = this.#web.log.add({
      at: this.#receivedAt,
      host,
      method,
      path,
      connection,
      address,
      userAgent,
      recorded,
    })
  }

  #need(input: Buffer, used: number): false {
    this.#input = used === input.length ? null : input.subarray(used)
    return false
  }

  #answer(request: OriginRequest): void {
    let reply: Reply | Promise<Reply>
    try {
      reply = this.#web.respond(request)
    } catch (error) {
      reply = failed(error)
    }
    if (reply instanceof Promise) {
      this.#busy = true
      reply.catch(failed).then((ready) => {
        if (this.#closed) return
        this.#busy = false
        this.#begin(request, ready)
        this.#pump()
      })
    } else this.#begin(request, reply)
  }

  #begin(request: OriginRequest, reply: Reply): void {
    const waitMs = this.#web.answerMs(request) + (reply.delayMs ?? 0)
    if (waitMs > 0) this.#wait(waitMs, () => this.#send(request, reply))
    else this.#send(request, reply)
  }

  /** Goes on with `next` later, then with the requests behind. */
  #wait(ms: number, next: () => void): void {
    this.#busy = true
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.#mark = performance.now()
      this.#busy = false
      next()
      this.#pump()
    }, ms)
  }

  #send(request: OriginRequest, reply: Reply): void {
    if ('steps' in reply) this.#play(reply)
    else this.#sendPrepared('bytes' in reply ? reply : prepare(reply), request.method === 'HEAD')
  }

  #sendPrepared(reply: Prepared, headOnly: boolean): void {
    this.#status = reply.status
    const bytes = headOnly ? reply.bytes.subarray(0, reply.headLength) : reply.bytes
    if (reply.close) this.#keepAlive = false
    if (bytes.length <= PIECE) {
      this.#mark = performance.now()
      this.#socket.write(bytes)
      this.#web.log.wrote(this.#row, bytes.length)
      this.#finish()
    } else this.#play({ status: reply.status, steps: [{ write: bytes }] })
  }

  #play(script: Script): void {
    this.#status = script.status
    this.#busy = true
    this.#mark = performance.now()
    this.#script = pieces(script.steps)
    this.#step()
  }

  #onDrain(): void {
    if (this.#script === undefined || this.#timer !== undefined) return
    this.#step()
    this.#pump()
  }

  #step(): void {
    const script = this.#script as Iterator<Step>
    for (;;) {
      const next = script.next()
      if (next.done === true) return this.#finish()
      const step = next.value
      if ('write' in step) {
        const bytes = typeof step.write === 'string' ? Buffer.from(step.write, 'latin1') : step.write
        this.#mark = performance.now()
        const isRoom = this.#socket.write(bytes)
        this.#web.log.wrote(this.#row, bytes.length)
        if (!isRoom) return
        if (this.#closed) return
      } else if ('waitMs' in step) {
        this.#timer = setTimeout(() => {
          this.#timer = undefined
          this.#mark = performance.now()
          this.#step()
          this.#pump()
        }, step.waitMs)
        return
      } else if (step.end === 'hang') {
        this.#script = undefined
        return
      } else {
        this.#keepAlive = false
        return this.#finish(step.end === 'reset')
      }
    }
  }

  /** The reply is out: notes its end, then goes on or closes. */
  #finish(reset = false): void {
    this.#script = undefined
    this.#web.log.end(this.#row, this.#mark, this.#status, true)
    this.#row = -1
    this.#busy = !this.#keepAlive
    if (reset) this.#socket.resetAndDestroy()
    else if (!this.#keepAlive) this.#socket.destroySoon()
  }
}

function failed(error: unknown): Reply {
  return { status: 500, headers: { 'Content-Type': 'text/plain' }, body: `the handler threw: ${String(error)}\n` }
}

function* pieces(steps: Iterable<Step>): Generator<Step, void, undefined> {
  for (const step of steps) {
    if ('write' in step && step.write.length > PIECE) {
      const bytes = typeof step.write === 'string' ? Buffer.from(step.write, 'latin1') : step.write
      for (let at = 0; at < bytes.length; at += PIECE) yield { write: bytes.subarray(at, at + PIECE) }
    } else yield step
  }
}
