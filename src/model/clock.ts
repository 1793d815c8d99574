/**
 * Time as a dependency. Nothing below `engine` reads the machine's clock; whoever needs time is given one of these, so
 * that a six-hour polite crawl tests in milliseconds and a step of the wall clock cannot break a host's delay.
 */
export interface Clock {
  /** Monotonic milliseconds (fractions allowed); never goes back, origin arbitrary. */
  now(): number
  /** Milliseconds since 1970 by the wall clock; may jump. Only for records and messages, and once at open. */
  wall(): number
  /** Changes with each boot of the machine; equal boot ids mean `bootMs` readings of two processes compare. */
  readonly bootId: string
  /** Milliseconds since boot: monotonic, shared by all processes of one boot. */
  bootMs(): number
  /** Calls `callback` once, not before `delayMs` from now. */
  setTimer(callback: () => void, delayMs: number): TimerHandle
}

export interface TimerHandle {
  cancel(): void
}
