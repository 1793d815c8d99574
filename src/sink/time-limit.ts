/** A limit on the time that a server may take to answer. */

/** No statement of ours takes that long; a connection that hangs is given up. */
const ANSWER_MS = 60_000

/**
 * Rejects where the answer takes longer; the timer neither outlives the answer nor holds the process.
 * @param limitMs milliseconds; default: a minute
 * @throws Error with the code `ETIMEDOUT`: one of the network
 */
export function inTime<T>(answer: Promise<T>, limitMs: number = ANSWER_MS): Promise<T> {
  return new Promise((resolve, reject) => {
    const late = (): void =>
      reject(Object.assign(new Error(`no answer within ${limitMs / 1000} s`), { code: 'ETIMEDOUT' }))
    const timer = setTimeout(late, limitMs).unref()
    answer.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}
