/** A server on loopback that answers with exactly the bytes a test gives it, and keeps what it was asked. */
import { createServer, type AddressInfo, type Socket } from 'node:net'
import type { TestContext } from 'node:test'

export interface Asked {
  /** Request line and header fields, as they came. */
  readonly text: string
  readonly path: string
  /** Number of the connection, from 1. */
  readonly connection: number
  /** Number of the request on all connections, from 1. */
  readonly ordinal: number
  readonly socket: Socket
}

export interface RawServer {
  readonly port: number
  readonly origin: string
  readonly asked: Asked[]
  readonly sockets: Socket[]
}

/** @param answer called once for each request; a string or bytes it returns are written as they are. */
export async function rawServer(
  t: TestContext,
  answer: (asked: Asked) => string | Uint8Array | void,
): Promise<RawServer> {
  const asked: Asked[] = []
  const sockets: Socket[] = []
  const server = createServer((socket) => {
    const connection = sockets.push(socket)
    let text = ''
    socket.on('error', () => {})
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1')
      for (let end = text.indexOf('\r\n\r\n'); end !== -1; end = text.indexOf('\r\n\r\n')) {
        const head = text.slice(0, end + 4)
        text = text.slice(end + 4)
        const one: Asked = { text: head, path: head.split(' ')[1] ?? '', connection, ordinal: asked.length + 1, socket }
        asked.push(one)
        const reply = answer(one)
        if (reply !== undefined) socket.write(typeof reply === 'string' ? Buffer.from(reply, 'latin1') : reply)
      }
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return { port, origin: `http://127.0.0.1:${port}`, asked, sockets }
}

/** A whole answer with Content-Length. */
export function reply(
  body: string | Uint8Array,
  headers: Readonly<Record<string, string>> = {},
  status = '200 OK',
): Buffer {
  const bytes = typeof body === 'string' ? Buffer.from(body) : body
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  return Buffer.concat([
    Buffer.from(`HTTP/1.1 ${status}\r\nContent-Length: ${bytes.length}\r\n${lines.join('')}\r\n`, 'latin1'),
    bytes,
  ])
}
