/**
 * Which connection takes which exchange: connections of one origin (and the way to it) up to its limit, all together up to the machine's,
 * idle ones closed oldest first when room is needed. Origins without a connection leave no trace, so a job over any
 * number of them stays small. It knows neither protocol nor limits of time.
 */
import type { Connection, ConnectionOwner, Exchange, OpenConnection } from './transport.ts'
import type { Origin } from './wire.ts'

/** Connections to an origin where the request names no number; what browsers use. */
const CONNECTIONS_AN_ORIGIN = 6

export interface PoolOptions {
  readonly open: OpenConnection
  readonly maxSockets: number
}

interface Site extends ConnectionOwner {
  readonly origin: Origin
  limit: number
  readonly connections: Set<Connection>
  readonly idle: Connection[]
  readonly waiting: Exchange[]
}

export class Pool {
  readonly #open: OpenConnection
  readonly #maxSockets: number
  readonly #sites = new Map<string, Site>()
  /** Idle connections of all origins, the one idle longest first. */
  readonly #idle = new Map<Connection, Site>()
  /** Sites whose exchanges wait for a socket of the whole, first come first served. */
  readonly #starved = new Set<Site>()
  #sockets = 0

  constructor(options: PoolOptions) {
    this.#open = options.open
    this.#maxSockets = options.maxSockets
  }

  /** Connections open or being opened. */
  get sockets(): number {
    return this.#sockets
  }

  /** Origins with connections or exchanges. */
  get origins(): number {
    return this.#sites.size
  }

  /** @param connections connections that may be open to the origin; a larger number than before raises the limit. */
  start(origin: Origin, exchange: Exchange, connections: number | undefined): void {
    const site = this.#siteOf(origin)
    if (connections !== undefined && connections > site.limit) site.limit = connections
    this.#give(site, exchange)
  }

  /** Again on a connection of its own: idle ones to the origin are likely as dead as the one that just was. */
  restart(origin: Origin, exchange: Exchange): void {
    const site = this.#siteOf(origin)
    for (let dead = site.idle.pop(); dead !== undefined; dead = site.idle.pop()) {
      this.#idle.delete(dead)
      this.#forget(site, dead)
      dead.destroy()
    }
    this.#give(site, exchange)
  }

  /** Takes an exchange back that waits for a connection; false where it does not wait. */
  withdraw(origin: Origin, exchange: Exchange): boolean {
    const site = this.#sites.get(origin.route)
    const at = site?.waiting.indexOf(exchange) ?? -1
    if (site === undefined || at === -1) return false
    site.waiting.splice(at, 1)
    this.#tidy(site)
    return true
  }

  /** Ends a connection and the exchange on it. */
  end(origin: Origin, connection: Connection): void {
    const site = this.#sites.get(origin.route)
    if (site === undefined || !site.connections.has(connection)) return
    connection.destroy()
    site.gone(connection)
  }

  close(): void {
    for (const site of this.#sites.values()) {
      for (const connection of site.connections) connection.destroy()
    }
    this.#sites.clear()
    this.#idle.clear()
    this.#starved.clear()
    this.#sockets = 0
  }

  #siteOf(origin: Origin): Site {
    const known = this.#sites.get(origin.route)
    if (known !== undefined) return known
    const site: Site = {
      origin,
      limit: 0,
      connections: new Set(),
      idle: [],
      waiting: [],
      freed: (connection) => this.#freed(site, connection),
      gone: (connection) => this.#gone(site, connection),
    }
    this.#sites.set(origin.route, site)
    return site
  }

  #give(site: Site, exchange: Exchange): void {
    const idle = site.idle.pop()
    if (idle !== undefined) {
      this.#idle.delete(idle)
      idle.start(exchange)
      return
    }
    if (site.connections.size < (site.limit === 0 ? CONNECTIONS_AN_ORIGIN : site.limit)) {
      if (this.#sockets < this.#maxSockets || this.#evict()) {
        this.#connect(site, exchange)
        return
      }
      this.#starved.add(site)
    }
    site.waiting.push(exchange)
  }

  #connect(site: Site, exchange: Exchange): void {
    const connection = this.#open(site.origin, site)
    site.connections.add(connection)
    this.#sockets++
    connection.start(exchange)
  }

  /** Closes the connection that has been idle longest; false where none is. */
  #evict(): boolean {
    for (const [connection, site] of this.#idle) {
      this.#idle.delete(connection)
      site.idle.splice(site.idle.indexOf(connection), 1)
      this.#forget(site, connection)
      connection.destroy()
      this.#tidy(site)
      return true
    }
    return false
  }

  #freed(site: Site, connection: Connection): void {
    if (!site.connections.has(connection)) return
    const next = site.waiting.shift()
    if (next !== undefined) {
      if (site.waiting.length === 0) this.#starved.delete(site)
      connection.start(next)
      return
    }
    site.idle.push(connection)
    this.#idle.set(connection, site)
    if (this.#starved.size > 0) this.#feed()
  }

  #gone(site: Site, connection: Connection): void {
    if (!site.connections.has(connection)) return
    const at = site.idle.indexOf(connection)
    if (at !== -1) {
      site.idle.splice(at, 1)
      this.#idle.delete(connection)
    }
    this.#forget(site, connection)
    if (site.waiting.length > 0) this.#starved.add(site)
    this.#feed()
    this.#tidy(site)
  }

  /** Opens connections for those that wait, as far as there is room. */
  #feed(): void {
    for (const site of this.#starved) {
      const limit = site.limit === 0 ? CONNECTIONS_AN_ORIGIN : site.limit
      while (site.waiting.length > 0 && site.connections.size < limit) {
        if (this.#sockets >= this.#maxSockets && !this.#evict()) return
        this.#connect(site, site.waiting.shift() as Exchange)
      }
      this.#starved.delete(site)
    }
  }

  #forget(site: Site, connection: Connection): void {
    if (site.connections.delete(connection)) this.#sockets--
  }

  #tidy(site: Site): void {
    if (site.connections.size > 0 || site.waiting.length > 0) return
    this.#starved.delete(site)
    if (this.#sites.get(site.origin.route) === site) this.#sites.delete(site.origin.route)
  }
}
