/**
 * Names looked up at name servers that were named, past the system's resolver: no thread waits for an answer, so a name
 * that takes long delays nobody, and answers bring their time to live. Files of the system (`/etc/hosts`) are not read.
 */
import { Resolver, type LookupAddress } from 'node:dns'
import { isIP } from 'node:net'
import { SluiceError } from '../model/errors.ts'
import type { Lookup, LookupCallback } from './names.ts'

/** Open questions. Each is a datagram and a little memory. */
const AT_ONCE = 4_096
/**
 * First wait for an answer, ms; doubled for each of the tries up to the longest. Once a server has answered fast, c-ares
 * begins with a quarter of a second: six tries then still make twelve seconds, more than a fetch waits.
 */
const FIRST_MS = 2_000
const LONGEST_MS = 4_000
const TRIES = 6
/** Lookups begun in one turn of the event loop: the kernel holds a few hundred datagrams a socket and drops the rest. */
const BURST = 16

/** @param servers `address`, `address:port` or `[v6]:port`. Throws `OPTION_INVALID`. */
export function nameServers(servers: readonly string[]): Lookup {
  const resolver = new Resolver({ timeout: FIRST_MS, maxTimeout: LONGEST_MS, tries: TRIES })
  const waiting: (() => void)[] = []
  let begun = 0
  for (const server of servers) checkServer(server)
  resolver.setServers(servers.map((server) => (isIP(server) === 6 ? `[${server}]` : server)))
  const lookup = (hostname: string, callback: LookupCallback): void => {
    const found: LookupAddress[][] = [[], []]
    let ttlMs = Number.POSITIVE_INFINITY
    let fault: NodeJS.ErrnoException | null = null
    let open = 2
    const take =
      (family: 4 | 6) =>
      (error: NodeJS.ErrnoException | null, records: readonly { address: string; ttl: number }[] | undefined): void => {
        for (const { address, ttl } of records ?? []) {
          found[family === 6 ? 0 : 1]?.push({ address, family })
          ttlMs = Math.min(ttlMs, ttl * 1000)
        }
        // Of two failures the one that says more: a name without an address of one kind is a name.
        if (error !== null && (fault === null || fault.code === 'ENODATA')) fault = error
        if (--open > 0) return
        const addresses = interleaved(found[0] ?? [], found[1] ?? [])
        if (addresses.length > 0) callback(null, addresses, ttlMs)
        else callback(fault, [])
      }
    begin(() => {
      resolver.resolve4(hostname, { ttl: true }, take(4))
      resolver.resolve6(hostname, { ttl: true }, take(6))
    })
  }
  const begin = (ask: () => void): void => {
    if (begun >= BURST) {
      waiting.push(ask)
      return
    }
    if (begun++ === 0) setImmediate(nextTurn)
    ask()
  }
  const nextTurn = (): void => {
    begun = 0
    for (const ask of waiting.splice(0, BURST)) begin(ask)
  }
  const close = (): void => {
    waiting.length = 0
    resolver.cancel()
  }
  return Object.assign(lookup, { atOnce: AT_ONCE, close })
}

/** RFC 8305 4: IPv6 first, then families in turn. */
function interleaved(sixes: readonly LookupAddress[], fours: readonly LookupAddress[]): LookupAddress[] {
  const all: LookupAddress[] = []
  for (let i = 0; i < Math.max(sixes.length, fours.length); i++) {
    const [six, four] = [sixes[i], fours[i]]
    if (six !== undefined) all.push(six)
    if (four !== undefined) all.push(four)
  }
  return all
}

function checkServer(server: string): void {
  const match = /^\[([^\]]+)\](?::(\d+))?$/.exec(server) ?? /^([^:]+)(?::(\d+))?$/.exec(server)
  const address = match?.[1] ?? server
  const port = Number(match?.[2] ?? 53)
  if (isIP(address) !== 0 && port > 0 && port < 65_536) return
  throw new SluiceError('OPTION_INVALID', `--dns: ${JSON.stringify(server)} is not ADDRESS[:PORT]`, {
    hint: 'for example --dns 9.9.9.9',
  })
}
