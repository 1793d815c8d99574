/**
 * Keeps one stream open for ever: connects, hands its records on, connects again behind the last one. Each connection is
 * a claim of the stream's request, so pace, blocks and back-off are the frontier's and survive a death; the claim ends
 * with the head, so a death while records flow is none of a request in flight. What is final is returned, not thrown.
 */
import type { BusEvents } from '../../model/event.ts'
import type { FetchFailure, Fetcher, StreamHandle } from '../../fetch/fetcher.ts'
import type { Claim, Frontier } from '../../frontier/frontier.ts'
import { parseContentType } from '../../http/content-type.ts'
import { headerValue } from '../../http/headers.ts'
import { parseRetryAfter } from '../../http/retry-after.ts'
import type { Clock } from '../../model/clock.ts'
import { codeRow, SluiceError } from '../../model/errors.ts'
import type { ErrorCode } from '../../model/errors.ts'
import type { PageRecord } from '../../model/record.ts'
import { outcomeOfStatus, retryableStatus } from '../../policy/polite.ts'
import { reconnectDelay } from '../../policy/reconnect.ts'
import { createDecoder, shapeOf } from '../../source/stream/create-decoder.ts'
import { StreamCursor } from '../../source/stream/cursor.ts'
import type { Decoder, RawRecord, Shape } from '../../source/stream/decoder.ts'
import { itemsOf } from '../../source/stream/item.ts'
import type { ToItem } from '../../source/stream/item.ts'
import type { SourceRecord } from '../../engine/stream-commit.ts'
import { hostOf } from '../../url/key.ts'
import { RobotsCheck } from './robots-check.ts'
import type { TailPlan } from './tail-plan.ts'

export interface StreamSourceParts {
  readonly plan: TailPlan
  readonly clock: Clock
  readonly frontier: Frontier
  readonly fetcher: Fetcher
  /** Cursor as it was committed last. */
  readonly stored: Uint8Array | undefined
  readonly signal: AbortSignal
  /** Pace of the host, ms. */
  readonly delayMs: number
  readonly maxBytes: number
  /** Connections in a row that may give no record; undefined: any number. */
  readonly retries: number | undefined
  /** A fraction in [0, 1) for each reconnect. */
  readonly chance: (n: number) => number
  /** Records that may still be taken. */
  room(): number
  /** A promise: give no more until it resolves. */
  deliver(records: readonly SourceRecord[], cursor: Uint8Array): Promise<void> | undefined
  /** Settles the stream's request for good. */
  settle(claim: Claim, draft: Omit<PageRecord, 't' | 'run' | 'seq'>): Promise<void>
  emit<Type extends 'request.retried' | 'response.received'>(type: Type, data: BusEvents[Type]): void
  warn(code: string, message: string): void
}

const MOST_REDIRECTS = 10
/** A claim is held from the robots check to the head of the answer. */
const LEASE_MS = 15 * 60_000

/** What came of one attempt to connect, before any record. */
type Attempt =
  | { readonly how: 'open'; readonly ended: Promise<Broken | undefined> }
  | { readonly how: 'retry'; readonly code: ErrorCode; readonly afterMs?: number | undefined; readonly final: Final }
  | { readonly how: 'over'; readonly final: Final }

type Final = Pick<PageRecord, 'outcome'> & Partial<Pick<PageRecord, 'code' | 'message' | 'status' | 'ip' | 'final'>>

interface Broken {
  readonly code: ErrorCode
  readonly message: string
}

interface Head {
  readonly status: number
  readonly rawHeaders: readonly string[]
  readonly address: string
}

export class StreamSource {
  readonly #parts: StreamSourceParts
  readonly #cursor: StreamCursor
  readonly #robots: RobotsCheck
  readonly #key: string
  #failures = 0
  #connections = 0
  #baseMs: number | undefined
  #crawlDelayMs = 0
  #isWarned = false
  #handle: StreamHandle | undefined

  constructor(parts: StreamSourceParts) {
    const { plan, stored, fetcher, frontier, clock } = parts
    this.#parts = parts
    this.#cursor = new StreamCursor(stored, plan.cursor?.field)
    this.#robots = new RobotsCheck(fetcher, frontier, clock, parts.signal)
    this.#key = hostOf(plan.ledgerUrl)
  }

