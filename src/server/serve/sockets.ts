/**
 * Durable events of a job over a WebSocket (RFC 6455, by `ws`): a JSON text each, after the number that the client names.
 * Nothing is sent before the key is seen, nothing is taken from the client, and one that does not read is let go.
 */
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { WebSocket, WebSocketServer } from 'ws'
import type { Live } from '../live.ts'

export interface Sockets {
  readonly open: number
  /** @param after number of the last event that the client knows */
  accept(request: IncomingMessage, socket: Duplex, head: Buffer, live: Live, after: number): Promise<void>
  close(): void
}

/** Of what a client sends, which nobody reads. Longer: closed with 1009. */
const LONGEST_MESSAGE = 4096
/** Without news a ping says that the connection lives, ms. */
const PING_MS = 15_000
/** A step of events has to be gone from our memory in that time, ms. */
const PATIENCE_MS = 60_000
/** The server goes away (RFC 6455 7.4.1). */
const GOING_AWAY = 1001

export function createSockets(): Sockets {
  const clients = new Set<WebSocket>()
  let server: Promise<WebSocketServer> | undefined
  return {
    get open() {
      return clients.size
    },
    async accept(request, socket, head, live, after) {
      server ??= import('ws').then(
        ({ WebSocketServer: Server }) =>
          new Server({ noServer: true, maxPayload: LONGEST_MESSAGE, perMessageDeflate: false }),
      )
      const accepting = await server
      accepting.handleUpgrade(request, socket, head, (client) => {
        clients.add(client)
        const left = new AbortController()
        client.on('error', () => client.terminate())
        client.on('close', () => {
          clients.delete(client)
          left.abort()
        })
        tell(client, live, after, left.signal).catch(() => client.terminate())
      })
    },
    close: () => {
      for (const client of clients) client.close(GOING_AWAY)
    },
  }
}

async function tell(client: WebSocket, live: Live, afterId: number, signal: AbortSignal): Promise<void> {
  let after = afterId
  while (!signal.aborted) {
    const told = await live.eventsSoon(after, PING_MS, signal)
    if (signal.aborted) return
    if (told.length === 0) client.ping()
    for (const { event } of told) await gone(client, JSON.stringify(event))
    after = told.at(-1)?.id ?? after
  }
}

/** Resolves once the text is out of our hands: a client that reads slowly has one step of events waiting, never more. */
function gone(client: WebSocket, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const patience = setTimeout(() => {
      client.terminate()
      resolve()
    }, PATIENCE_MS)
    client.send(text, (error) => {
      clearTimeout(patience)
      if (error === undefined || error === null) resolve()
      else reject(error)
    })
  })
}
