/** A client that hides nothing: sends bytes, keeps the bytes that come back. And a fake web that ends with its test. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { TestContext } from 'node:test'
import { type Origin, type OriginOptions, startOrigin } from '../../src/testing/origin.ts'

export interface Heard {
  /** Everything received until the connection was over. */
  readonly text: string
  readonly bytes: Buffer
  /** Code of the socket error; undefined after a plain end. */
  readonly error: string | undefined
  /** Status of the first status line, 0 without one. */
  readonly status: number
  /** Head of the first reply, without its blank line. */
  readonly head: string
  /** All after the first blank line. */
  readonly body: string
}

export interface Asking {
  readonly host?: string
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  /** Written as latin1. */
  readonly body?: string
}

/** The bytes of a request. Asks for the connection to be closed unless `headers` say something about it. */
export function requestBytes(path: string, asking: Asking = {}): string {
  const headers = { Connection: 'close', ...asking.headers }
  const fields = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  const length = asking.body === undefined ? '' : `Content-Length: ${asking.body.length}\r\n`
  const line = `${asking.method ?? 'GET'} ${path} HTTP/1.1\r\nHost: ${asking.host ?? 'a.test'}\r\n`
  return `${line}${fields.join('')}${length}\r\n${asking.body ?? ''}`
}

/** Sends one request and listens until the connection is over. */
export async function ask(port: number, path: string, asking: Asking = {}, address = '127.0.0.1'): Promise<Heard> {
  return await send(port, requestBytes(path, asking), address)
}

/** Sends bytes and listens until the connection is over. */
export async function send(port: number, bytes: string, address = '127.0.0.1'): Promise<Heard> {
  const parts: Buffer[] = []
  let error: string | undefined
  const socket = connect({ port, host: address })
  socket.on('data', (chunk: Buffer) => parts.push(chunk))
  socket.on('error', (cause: NodeJS.ErrnoException) => {
    error = cause.code
  })
  socket.write(bytes, 'latin1')
  await new Promise<void>((resolve) => socket.once('close', () => resolve()))
  return heard(Buffer.concat(parts), error)
}

export function heard(bytes: Buffer, error?: string): Heard {
  const text = bytes.toString('latin1')
  const blank = text.indexOf('\r\n\r\n')
  return {
    text,
    bytes,
    error,
    status: Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0),
    head: blank === -1 ? text : text.slice(0, blank),
    body: blank === -1 ? '' : text.slice(blank + 4),
  }
}

/** An open connection, for requests one after the other. */
export interface Line {
  readonly socket: Socket
  write(bytes: string): void
  /** Resolves once what has been received since the last call contains this; gives it and forgets it. */
  read(until: string): Promise<string>
  /** Resolves when the other side has closed. */
  closed: Promise<unknown>
}

export async function openLine(port: number, address = '127.0.0.1'): Promise<Line> {
  const socket = connect({ port, host: address })
  await once(socket, 'connect')
  let text = ''
  let wake: (() => void) | undefined
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1')
    wake?.()
  })
  socket.on('error', () => {})
  return {
    socket,
    write: (bytes) => void socket.write(bytes, 'latin1'),
    async read(until) {
      while (!text.includes(until)) await new Promise<void>((resolve) => (wake = resolve))
      const all = text
      text = ''
      return all
    },
    closed: new Promise((resolve) => socket.once('close', resolve)),
  }
}

/** A fake web that is closed with the test, failed or not. */
export async function openWeb(test: TestContext, options?: OriginOptions): Promise<Origin> {
  const origin = await startOrigin(options)
  test.after(() => origin.close())
  return origin
}