  /** Resolves when the stream is over for good, or the signal has aborted. */
  async run(): Promise<void> {
    const { signal, settle } = this.#parts
    const cancel = (): void => this.#handle?.cancel('the job was stopped')
    signal.addEventListener('abort', cancel, { once: true })
    /** A connection broke, and there may be no other one. */
    let last: Final | undefined
    for (let claim = await this.#claim(); claim !== undefined; claim = await this.#claim()) {
      const attempt: Attempt = last === undefined ? await this.#attempt() : { how: 'over', final: last }
      if (signal.aborted) {
        await this.#release(claim, 0)
        // It may have been opened after the signal.
        cancel()
        if (attempt.how === 'open') await attempt.ended
        break
      }
      if (attempt.how === 'over') {
        await settle(claim, this.#draft(attempt.final))
        break
      }
      if (attempt.how === 'retry') {
        const afterMs = this.#failed(attempt.code, attempt.afterMs)
        if (afterMs === undefined) {
          await settle(claim, this.#draft(attempt.final))
          break
        }
        await this.#release(claim, afterMs)
        continue
      }
      await this.#release(claim, 0)
      const broken = await attempt.ended
      if (signal.aborted) break
      last = await this.#broke(broken)
    }
    signal.removeEventListener('abort', cancel)
  }

  /** The stream's request, as soon as its host may be asked; undefined: stopped. */
  async #claim(): Promise<Claim | undefined> {
    const { frontier, signal, clock } = this.#parts
    while (!signal.aborted) {
      const { claims, nextReadyInMs } = await frontier.claim({ max: 1, leaseMs: LEASE_MS, worker: 'tail' })
      if (claims[0] !== undefined) return claims[0]
      const { promise, resolve } = Promise.withResolvers<void>()
      const timer = clock.setTimer(resolve, Math.max(1, nextReadyInMs ?? 1_000))
      const wake = (): void => resolve()
      signal.addEventListener('abort', wake)
      await promise
      timer.cancel()
      signal.removeEventListener('abort', wake)
    }
    return undefined
  }

  /** Gives the request back; its host is left alone for `afterMs`, its pace at least. */
  async #release(claim: Claim, afterMs: number): Promise<void> {
    const { frontier } = this.#parts
    await frontier.end([{ id: claim.id, paceMs: 0, endedAgoMs: 0 }])
    await frontier.settle({ outcomes: [{ id: claim.id, do: 'release' }] })
    if (afterMs > 0) await frontier.key(this.#key, { blockedForMs: afterMs })
  }

  /** A connection ended without a record, or broke: how long to wait; undefined: it was the last try. */
  #failed(code: ErrorCode, retryAfterMs: number | undefined): number | undefined {
    const { retries, chance, delayMs, emit, plan } = this.#parts
    this.#failures++
    if (retries !== undefined && this.#failures > retries) return undefined
    const floorMs = Math.max(delayMs, this.#crawlDelayMs)
    const fraction = chance(this.#connections)
    const afterMs = reconnectDelay({
      failures: this.#failures,
      fraction,
      baseMs: this.#baseMs,
      floorMs,
      retryAfterMs,
    })
    emit('request.retried', { url: plan.url, code, attempt: this.#failures, afterMs })
    return afterMs
  }

  /** After an open connection: what is final, or undefined to go on after a pause. */
  async #broke(broken: Broken | undefined): Promise<Final | undefined> {
    const { frontier, warn, plan } = this.#parts
    const code = broken?.code ?? 'STREAM_ENDED'
    const message = broken?.message ?? 'the server ended the stream'
    const final: Final = { outcome: 'failed', code, message }
    if (codeRow(code).disposition !== 'retry') return final
    const afterMs = this.#failed(code, undefined)
    if (afterMs === undefined) return final
    if (this.#cursor.value === undefined && this.#cursor.ordinal > 0 && !this.#isWarned) {
      this.#isWarned = true
      const hint = plan.cursor === undefined ? ' (--cursor names a field that says)' : ''
      warn('STREAM_GAP', `${plan.url} does not say how far it has been read${hint}: what it sends meanwhile is missed`)
    }
    await frontier.key(this.#key, { blockedForMs: afterMs })
    return undefined
  }

  async #attempt(): Promise<Attempt> {
    const { plan } = this.#parts
    this.#connections++
    let url = this.#urlToAsk()
    for (let hop = 0; ; hop++) {
      const http = url.replace(/^ws/, 'http')
      if (plan.options.get('robots') !== 'ignore') {
        const refused = await this.#refusal(http)
        if (refused !== undefined) return refused
      }
      const { head, failure, ended } = await this.#connect(url)
      if (head === undefined) return this.#noAnswer(failure as FetchFailure)
      this.#parts.emit('response.received', { url, status: head.status, key: this.#key })
      if (ended !== undefined) return { how: 'open', ended }
      const to = headerValue(head.rawHeaders, 'location')
      const isRedirect = head.status >= 300 && head.status < 400 && head.status !== 304 && to !== undefined
      if (!isRedirect) return this.#answered(head, hop === 0 ? undefined : url)
      const next = redirected(url, to)
      if (next === undefined || hop === MOST_REDIRECTS) {
        const code = next === undefined ? 'BAD_REDIRECT' : 'TOO_MANY_REDIRECTS'
        return { how: 'over', final: { outcome: 'failed', code, status: head.status, message: `to ${to}` } }
      }
      url = next
    }
  }

  /** Undefined: robots.txt lets us. */
  async #refusal(url: string): Promise<Attempt | undefined> {
    const { plan } = this.#parts
    const answer = await this.#robots.check(url, this.#key)
    if ('unreachable' in answer) {
      const { code, message } = answer.unreachable
      const final: Final = { outcome: 'failed', code, message: `robots.txt could not be had: ${message}` }
      const isLasting = code !== 'HTTP_STATUS' && codeRow(code).disposition !== 'retry'
      return isLasting ? { how: 'over', final } : { how: 'retry', code, final }
    }
    this.#crawlDelayMs = answer.crawlDelayMs
    if (answer.allowed || plan.options.get('robots') === 'record') return undefined
    return { how: 'over', final: { outcome: 'skipped', code: answer.code, message: answer.reason } }
  }

  #noAnswer(failure: FetchFailure): Attempt {
    const { code, message, address } = failure
    const outcome = codeRow(code).outcome ?? 'failed'
    const final: Final = { outcome, code, message, ...(address === undefined ? {} : { ip: address }) }
    return codeRow(code).disposition === 'retry' ? { how: 'retry', code, final } : { how: 'over', final }
  }

  /** An answer that is no stream. */
  #answered({ status, rawHeaders, address }: Head, url: string | undefined): Attempt {
    const { clock } = this.#parts
    const facts = { status, ...(address === '' ? {} : { ip: address }), ...(url === undefined ? {} : { final: url }) }
    if (status === 200) {
      const message = 'it answers with a web page, not a stream'
      return { how: 'over', final: { outcome: 'failed', code: 'BAD_FRAMING', message, ...facts } }
    }
    // 204: there is nothing more, do not come back (WHATWG HTML 9.2.3).
    const judged = outcomeOfStatus(status)
    const final: Final = { ...judged, ...facts }
    if (!retryableStatus(status)) return { how: 'over', final }
    const afterMs = parseRetryAfter(headerValue(rawHeaders, 'retry-after'), clock.wall())
    return { how: 'retry', code: judged.code ?? 'HTTP_STATUS', afterMs, final }
  }

  /** `ended` where it is a stream; else the head (if one came) and why there is no more. */
  #connect(url: string): Promise<{
    readonly head: Head | undefined
    readonly failure: FetchFailure | undefined
    readonly ended: Promise<Broken | undefined> | undefined
  }> {
    const { plan, fetcher, maxBytes } = this.#parts
    const ended = Promise.withResolvers<Broken | undefined>()
    return new Promise((resolve) => {
      let reader: Reader | undefined
      let head: Head | undefined
      const stream = fetcher.stream as NonNullable<Fetcher['stream']>
      const handle = stream.call(
        fetcher,
        {
          url,
          headers: this.#headers(),
          maxMessageBytes: maxBytes,
          ...(plan.stallMs === undefined ? {} : { stallMs: plan.stallMs }),
        },
        {
          onHead: (status, rawHeaders, address) => {
            head = { status, rawHeaders, address }
            const shape = this.#shapeOf(head)
            if (shape === undefined) return 'not a stream'
            reader = this.#reader(shape, () => handle)
            resolve({ head, failure: undefined, ended: ended.promise })
            return undefined
          },
          onData: (chunk) => reader?.bytes(chunk),
          onMessage: (message, isBinary) => reader?.message(message, isBinary),
          onEnded: (failure, isWhole) => {
            this.#handle = undefined
            if (reader === undefined) resolve({ head, failure, ended: undefined })
            else ended.resolve(reader.end(failure, isWhole))
          },
        },
      )
      this.#handle = handle
    })
  }

