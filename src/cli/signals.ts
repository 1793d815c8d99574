/**
 * Ctrl-C once drains, twice puts what is in flight back at once, three times leaves without another word (the store
 * survives that). SIGTERM is like the first Ctrl-C.
 */

export type StopSignal = 'SIGINT' | 'SIGTERM'

/**
 * A second signal this soon is the same key press: the terminal signals the whole process group, and a launcher (npx, or
 * our own on an old Node) passes on what it got.
 */
const SAME_PRESS_MS = 100

export interface SignalHandlers {
  /** Stop, letting requests in flight end. */
  drain(signal: StopSignal): void
  /** Stop now. */
  hurry(): void
  /** Nothing helped: leave with this exit code. */
  leave(exitCode: number): void
}

export interface SignalSource {
  on(signal: StopSignal, listener: () => void): unknown
  off(signal: StopSignal, listener: () => void): unknown
}

/** Returns the function that takes the handlers away again. */
export function watchSignals(source: SignalSource, handlers: SignalHandlers, now: () => number): () => void {
  let count = 0
  let last = -Infinity
  const onSignal = (signal: StopSignal): void => {
    const at = now()
    if (at - last < SAME_PRESS_MS) return
    last = at
    count++
    if (count === 1) handlers.drain(signal)
    else if (count === 2) handlers.hurry()
    else handlers.leave(signal === 'SIGINT' ? 130 : 143)
  }
  const onInt = (): void => onSignal('SIGINT')
  const onTerm = (): void => onSignal('SIGTERM')
  source.on('SIGINT', onInt)
  source.on('SIGTERM', onTerm)
  return () => {
    source.off('SIGINT', onInt)
    source.off('SIGTERM', onTerm)
  }
}
