/** How often a client may ask: so many at once, and so many a second after that. What is remembered is bounded. */

export interface RateLimit {
  /** 0: go on; else seconds to wait. */
  take(client: string): number
  /** What is left of the burst. */
  left(client: string): number
  /** Seconds until the whole burst is there again. */
  reset(client: string): number
}

export interface RateLimitInit {
  /** Most at once. */
  readonly burst: number
  readonly perSecond: number
  /** ms of a clock that never goes back. */
  now(): number
}

/** The one that asked longest ago is forgotten: it has its burst again by then. */
const MOST_CLIENTS = 10_000

export function createRateLimit({ burst, perSecond, now }: RateLimitInit): RateLimit {
  const clients = new Map<string, { tokens: number; at: number }>()
  const look = (client: string): { tokens: number; at: number } => {
    const at = now()
    const known = clients.get(client)
    const tokens = known === undefined ? burst : Math.min(burst, known.tokens + ((at - known.at) / 1000) * perSecond)
    return { tokens, at }
  }
  return {
    take(client) {
      const { tokens, at } = look(client)
      const isAllowed = tokens >= 1
      clients.delete(client)
      clients.set(client, { tokens: isAllowed ? tokens - 1 : tokens, at })
      if (clients.size > MOST_CLIENTS) {
        for (const oldest of clients.keys()) {
          clients.delete(oldest)
          break
        }
      }
      return isAllowed ? 0 : Math.ceil((1 - tokens) / perSecond)
    },
    left: (client) => Math.floor(look(client).tokens),
    reset: (client) => Math.ceil((burst - look(client).tokens) / perSecond),
  }
}