  /** Undefined: what follows this head is no stream. */
  #shapeOf({ status, rawHeaders }: Head): Shape | undefined {
    const { shape } = this.#parts.plan
    if (shape === 'ws') return status === 101 ? shape : undefined
    if (status !== 200) return undefined
    const { essence } = parseContentType(headerValue(rawHeaders, 'content-type'))
    if (shape !== undefined) return shape
    return essence === 'text/html' ? undefined : shapeOf(essence)
  }

  #reader(shape: Shape, handle: () => StreamHandle): Reader {
    const { plan, room, deliver, maxBytes } = this.#parts
    this.#cursor.connected()
    return new Reader({
      shape,
      toItem: itemsOf(shape, plan.parse),
      cursor: this.#cursor,
      maxBytes,
      handle,
      room,
      deliver,
      onRecord: () => {
        this.#failures = 0
      },
      onRetry: (ms) => {
        this.#baseMs = ms
      },
    })
  }

  #headers(): Record<string, string> {
    const { value } = this.#cursor
    const { shape, cursor } = this.#parts.plan
    const headers: Record<string, string> = { Accept: shape === 'sse' ? 'text/event-stream' : '*/*' }
    // UTF-8 on the wire, which a header carries as one character a byte (WHATWG HTML 9.2.3).
    if (value !== undefined && cursor === undefined) headers['Last-Event-ID'] = Buffer.from(value).toString('latin1')
    return headers
  }

  #urlToAsk(): string {
    const { url, cursor } = this.#parts.plan
    const { value } = this.#cursor
    if (cursor === undefined || value === undefined) return url
    const asked = new URL(url)
    asked.searchParams.set(cursor.parameter, value)
    return asked.href
  }

  #draft({ outcome, code, message, status, ip, final }: Final): Omit<PageRecord, 't' | 'run' | 'seq'> {
    return {
      url: this.#parts.plan.ledgerUrl,
      ...(final === undefined ? {} : { final }),
      outcome,
      ...(code === undefined ? {} : { code }),
      ...(message === undefined ? {} : { message }),
      ...(status === undefined ? {} : { status }),
      depth: 0,
      via: 'seed',
      attempt: Math.max(1, this.#connections),
      ...(ip === undefined ? {} : { ip }),
    }
  }
}

