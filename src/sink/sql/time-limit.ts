/** A limit on the time that a server may take to answer. */
import { setTimeout as pause } from 'node:timers/promises'

/** No statement of ours takes that long; a connection that hangs is given up. */
const ANSWER_MS = 60_000

/** Rejects where the answer takes longer than a minute; the timer neither outlives the answer nor holds the process. */
export async function inTime<T>(answer: Promise<T>): Promise<T> {
  const answered = new AbortController()
  const late = pause(ANSWER_MS, undefined, { ref: false, signal: answered.signal }).then(
    () => {
      throw new Error(`no answer within ${ANSWER_MS / 1000} s`)
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
