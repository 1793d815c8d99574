/**
 * A proxy on loopback that keeps a list of what it was asked for: plain requests in absolute form, CONNECT and SOCKS5
 * (RFC 1928, RFC 1929) on one port, told apart by the first byte. It sends on what it is given; where to is the test's.
 */
import { connect, createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'

/** One request for a connection, or one plain request. */
export interface ProxyAsked {
  readonly by: 'plain' | 'connect' | 'socks5'
  /** As the client named it: a name, or an address. */
  readonly host: string
  readonly port: number
  /** User name of the login that came with it. */
  readonly user: string | undefined
  /** First line of a plain request or a CONNECT. */
  readonly line: string | undefined
}

/** What it does instead of connecting. A number: that status of HTTP, that reply code of SOCKS5. */
export type ProxyTrouble = 'close' | 'hang' | number

export interface ProxyOptions {
  /** Whoever comes without it is refused: 407, or by the methods of SOCKS5. Default: everybody may. */
  readonly login?: { readonly user: string; readonly password: string }
  /** Where a connection really goes, `address:port`; default: to 127.0.0.1 and the port that was named. */
  readonly to?: (host: string, port: number) => string
  /** Asked once the login is right; undefined: no trouble. `count` is 0 for the first. */
  readonly trouble?: (host: string, port: number, count: number) => ProxyTrouble | undefined
}

export interface TestProxy {
  readonly port: number
  /** In order, those that were refused left out. */
  readonly asked: readonly ProxyAsked[]
  /** How often a login was missing or wrong. */
  readonly refused: number
  /** `http://127.0.0.1:port`, with the login where it wants one. Scheme: http unless said. */
  url(scheme?: 'http' | 'socks5' | 'socks5h'): string
  close(): Promise<void>
}

type Opened = (way: Socket) => void

export async function startProxy(options: ProxyOptions = {}): Promise<TestProxy> {
  const proxy = new LoopbackProxy(options)
  await proxy.listen()
  return proxy
}

class LoopbackProxy implements TestProxy {
  port = 0
  refused = 0
  readonly asked: ProxyAsked[] = []
  readonly #options: ProxyOptions
  readonly #sockets = new Set<Socket>()
  readonly #server = createServer((socket) => this.#take(socket))

  constructor(options: ProxyOptions) {
    this.#options = options
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    this.port = (this.#server.address() as AddressInfo).port
  }

  url(scheme: 'http' | 'socks5' | 'socks5h' = 'http'): string {
    const { login } = this.#options
    const user = login === undefined ? '' : `${encodeURIComponent(login.user)}:${encodeURIComponent(login.password)}@`
    return `${scheme}://${user}127.0.0.1:${this.port}`
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #take(socket: Socket): void {
    this.#keep(socket)
    const reader = readerOf(socket)
    const serve = async (): Promise<void> => {
      const [first] = await reader.take(1)
      if (first === 5) await this.#socks(socket, reader)
      else await this.#http(socket, reader, String.fromCharCode(first as number))
    }
    serve().catch(() => socket.destroy())
  }

  async #http(socket: Socket, reader: Reader, first: string): Promise<void> {
    let head = first
    while (!head.endsWith('\r\n\r\n')) head += (await reader.take(1)).toString('latin1')
    const line = head.slice(0, head.indexOf('\r\n'))
    const given = /^proxy-authorization: basic (\S+)\r$/im.exec(head)?.[1]
    const [user, password] = Buffer.from(given ?? '', 'base64')
      .toString()
      .split(':')
    if (!this.#mayPass(given === undefined ? undefined : user, password)) {
      socket.end('HTTP/1.1 407 Login\r\nProxy-Authenticate: Basic realm="test"\r\nContent-Length: 0\r\n\r\n')
      return
    }
    const isTunnel = line.startsWith('CONNECT ')
    const target = new URL(isTunnel ? `http://${line.split(' ')[1]}` : (line.split(' ')[1] as string))
    const port = Number(target.port === '' ? 80 : target.port)
    const by = isTunnel ? 'connect' : 'plain'
    const asked = { by, host: target.hostname, port, user: given === undefined ? undefined : user, line } as const
    this.#goOn(socket, asked, (way) => {
      if (isTunnel) socket.write('HTTP/1.1 200 Connection established\r\n\r\n')
      else way.write(withoutProxy(head), 'latin1')
      reader.pipeTo(way)
    })
  }

  async #socks(socket: Socket, reader: Reader): Promise<void> {
    const [count] = await reader.take(1)
    const methods = await reader.take(count as number)
    const { login } = this.#options
    const method = login === undefined ? 0 : 2
    if (!methods.includes(method)) {
      this.refused++
      socket.end(Buffer.from([5, 0xff]))
      return
    }
    socket.write(Buffer.from([5, method]))
    let user: string | undefined
    if (method === 2) {
      const [, userLength] = await reader.take(2)
      user = (await reader.take(userLength as number)).toString()
      const [passwordLength] = await reader.take(1)
      const password = (await reader.take(passwordLength as number)).toString()
      const mayPass = this.#mayPass(user, password)
      socket.write(Buffer.from([1, mayPass ? 0 : 1]))
      if (!mayPass) {
        socket.end()
        return
      }
    }
    const [, , , kind] = await reader.take(4)
    const host = await hostOf(reader, kind as number)
    const port = (await reader.take(2)).readUInt16BE()
    this.#goOn(socket, { by: 'socks5', host, port, user, line: undefined }, (way) => {
      socket.write(socksReply(0))
      reader.pipeTo(way)
    })
  }

  #mayPass(user: string | undefined, password: string | undefined): boolean {
    const { login } = this.#options
    const mayPass = login === undefined || (login.user === user && login.password === password)
    if (!mayPass) this.refused++
    return mayPass
  }

  #goOn(socket: Socket, asked: ProxyAsked, opened: Opened): void {
    const { to, trouble } = this.#options
    const count = this.asked.push(asked) - 1
    const isSocks = asked.by === 'socks5'
    const wrong = trouble?.(asked.host, asked.port, count)
    if (wrong === 'hang') return
    if (wrong === 'close') socket.destroy()
    else if (wrong !== undefined) refuse(socket, isSocks, wrong)
    if (wrong !== undefined) return
    const [address, port] = (to?.(asked.host, asked.port) ?? `127.0.0.1:${asked.port}`).split(':')
    const way = connect(Number(port), address, () => {
      opened(way)
      if (asked.by === 'plain') answerOnce(way, socket)
      else way.pipe(socket)
    })
    this.#keep(way)
    way.on('error', () => (way.connecting ? refuse(socket, isSocks, isSocks ? 5 : 502) : socket.destroy()))
    way.on('close', () => socket.end())
    socket.on('close', () => way.destroy())
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket)
    socket.on('error', () => socket.destroy())
    socket.on('close', () => this.#sockets.delete(socket))
  }
}

