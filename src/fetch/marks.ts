/** When what happened to one exchange: the times of a `Response`, and where it was connected to. */
import type { Timing } from '../model/response.ts'
import type { Connection } from './transport.ts'

/** Readings of the clock, ms; 0: not yet. */
export class Marks {
  assignedAt = 0
  sentAt = 0
  answeredAt = 0
  endedAt = 0
  /** Connected IP address; '' while there is none. */
  address = ''
  #dnsMs = 0
  #connectMs = 0
  #tlsMs = 0

  sent(now: number, connection: Connection | undefined): void {
    this.sentAt = now
    const dial = connection?.dial
    if (dial === undefined) return
    this.address = dial.address
    // Only the first exchange on a socket paid for its opening.
    if (connection?.served !== 1) return
    this.#dnsMs = dial.dnsMs
    this.#connectMs = dial.connectMs
    this.#tlsMs = dial.tlsMs
  }

  timing(): Timing {
    return {
      waitMs: 0,
      dnsMs: tenth(this.#dnsMs),
      connectMs: tenth(this.#connectMs),
      tlsMs: tenth(this.#tlsMs),
      firstByteMs: tenth(this.answeredAt - this.sentAt),
      bodyMs: tenth(this.endedAt - this.answeredAt),
      totalMs: tenth(this.endedAt - this.assignedAt),
    }
  }
}

function tenth(ms: number): number {
  return ms > 0 ? Math.round(ms * 10) / 10 : 0
}
