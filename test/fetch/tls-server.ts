/** A server on loopback that answers every request over TLS. */
import type { AddressInfo } from 'node:net'
import { createServer as createTlsServer, type TLSSocket } from 'node:tls'
import type { TestContext } from 'node:test'
import { KEY } from './certificates.ts'
import { reply } from './raw-server.ts'

export interface TlsServer {
  readonly port: number
  readonly seen: { readonly servername: string | false | null; readonly text: string; readonly resumed: boolean }[]
}

/** @param answer bytes of the answer to a request; default: a page. */
export async function tlsServer(
  t: TestContext,
  cert: string,
  answer: (text: string) => Uint8Array = () => reply('secret'),
): Promise<TlsServer> {
  const seen: TlsServer['seen'][number][] = []
  const sockets: TLSSocket[] = []
  const server = createTlsServer({ key: KEY, cert }, (socket) => {
    sockets.push(socket)
    socket.on('error', () => {})
    socket.on('data', (chunk) => {
      const text = chunk.toString('latin1')
      seen.push({ servername: socket.servername, text, resumed: socket.isSessionReused() })
      socket.write(answer(text))
    })
  })
  server.on('tlsClientError', () => {})
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { port: (server.address() as AddressInfo).port, seen }
}
