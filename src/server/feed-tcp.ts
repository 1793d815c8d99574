/** A feed over plain TCP, a line a record: `nc` is enough. Whoever can connect may read: it listens on loopback. */
import { createServer } from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'
import { once } from 'node:events'
import type { Feed } from './feed.ts'
import { linesOf } from './feed-api.ts'

export interface FeedSocket {
  readonly port: number
  close(): Promise<void>
}

/** @param last records that a client gets first. @throws the error of the port */
export async function serveFeedOverTcp(feed: Feed, port: number, last: number): Promise<FeedSocket> {
  const sockets = new Set<Socket>()
  const server: Server = createServer((socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    void write(feed, socket, last)
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      const closed = once(server, 'close')
      server.close()
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}

async function write(feed: Feed, socket: Socket, last: number): Promise<void> {
  const client = feed.join(Math.max(0, feed.newest - last), () => socket.destroy())
  socket.once('close', () => client.leave())
  socket.on('error', () => socket.destroy())
  // What a client says is not asked for.
  socket.resume()
  for (let batch = await client.next(); batch !== undefined; batch = await client.next()) {
    if (socket.write(linesOf(batch)) || socket.destroyed) continue
    await new Promise<void>((resolve) => socket.once('drain', resolve).once('close', resolve))
  }
  socket.end()
}
