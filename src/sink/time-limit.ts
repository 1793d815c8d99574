/** A limit on the time that a server may take to answer. */
import { setTimeout as pause } from 'node:timers/promises'

/** No statement of ours takes that long; a connection that hangs is given up. */
const ANSWER_MS = 60_000

/**
 * Rejects where the answer takes longer; the timer neither outlives the answer nor holds the process.
 * @param limitMs milliseconds; default: a minute
 * @throws Error with the code `ETIMEDOUT`: one of the network
 */
export async function inTime<T>(answer: Promise<T>, limitMs: number = ANSWER_MS): Promise<T> {
  const answered = new AbortController()
  const late = pause(limitMs, undefined, { ref: false, signal: answered.signal }).then(
    () => {
      throw Object.assign(new Error(`no answer within ${limitMs / 1000} s`), { code: 'ETIMEDOUT' })
    },
    // Answered: this promise decides nothing any more.
    () => new Promise<never>(() => undefined),
  )
  try {
    return await Promise.race([answer, late])
  } finally {
    answered.abort()
  }
}
