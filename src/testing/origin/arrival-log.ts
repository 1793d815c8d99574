/**
 * The store behind the ledger of arrivals: a million of them in about 60 MB, as columns in blocks with their texts as
 * bytes. It notes; what the notes mean is `ledger.ts`.
 */

export interface Arrival {
  readonly host: string
  readonly method: string
  /** Path and query. */
  readonly path: string
  /** Monotonic ms (`performance.now()` of the origin's process): the last byte of the request head was there. */
  readonly arrivedAt: number
  /** The same clock; null while it is being answered. */
  readonly endedAt: number | null
  /** Status sent, 0 for none (or not yet). */
  readonly status: number
  /** Number of the connection, from 1. */
  readonly connection: number
  /** Our address it came to. */
  readonly address: string
  /** Bytes of the response handed to the kernel, head included. What lay in buffers when a client died counts as well. */
  readonly sent: number
  /** False: the client closed before we were done, or it is not over. */
  readonly complete: boolean
  /** User-Agent and the other recorded fields, lower case. */
  readonly headers: Readonly<Record<string, string>>
}

/** What is known when a request arrives. Texts are latin1 and cut at 65,535 bytes. */
export interface NewArrival {
  readonly at: number
  readonly host: string
  readonly method: string
  readonly path: string
  readonly connection: number
  readonly address: string
  readonly userAgent: string
  /** `name: value` lines. */
  readonly recorded: string
}

const BLOCK_ROWS = 1 << 15
const BLOCK_TEXT = 1 << 20
const MAX_TEXT = 0xffff
const ENDED = 1
const COMPLETE = 2

/** Columns of `BLOCK_ROWS` arrivals. */
class Block {
  readonly arrived = new Float64Array(BLOCK_ROWS)
  readonly ended = new Float64Array(BLOCK_ROWS)
  readonly sent = new Float64Array(BLOCK_ROWS)
  readonly host = new Uint32Array(BLOCK_ROWS)
  readonly connection = new Uint32Array(BLOCK_ROWS)
  /** Where path and fields lie in the text blocks, counted over all of them. */
  readonly text = new Uint32Array(BLOCK_ROWS)
  readonly pathLength = new Uint16Array(BLOCK_ROWS)
  readonly recordedLength = new Uint16Array(BLOCK_ROWS)
  readonly status = new Uint16Array(BLOCK_ROWS)
  readonly agent = new Uint16Array(BLOCK_ROWS)
  readonly address = new Uint16Array(BLOCK_ROWS)
  readonly method = new Uint8Array(BLOCK_ROWS)
  readonly flags = new Uint8Array(BLOCK_ROWS)
}

/** Numbers for names that come again and again. */
class Names {
  readonly #ids = new Map<string, number>()
  readonly #list: string[] = []
  readonly #max: number

  /** At most `max`; further names share the last number and are called `…`. */
  constructor(max: number) {
    this.#max = max
  }

  id(name: string): number {
    const known = this.#ids.get(name)
    if (known !== undefined) return known
    if (this.#list.length >= this.#max - 1) {
      this.#list[this.#max - 1] = '…'
      return this.#max - 1
    }
    this.#ids.set(name, this.#list.length)
    return this.#list.push(name) - 1
  }

  find(name: string): number | undefined {
    return this.#ids.get(name)
  }

  name(id: number): string {
    return this.#list[id] as string
  }

  get size(): number {
    return this.#list.length
  }
}

/** Times of one arrival; `ended` is Infinity while it is being answered. */
export type VisitTimes = (row: number, host: number, arrived: number, ended: number, complete: boolean) => void

interface Waiter {
  /** What is waited for, in words. */
  readonly what: string
  readonly holds: () => boolean
  readonly resolve: () => void
  readonly reject: (reason: Error) => void
}

export class ArrivalLog {
  #blocks: Block[] = []
  #texts: Buffer[] = []
  #textAt = BLOCK_TEXT
  #rows = 0
  /** Rows before the last `clear`: their late ends are ignored. */
  #cleared = 0
  readonly #hosts = new Names(2 ** 32)
  readonly #agents = new Names(2 ** 16)
  readonly #methods = new Names(2 ** 8)
  readonly #addresses = new Names(2 ** 16)
  #perHost: number[] = []
  #sent = 0
  #waiters: Waiter[] = []

