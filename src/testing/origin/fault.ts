/** Scripted faults: every n-th request of a site goes wrong in a chosen way, in the same order in every run. */
import type { Reply } from './reply.ts'
import type { OriginRequest } from './request.ts'

/** A fault as plain data. */
export interface FaultRule {
  /**
   * - `drop`: closed without a byte; `reset`: RST without a byte; `hang`: never answered;
   * - `status`: an error status; `partial`: half of the promised body, then closed; `cut`: RST after half of the body.
   */
  readonly kind: 'drop' | 'reset' | 'hang' | 'status' | 'partial' | 'cut'
  /** The n-th, 2n-th … request it applies to. 1: all. */
  readonly every: number
  /** At most so many times. Default: no end. */
  readonly times?: number
  /** Only paths that begin so. */
  readonly path?: string
  /** Also /robots.txt, which is left alone by default: without it no page of the host would be asked for. */
  readonly robots?: boolean
  /** Of `status`; default 503. */
  readonly status?: number
  /** Of `status`: a Retry-After field. */
  readonly retryAfter?: string
}

/** Replies instead of the site, or undefined: nothing goes wrong this time. */
export type Fault = (request: OriginRequest) => Reply | undefined

export function makeFault(rule: FaultRule): Fault {
  if (!(Number.isInteger(rule.every) && rule.every > 0)) throw new RangeError(`every: ${rule.every} is not 1 or more`)
  const reply = replyOf(rule)
  let seen = 0
  let left = rule.times ?? Number.POSITIVE_INFINITY
  return (request) => {
    if (left === 0) return undefined
    if (rule.path !== undefined && !request.target.startsWith(rule.path)) return undefined
    if (rule.robots !== true && request.target === '/robots.txt') return undefined
    if (++seen % rule.every !== 0) return undefined
    left--
    return reply
  }
}

const HALF = `HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 2000\r\n\r\n${'x'.repeat(1000)}`

function replyOf(rule: FaultRule): Reply {
  switch (rule.kind) {
    case 'drop':
      return { status: 0, steps: [{ end: 'close' }] }
    case 'reset':
      return { status: 0, steps: [{ end: 'reset' }] }
    case 'hang':
      return { status: 0, steps: [{ end: 'hang' }] }
    case 'partial':
      return { status: 200, steps: [{ write: HALF }, { end: 'close' }] }
    case 'cut':
      // The wait lets the bytes leave before the reset, which would throw them away.
      return { status: 200, steps: [{ write: HALF }, { waitMs: 5 }, { end: 'reset' }] }
    case 'status': {
      const status = rule.status ?? 503
      const headers = rule.retryAfter === undefined ? {} : { 'Retry-After': rule.retryAfter }
      return { status, headers, body: `${status}\n` }
    }
  }
}
