/**
 * The client's side of SOCKS5 (RFC 1928) with its login by user name and password (RFC 1929), as a reader of bytes: what
 * the proxy sends goes in, what is to be sent comes out. It has neither socket nor timers: `dial.ts` has both.
 */
import { isIP } from 'node:net'

/** What to do next. `done` leaves nothing unread: a proxy that sends more has not understood. */
export type SocksStep =
  | { readonly do: 'send'; readonly bytes: Buffer }
  | { readonly do: 'wait' }
  | { readonly do: 'done' }
  | { readonly do: 'fail'; readonly why: string; readonly unauthorized?: boolean }

export interface SocksTarget {
  /** An IP address, or a name for the proxy to look up (at most 255 bytes). */
  readonly host: string
  readonly port: number
  readonly login: { readonly user: Buffer; readonly password: Buffer } | undefined
}

const VERSION = 5
const NO_LOGIN = 0
const BY_PASSWORD = 2
const NO_METHOD = 0xff
const CONNECT = 1
const IPV4 = 1
const NAME = 3
const IPV6 = 4

/** RFC 1928 6. */
const REPLIES: readonly string[] = [
  '',
  'failed (general failure)',
  'does not allow the connection (its rules)',
  'cannot reach the network',
  'cannot reach the host',
  'was refused the connection',
  'gave up (TTL expired)',
  'knows no CONNECT',
  'does not take this kind of address',
]

const WAIT: SocksStep = { do: 'wait' }

/** One handshake, from the greeting to the reply that opens the connection. */
export class SocksHandshake {
  readonly #target: SocksTarget
  #expects: 'method' | 'login' | 'reply' = 'method'
  #read: Buffer = Buffer.alloc(0)

  constructor(target: SocksTarget) {
    this.#target = target
  }

  /** The first bytes. A login is offered only where there is one. */
  greeting(): Buffer {
    return Buffer.from(this.#target.login === undefined ? [VERSION, 1, NO_LOGIN] : [VERSION, 2, NO_LOGIN, BY_PASSWORD])
  }

  push(chunk: Buffer): SocksStep {
    this.#read = this.#read.length === 0 ? chunk : Buffer.concat([this.#read, chunk])
    if (this.#expects === 'reply') return this.#reply()
    if (this.#read.length < 2) return WAIT
    // In both the proxy sends two bytes and then waits.
    if (this.#read.length > 2) return { do: 'fail', why: 'sent more than SOCKS5 has at this place' }
    const [version, answer] = this.#read as unknown as [number, number]
    this.#read = Buffer.alloc(0)
    return this.#expects === 'method' ? this.#chosen(version, answer) : this.#loggedIn(answer)
  }

  #chosen(version: number, method: number): SocksStep {
    const { login } = this.#target
    if (version !== VERSION) return { do: 'fail', why: 'gave no answer of SOCKS5' }
    if (method === NO_LOGIN) return this.#connect()
    if (method === BY_PASSWORD && login !== undefined) {
      this.#expects = 'login'
      const { user, password } = login
      return {
        do: 'send',
        bytes: Buffer.concat([Buffer.from([1, user.length]), user, Buffer.from([password.length]), password]),
      }
    }
    const why = login === undefined ? 'wants a login' : 'takes no user name and password'
    return { do: 'fail', why: method === NO_METHOD ? why : `${why} (method ${method})`, unauthorized: true }
  }

  #loggedIn(status: number): SocksStep {
    if (status !== 0) return { do: 'fail', why: 'refused the login', unauthorized: true }
    return this.#connect()
  }

  #connect(): SocksStep {
    const address = addressBytes(this.#target.host)
    if (address === undefined) return { do: 'fail', why: 'takes no name of more than 255 bytes' }
    this.#expects = 'reply'
    const port = Buffer.from([this.#target.port >> 8, this.#target.port & 255])
    return { do: 'send', bytes: Buffer.concat([Buffer.from([VERSION, CONNECT, 0]), address, port]) }
  }

  #reply(): SocksStep {
    const read = this.#read
    if (read.length < 5) return WAIT
    if (read[0] !== VERSION) return { do: 'fail', why: 'gave no answer of SOCKS5' }
    const code = read[1] as number
    if (code !== 0) return { do: 'fail', why: `${REPLIES[code] ?? 'failed'} (reply ${code})` }
    const kind = read[3]
    const length = kind === IPV4 ? 10 : kind === IPV6 ? 22 : kind === NAME ? 7 + (read[4] as number) : undefined
    if (length === undefined) return { do: 'fail', why: 'gave no answer of SOCKS5' }
    if (read.length < length) return WAIT
    return read.length === length ? { do: 'done' } : { do: 'fail', why: 'sent more than SOCKS5 has at this place' }
  }
}

/** Type and address (RFC 1928 5); undefined for a name that is too long. */
function addressBytes(host: string): Buffer | undefined {
  const family = isIP(host)
  if (family === 4) return Buffer.from([IPV4, ...host.split('.').map(Number)])
  if (family === 6) return Buffer.concat([Buffer.from([IPV6]), ipv6Bytes(host)])
  const name = Buffer.from(host)
  return name.length > 255 ? undefined : Buffer.concat([Buffer.from([NAME, name.length]), name])
}

function ipv6Bytes(text: string): Buffer {
  const plain = text.includes('%') ? text.slice(0, text.indexOf('%')) : text
  // An IPv4 address at the end is two groups.
  const hex = plain.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, a: string, b: string, c: string, d: string) =>
    [Number(a) * 256 + Number(b), Number(c) * 256 + Number(d)].map((group) => group.toString(16)).join(':'),
  )
  const [head = '', tail] = hex.split('::')
  const groups = (part: string): string[] => (part === '' ? [] : part.split(':'))
  const front = groups(head)
  const back = tail === undefined ? [] : groups(tail)
  const all = [...front, ...Array.from({ length: 8 - front.length - back.length }, () => '0'), ...back]
  const bytes = Buffer.alloc(16)
  for (const [i, group] of all.entries()) bytes.writeUInt16BE(Number.parseInt(group, 16), i * 2)
  return bytes
}
