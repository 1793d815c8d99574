/**
 * One pace per IP address, for keys that share a server. It acts after DNS: a request whose address is busy goes back
 * with a time, and its key waits with it. Live state only; the keys' own clocks are the durable ones.
 */
import { recent } from './recent.ts'

interface Address {
  inFlight: number
  readyAt: number
}

export class IpGate {
  readonly #addresses = recent<Address>(100_000)

  /** Takes a slot of the address; or says how long to wait, ms. */
  enter(ip: string, slots: number, now: number): number {
    const address = this.#addresses.get(ip)
    if (address === undefined) {
      this.#addresses.set(ip, { inFlight: 1, readyAt: 0 })
      return 0
    }
    if (address.readyAt > now) return Math.ceil(address.readyAt - now)
    // Busy: its end is not known; look again after a short while.
    if (address.inFlight >= slots) return 50
    address.inFlight++
    return 0
  }

  leave(ip: string, paceMs: number, endedAt: number): void {
    const address = this.#addresses.get(ip)
    if (address === undefined) return
    address.inFlight--
    address.readyAt = Math.max(address.readyAt, endedAt + paceMs)
  }
}
