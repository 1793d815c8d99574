/**
 * A fake web for tests: one process, one port, any number of virtual hosts, every kind of good and bad answer, and a
 * ledger of what arrived. It stands in for the sites a program fetches, never for a part of the program.
 *
 * Written over plain sockets, so that it can send what no HTTP library would and is faster than what it tests.
 */
import { createServer, type AddressInfo, type Server } from 'node:net'
import { ArrivalLog } from './origin/arrival-log.ts'
import { behaviours } from './origin/behaviours.ts'
import { Connection, type Web } from './origin/connection.ts'
import type { Fault, FaultRule } from './origin/fault.ts'
import { type Ledger, ledgerOf } from './origin/ledger.ts'
import { prepare, rawReply, type Reply } from './origin/reply.ts'
import { type Handler, Hosts, type SiteOptions } from './origin/site.ts'

export interface OriginOptions {
  /** Loopback addresses to listen on, all on one port. Default `['127.0.0.1']`. */
  readonly addresses?: readonly string[]
  /** Default: any free one. */
  readonly port?: number
  /** Host or pattern → site, as by `site`. */
  readonly sites?: Readonly<Record<string, SiteOptions>>
  /** Serve the behaviours by path (/status/503, /redirect/3 …) on every host where nothing else answers. Default true. */
  readonly behaviours?: boolean
  /** More request fields for the ledger to keep besides User-Agent, the conditional ones, Range, Referer, Cookie and Authorization. */
  readonly recordHeaders?: readonly string[]
}

export interface ResolveRule {
  readonly pattern: string
  readonly address: string
  readonly port: number
}

export interface Origin extends AsyncDisposable {
  readonly port: number
  readonly addresses: readonly string[]
  /** `http://host/path`, to be fetched with `resolve`. */
  url(host: string, path?: string): string
  /** The same page by address and port: for clients that cannot be told where to connect. */
  directUrl(path?: string): string
  /** Leads every name here: the fetcher's `resolve`. */
  readonly resolve: readonly ResolveRule[]
  /** The same for `--resolve` and the option `resolve`: `*=127.0.0.1:PORT`. */
  readonly resolveFlag: string
  /** Defines or adds to what a host (`a.test`), the names below one (`*.a.test`) or all hosts (`*`) answer. */
  site(host: string, options: SiteOptions): void
  /** Answers a path (or everything below `/folder/*`) of a host or pattern by a function. */
  handle(host: string, path: string, handler: Handler): void
  /** Answers a path with these bytes exactly, then closes the connection (or as told). */
  raw(host: string, path: string, bytes: string | Uint8Array, end?: 'keep' | 'close' | 'reset' | 'hang'): void
  /** Adds a fault; several are asked in order. */
  fault(host: string, fault: FaultRule | Fault): void
  /** Ends all faults of the host or pattern. */
  clearFaults(host: string): void
  /** What arrived, at one host or at all. */
  ledger(host?: string): Ledger
  /** Forgets what arrived so far. */
  clearLedger(): void
  /** Resolves once so many requests (of this host) have arrived since the start or `clearLedger`. */
  until(count: number, host?: string): Promise<void>
  /** Resolves once so many bytes of responses have been handed to the kernel since the start or `clearLedger`. */
  untilSent(bytes: number): Promise<void>
  /** Connections open now. */
  readonly openConnections: number
  /** Stops listening and cuts every connection. */
  close(): Promise<void>
}

const RECORDED = ['if-none-match', 'if-modified-since', 'range', 'referer', 'cookie', 'authorization']
const NOT_FOUND = prepare({ status: 404, body: '<!doctype html><title>Not found</title><h1>Not found</h1>\n' })

/** Starts a fake web. */
export async function startOrigin(options: OriginOptions = {}): Promise<Origin> {
  const addresses = options.addresses ?? ['127.0.0.1']
  if (addresses.length === 0) throw new RangeError('addresses: none given')
  const hosts = new Hosts()
  const log = new ArrivalLog()
  const standard = options.behaviours === false ? (): undefined => undefined : behaviours()
  const open = new Set<Connection>()
  let connections = 0
  for (const [host, site] of Object.entries(options.sites ?? {})) hosts.at(host).configure(site)

  const web: Web = {
    log,
    recorded: new Set([...RECORDED, ...(options.recordHeaders ?? [])].map((name) => name.toLowerCase())),
    respond(request): Reply | Promise<Reply> {
      for (const host of hosts.of(request.host)) {
        const reply = host.respond(request)
        if (reply !== undefined) return reply
      }
      return standard(request) ?? NOT_FOUND
    },
    answerMs: (request) => hosts.answerMs(request),
  }

  const servers: Server[] = []
  async function listen(): Promise<number> {
    let port = options.port ?? 0
    for (const address of addresses) {
      const server = createServer((socket) => {
        const connection = new Connection(socket, ++connections, web)
        open.add(connection)
        socket.on('close', () => open.delete(connection))
      })
      servers.push(server)
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject)
        server.listen({ host: address, port, backlog: 4096 }, resolve)
      })
      port = (server.address() as AddressInfo).port
    }
    return port
  }

  async function stopListening(): Promise<void> {
    const closed = servers.splice(0).map((server) => new Promise<void>((resolve) => server.close(() => resolve())))
    for (const connection of open) connection.destroy()
    open.clear()
    await Promise.all(closed)
  }

  let port = 0
  // A port that is free on the first address can be taken on another: then all move.
  for (let attempt = 1; port === 0; attempt++) {
    try {
      port = await listen()
    } catch (error) {
      await stopListening()
      const taken = (error as NodeJS.ErrnoException).code === 'EADDRINUSE'
      if (!taken || options.port !== undefined || attempt === 20) throw error
    }
  }

  const first = addresses[0] as string
  async function close(): Promise<void> {
    log.close()
    await stopListening()
  }
  return {
    port,
    addresses,
    url: (host, path = '/') => `http://${host}${path}`,
    directUrl: (path = '/') => `http://${first}:${port}${path}`,
    resolve: [{ pattern: '*', address: first, port }],
    resolveFlag: `*=${first}:${port}`,
    site: (host, site) => hosts.at(host).configure(site),
    handle: (host, path, handler) => hosts.at(host).page(path, handler),
    raw: (host, path, bytes, end = 'close') => hosts.at(host).page(path, rawReply(bytes, end)),
    fault: (host, fault) => hosts.at(host).fault(fault),
    clearFaults: (host) => hosts.at(host).clearFaults(),
    ledger: (host) => ledgerOf(log, host),
    clearLedger: () => log.clear(),
    until: (count, host) => log.until(count, host),
    untilSent: (bytes) => log.untilSent(bytes),
    get openConnections() {
      return open.size
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}