  /** Returns the ticket for `end`. */
  add(arrival: NewArrival): number {
    const { path, recorded } = arrival
    const row = this.#rows++
    const index = row % BLOCK_ROWS
    if (index === 0) this.#blocks.push(new Block())
    const block = this.#blocks[this.#blocks.length - 1] as Block
    const host = this.#hosts.id(arrival.host)
    block.arrived[index] = arrival.at
    block.host[index] = host
    block.connection[index] = arrival.connection
    block.agent[index] = this.#agents.id(arrival.userAgent)
    block.method[index] = this.#methods.id(arrival.method)
    block.address[index] = this.#addresses.id(arrival.address)
    const pathLength = Math.min(path.length, MAX_TEXT)
    const recordedLength = Math.min(recorded.length, MAX_TEXT)
    if (this.#textAt + pathLength + recordedLength >= BLOCK_TEXT) {
      this.#texts.push(Buffer.allocUnsafeSlow(BLOCK_TEXT))
      this.#textAt = 0
    }
    const text = this.#texts[this.#texts.length - 1] as Buffer
    block.text[index] = (this.#texts.length - 1) * BLOCK_TEXT + this.#textAt
    block.pathLength[index] = pathLength
    block.recordedLength[index] = recordedLength
    text.write(path, this.#textAt, pathLength, 'latin1')
    this.#textAt += pathLength
    if (recordedLength > 0) text.write(recorded, this.#textAt, recordedLength, 'latin1')
    this.#textAt += recordedLength
    this.#perHost[host] = (this.#perHost[host] ?? 0) + 1
    if (this.#waiters.length > 0) this.#wake()
    return this.#cleared + row
  }

  /** Bytes of its response have been handed to the kernel. */
  wrote(ticket: number, bytes: number): void {
    const row = ticket - this.#cleared
    if (row < 0) return
    const { sent } = this.#block(row)
    const index = row % BLOCK_ROWS
    sent[index] = (sent[index] as number) + bytes
    this.#sent += bytes
    if (this.#waiters.length > 0) this.#wake()
  }

  end(ticket: number, at: number, status: number, complete: boolean): void {
    const row = ticket - this.#cleared
    if (row < 0) return
    const block = this.#block(row)
    const index = row % BLOCK_ROWS
    block.ended[index] = at
    block.status[index] = status
    block.flags[index] = complete ? ENDED | COMPLETE : ENDED
  }

  /** Forgets everything noted so far; host numbers stay. */
  clear(): void {
    this.#cleared += this.#rows
    this.#rows = 0
    this.#sent = 0
    this.#blocks = []
    this.#texts = []
    this.#textAt = BLOCK_TEXT
    this.#perHost = []
  }

  /** Resolves once `count` requests (of this host) have arrived since the last `clear`. Rejects at `close`. */
  until(count: number, host?: string): Promise<void> {
    const holds = (): boolean => this.count(host === undefined ? undefined : this.hostNumber(host)) >= count
    return this.#wait(`${count} requests arrived`, holds)
  }

  /** Resolves once so many bytes of responses have been sent since the last `clear`. Rejects at `close`. */
  untilSent(bytes: number): Promise<void> {
    return this.#wait(`${bytes} bytes were sent`, () => this.#sent >= bytes)
  }

  /** Ends all waiting with an error. */
  close(): void {
    for (const { what, reject } of this.#waiters) reject(new Error(`origin closed before ${what}`))
    this.#waiters = []
  }

  get hostCount(): number {
    return this.#hosts.size
  }

  hostName(host: number): string {
    return this.#hosts.name(host)
  }

  /** Number of a host; -1 where it never came. */
  hostNumber(name: string): number {
    return this.#hosts.find(name.toLowerCase()) ?? -1
  }

  /** Requests of a host, or of all. */
  count(host?: number): number {
    return host === undefined ? this.#rows : (this.#perHost[host] ?? 0)
  }

  /** Visits the times of the arrivals of a host, or of all, in order of arrival. */
  times(only: number | undefined, visit: VisitTimes): void {
    for (let row = 0; row < this.#rows; row++) {
      const block = this.#block(row)
      const index = row % BLOCK_ROWS
      const host = block.host[index] as number
      if (only !== undefined && host !== only) continue
      const flags = block.flags[index] as number
      const ended = (flags & ENDED) === 0 ? Number.POSITIVE_INFINITY : (block.ended[index] as number)
      visit(row, host, block.arrived[index] as number, ended, (flags & COMPLETE) !== 0)
    }
  }

  /** An arrival in full. */
  arrival(row: number): Arrival {
    const block = this.#block(row)
    const index = row % BLOCK_ROWS
    const at = block.text[index] as number
    const text = this.#texts[Math.floor(at / BLOCK_TEXT)] as Buffer
    const start = at % BLOCK_TEXT
    const middle = start + (block.pathLength[index] as number)
    const headers: Record<string, string> = {}
    const agent = this.#agents.name(block.agent[index] as number)
    if (agent !== '') headers['user-agent'] = agent
    for (const line of text.toString('latin1', middle, middle + (block.recordedLength[index] as number)).split('\n')) {
      const colon = line.indexOf(': ')
      if (colon > 0) headers[line.slice(0, colon)] = line.slice(colon + 2)
    }
    const flags = block.flags[index] as number
    return {
      host: this.#hosts.name(block.host[index] as number),
      method: this.#methods.name(block.method[index] as number),
      path: text.toString('latin1', start, middle),
      arrivedAt: block.arrived[index] as number,
      endedAt: (flags & ENDED) === 0 ? null : (block.ended[index] as number),
      status: block.status[index] as number,
      connection: block.connection[index] as number,
      address: this.#addresses.name(block.address[index] as number),
      sent: block.sent[index] as number,
      complete: (flags & COMPLETE) !== 0,
      headers,
    }
  }

  #block(row: number): Block {
    return this.#blocks[Math.floor(row / BLOCK_ROWS)] as Block
  }

  #wait(what: string, holds: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiters.push({ what, holds, resolve, reject })
      this.#wake()
    })
  }

  #wake(): void {
    this.#waiters = this.#waiters.filter(({ holds, resolve }) => {
      if (!holds()) return true
      resolve()
      return false
    })
  }
}
