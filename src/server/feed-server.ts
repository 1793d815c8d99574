/** A feed on ports of this machine: HTTP behind a key, and plain TCP for whoever can connect. */
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import { systemClock } from '../job/open-queues.ts'
import { SluiceError } from '../model/errors.ts'
import { createAccess } from './access.ts'
import { feedApi } from './feed-api.ts'
import { serveFeedOverTcp } from './feed-tcp.ts'
import type { FeedSocket } from './feed-tcp.ts'
import { createFeed } from './feed.ts'
import type { Feed } from './feed.ts'

export interface FeedServerInit {
  /** Of HTTP; 0: any that is free; undefined: none. */
  readonly port: number | undefined
  /** Of plain TCP; the same. */
  readonly tcpPort: number | undefined
  /** Records that a client gets first. */
  readonly last: number
  /** Default: random. */
  readonly key?: string
}

export interface FeedServer {
  readonly feed: Feed
  readonly url: string | undefined
  readonly key: string
  /** Port of plain TCP. */
  readonly tcp: number | undefined
  close(): Promise<void>
}

/** @throws SluiceError OPTION_INVALID: a port is taken. */
export async function serveFeed({ port, tcpPort, last, key }: FeedServerInit): Promise<FeedServer> {
  const feed = createFeed()
  let bound = port ?? 0
  const access = createAccess(() => bound, key)
  let server: ReturnType<typeof serve> | undefined
  let tcp: FeedSocket | undefined
  const close = async (): Promise<void> => {
    feed.close()
    await tcp?.close()
    if (server === undefined) return
    const closed = new Promise((resolve) => server?.close(resolve))
    if ('closeAllConnections' in server) server.closeAllConnections()
    await closed
  }
  try {
    if (port !== undefined) {
      const app = new Hono()
      app.use(access.sameServer)
      app.use(access.known)
      app.route('/', feedApi(feed, systemClock(), last))
      server = serve({ fetch: app.fetch, hostname: '127.0.0.1', port })
      await once(server, 'listening')
      bound = (server.address() as AddressInfo).port
    }
    if (tcpPort !== undefined) tcp = await serveFeedOverTcp(feed, tcpPort, last)
  } catch (cause) {
    await close()
    throw new SluiceError('OPTION_INVALID', `port ${port ?? tcpPort} cannot be used: ${(cause as Error).message}`, {
      cause,
      hint: 'name another one, or none: any that is free is taken',
    })
  }
  const url = server === undefined ? undefined : `http://127.0.0.1:${bound}`
  return { feed, url, key: access.key, tcp: tcp?.port, close }
}
