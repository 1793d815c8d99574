/**
 * Which connected addresses a job that may not reach inwards refuses (SSRF). Decided on the address itself, never on the
 * name, so that rebinding and odd spellings change nothing.
 */
import { networkInterfaces } from 'node:os'
import ipaddr from 'ipaddr.js'

/**
 * True for addresses of the public internet. Addresses that carry an IPv4 inside (mapped, NAT64 of RFC 6052, 6to4 of
 * RFC 3056, Teredo of RFC 4380) are judged by that one. False for what is no IP address.
 */
export function isPublicAddress(address: string): boolean {
  const bare = address.includes('%') ? address.slice(0, address.indexOf('%')) : address
  if (!ipaddr.isValid(bare)) return false
  const parsed = ipaddr.process(bare)
  const range = parsed.range()
  if (range === 'unicast') return true
  if (parsed instanceof ipaddr.IPv4) return false
  const parts = parsed.parts
  switch (range) {
    case 'rfc6052':
      return isPublicV4(parts[6] as number, parts[7] as number)
    case '6to4':
      return isPublicV4(parts[1] as number, parts[2] as number)
    case 'teredo':
      // The client's address is stored inverted.
      return isPublicV4((parts[6] as number) ^ 0xffff, (parts[7] as number) ^ 0xffff)
    default:
      return false
  }
}

function isPublicV4(high: number, low: number): boolean {
  return new ipaddr.IPv4([high >> 8, high & 255, low >> 8, low & 255]).range() === 'unicast'
}

/**
 * Whether an address and port are among those that nothing may connect to.
 * @param places `ADDRESS:PORT` (IPv6 in brackets), or `*:PORT` for any address of this machine
 */
export function avoiding(places: readonly string[]): (address: string, port: number) => boolean {
  if (places.length === 0) return () => false
  const own = new Set(
    Object.values(networkInterfaces()).flatMap((all) => (all ?? []).map(({ address }) => plain(address))),
  )
  return (address, port) => {
    const bare = plain(address)
    return places.some((place) => {
      const at = place.lastIndexOf(':')
      if (Number(place.slice(at + 1)) !== port) return false
      const host = place.slice(0, at).replace(/^\[|\]$/g, '')
      return host === '*' ? own.has(bare) || isThisMachine(bare) : plain(host) === bare
    })
  }
}

/** Loopback and the unspecified address, which leads there as well. */
function isThisMachine(address: string): boolean {
  if (!ipaddr.isValid(address)) return false
  return ['loopback', 'unspecified'].includes(ipaddr.process(address).range())
}

/** One spelling of each address; IPv4 inside IPv6 as itself. */
function plain(address: string): string {
  const bare = address.includes('%') ? address.slice(0, address.indexOf('%')) : address
  return ipaddr.isValid(bare) ? ipaddr.process(bare).toString() : bare
}