interface ReaderParts {
  readonly shape: Shape
  readonly toItem: ToItem
  readonly cursor: StreamCursor
  readonly maxBytes: number
  readonly handle: () => StreamHandle
  readonly room: () => number
  readonly deliver: StreamSourceParts['deliver']
  readonly onRecord: () => void
  readonly onRetry: (ms: number) => void
}

/** The records of one connection. */
class Reader {
  readonly #parts: ReaderParts
  readonly #decoder: Decoder | undefined
  #records: SourceRecord[] = []
  #fault: SluiceError | undefined

  constructor(parts: ReaderParts) {
    this.#parts = parts
    const { shape, maxBytes, onRetry, cursor } = parts
    const lastId = cursor.value
    if (shape === 'ws') return
    this.#decoder = createDecoder(shape, {
      maxBytes,
      onRetry,
      onRecord: (record) => this.#take(record),
      ...(lastId === undefined ? {} : { lastId }),
    })
  }

  bytes(chunk: Uint8Array): void {
    if (this.#fault !== undefined) return
    try {
      this.#decoder?.push(chunk)
    } catch (error) {
      this.#fault = error as SluiceError
    }
    this.#hand()
    if (this.#fault !== undefined) this.#parts.handle().cancel(this.#fault.message)
  }

  message(message: Uint8Array, isBinary: boolean): void {
    const bytes = Buffer.from(message.buffer, message.byteOffset, message.byteLength)
    this.#take(isBinary ? { text: bytes.toString('base64'), isBinary } : { text: bytes.toString() })
    this.#hand()
  }

  /** Why it is over; undefined where the server ended it as it should. */
  end(failure: FetchFailure | undefined, isWhole: boolean): Broken | undefined {
    if (this.#fault !== undefined) return { code: this.#fault.code, message: this.#fault.message }
    if (isWhole) {
      this.#decoder?.end()
      this.#hand()
    }
    return failure
  }

  #take(record: RawRecord): void {
    const { cursor, toItem, room, onRecord } = this.#parts
    if (this.#records.length >= room()) return
    const { ordinal } = cursor
    if (!cursor.take(record)) return
    onRecord()
    this.#records.push({ ...toItem(record), ordinal })
  }

  #hand(): void {
    const records = this.#records
    if (records.length === 0) return
    this.#records = []
    const wait = this.#parts.deliver(records, this.#parts.cursor.encode())
    if (wait === undefined) return
    const handle = this.#parts.handle()
    handle.pause()
    void wait.then(() => handle.resume())
  }
}

/** A redirect keeps to its family: `ws:` follows `http:` as `ws:`. */
function redirected(from: string, to: string): string | undefined {
  if (!URL.canParse(to, from)) return undefined
  const url = new URL(to, from).href
  const isSocket = from.startsWith('ws')
  const next = isSocket ? url.replace(/^http/, 'ws') : url
  return (isSocket ? /^wss?:/ : /^https?:/).test(next) ? next : undefined
}