/** What a proxy takes for itself does not go on. */
function withoutProxy(head: string): string {
  return head
    .replace(/^(\S+) http:\/\/[^/\s]+/i, '$1 ')
    .replace(/\r\nproxy-authorization: [^\r]+/i, '')
    .replace(/\r\nconnection: [^\r]+/i, '\r\nConnection: close')
}

/** The answer goes back with the word that it was the last on this connection. */
function answerOnce(way: Socket, client: Socket): void {
  let start = ''
  const read = (chunk: Buffer): void => {
    start += chunk.toString('latin1')
    const end = start.indexOf('\r\n')
    if (end === -1) return
    way.off('data', read)
    client.write(`${start.slice(0, end)}\r\nConnection: close${start.slice(end)}`, 'latin1')
    way.pipe(client)
  }
  way.on('data', read)
}

function refuse(socket: Socket, isSocks: boolean, code: number): void {
  socket.end(isSocks ? socksReply(code) : `HTTP/1.1 ${code} Trouble\r\nContent-Length: 0\r\n\r\n`)
}

function socksReply(code: number): Buffer {
  return Buffer.from([5, code, 0, 1, 127, 0, 0, 1, 0, 0])
}

async function hostOf(reader: Reader, kind: number): Promise<string> {
  if (kind === 1) return [...(await reader.take(4))].join('.')
  if (kind === 4) {
    const bytes = await reader.take(16)
    return Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(i * 2).toString(16)).join(':')
  }
  const [length] = await reader.take(1)
  return (await reader.take(length as number)).toString()
}

interface Reader {
  /** Rejects where the other side ends before. */
  take(count: number): Promise<Buffer>
  /** All that comes from now on. */
  pipeTo(way: Socket): void
}

function readerOf(socket: Socket): Reader {
  let held: Buffer = Buffer.alloc(0)
  let way: Socket | undefined
  let isOver = false
  let wake: (() => void) | undefined
  socket.on('data', (chunk) => {
    if (way !== undefined) {
      way.write(chunk)
      return
    }
    held = Buffer.concat([held, chunk])
    wake?.()
  })
  socket.on('close', () => {
    isOver = true
    wake?.()
  })
  socket.on('end', () => way?.end())
  return {
    async take(count) {
      while (held.length < count) {
        if (isOver) throw new Error('the client has gone')
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
      const taken = held.subarray(0, count)
      held = held.subarray(count)
      return taken
    },
    pipeTo(onward) {
      way = onward
      if (held.length > 0) onward.write(held)
    },
  }
}
