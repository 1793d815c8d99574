/**
 * Clocks for tests: one that stands still until it is told to move, one that runs fast, and one that lets the wall clock
 * jump under a running job. They are `Clock`s like any other; none reads the machine's time by itself.
 */
import type { Clock, TimerHandle } from '../model/clock.ts'

export interface FakeClockOptions {
  /** First `now()`, ms. Default 0. */
  readonly startMs?: number
  /** First `wall()`, ms since 1970. Default 2025-01-01T00:00:00Z. */
  readonly wall?: number
  /** Default `fake-boot-1`; each `reboot` counts on from there. */
  readonly bootId?: string
  /** First `bootMs()`. Default 1,000,000. */
  readonly bootMs?: number
}

export interface FakeClock extends Clock {
  /**
   * Moves time by `ms` and fires what falls due, in order of time, equal times in order of setting. A timer sees the
   * time it was set for; timers it sets fire in the same call where they fall due. A callback that throws stops the
   * call at its time.
   */
  advance(ms: number): void
  /** `advance` up to this `now()`. Throws RangeError for a time that is past. */
  advanceTo(ms: number): void
  /** As `advance`, and lets promises and I/O of the program go on (a turn of the event loop) around every time that fires. */
  advanceAsync(ms: number): Promise<void>
  /** How long until the next timer; null without one. */
  nextTimerInMs(): number | null
  /** Timers that are set. */
  readonly pendingTimers: number
  /** Steps the wall clock, by a negative number back; `now()` and timers do not notice. */
  jumpWall(ms: number): void
  /** The machine starts again: new boot id, `bootMs()` from 0, timers gone with their process. `now` and `wall` go on. */
  reboot(): void
}

interface Timer {
  readonly due: number
  readonly order: number
  readonly callback: () => void
}

/** A deterministic clock. Time moves by `advance` only. */
export function fakeClock(options: FakeClockOptions = {}): FakeClock {
  let now = options.startMs ?? 0
  let wallOffset = (options.wall ?? Date.UTC(2025, 0, 1)) - now
  let bootOffset = (options.bootMs ?? 1_000_000) - now
  let boot = 1
  let bootId = options.bootId ?? 'fake-boot-1'
  let order = 0
  // Sorted by (due, order), latest first: the next one is popped from the end.
  let timers: Timer[] = []

  function insert(timer: Timer): void {
    let low = 0
    let high = timers.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const other = timers[middle] as Timer
      if (other.due > timer.due || (other.due === timer.due && other.order > timer.order)) low = middle + 1
      else high = middle
    }
    timers.splice(low, 0, timer)
  }

  /** Fires the next timer due by `end`; false where there is none. */
  function fireNext(end: number): boolean {
    const next = timers.at(-1)
    if (next === undefined || next.due > end) return false
    timers.pop()
    now = Math.max(now, next.due)
    next.callback()
    return true
  }

  function target(ms: number): number {
    if (!(ms >= 0)) throw new RangeError(`time never goes back: ${ms}`)
    return now + ms
  }

  return {
    now: () => now,
    wall: () => now + wallOffset,
    get bootId() {
      return bootId
    },
    bootMs: () => now + bootOffset,
    setTimer(callback, delayMs): TimerHandle {
      const timer = { due: now + Math.max(0, delayMs), order: order++, callback }
      insert(timer)
      return {
        cancel() {
          const at = timers.indexOf(timer)
          if (at !== -1) timers.splice(at, 1)
        },
      }
    },
    advance(ms) {
      const end = target(ms)
      while (fireNext(end));
      now = end
    },
    advanceTo(ms) {
      this.advance(ms - now)
    },
    async advanceAsync(ms) {
      const end = target(ms)
      await turn()
      for (;;) {
        const due = timers.at(-1)?.due
        if (due === undefined || due > end) break
        while (fireNext(due));
        await turn()
      }
      now = Math.max(now, end)
    },
    nextTimerInMs() {
      const next = timers.at(-1)
      return next === undefined ? null : Math.max(0, next.due - now)
    },
    get pendingTimers() {
      return timers.length
    },
    jumpWall(ms) {
      wallOffset += ms
    },
    reboot() {
      boot++
      bootId = `fake-boot-${boot}`
      bootOffset = -now
      timers = []
    },
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** Nothing due for so long, in ms of the clock: nobody is at work. */
const QUIET_MS = 600

/**
 * `base` with all of its time `factor` times as fast: limits of minutes end in seconds, against real sockets. With `skipMs`
 * time that nobody works in passes at once, in steps of that many ms: waits of a day end in a moment, and whoever talks
 * to a server still has the time that `factor` leaves.
 */
export function fastClock(base: Clock, factor: number, skipMs = 0): Clock {
  const start = base.now()
  const bootStart = base.bootMs()
  let skipped = 0
  let timers: { readonly due: number; readonly callback: () => void }[] = []
  let armed: TimerHandle | undefined
  const now = (): number => start + (base.now() - start) * factor + skipped

  function arm(): void {
    armed?.cancel()
    armed = undefined
    if (timers.length === 0) return
    const inMs = Math.min(...timers.map(({ due }) => due)) - now()
    const isQuiet = skipMs > 0 && inMs > QUIET_MS
    armed = base.setTimer(() => fire(isQuiet ? Math.max(inMs, skipMs) : 0), isQuiet ? 1 : inMs / factor)
  }

  function fire(byMs: number): void {
    skipped += byMs
    const at = now()
    const due = timers.filter((timer) => timer.due <= at).toSorted((a, b) => a.due - b.due)
    timers = timers.filter((timer) => timer.due > at)
    for (const { callback } of due) callback()
    arm()
  }

  return {
    now,
    wall: () => base.wall() + (now() - base.now()),
    get bootId() {
      return base.bootId
    },
    bootMs: () => bootStart + (now() - start),
    setTimer(callback, delayMs) {
      const timer = { due: now() + Math.max(0, delayMs), callback }
      timers.push(timer)
      arm()
      return {
        cancel() {
          timers = timers.filter((other) => other !== timer)
          arm()
        },
      }
    },
  }
}

export interface ClockJump {
  /** When, in ms of `base.now()` since the clock was made. */
  readonly atMs: number
  /** By how much the wall clock steps; negative: back. */
  readonly byMs: number
}

/** `base` with a wall clock that steps at the given times. Everything monotonic is the base's own. */
export function jumpingClock(base: Clock, jumps: readonly ClockJump[]): Clock {
  const start = base.now()
  return {
    now: () => base.now(),
    wall() {
      const elapsed = base.now() - start
      let wall = base.wall()
      for (const { atMs, byMs } of jumps) if (elapsed >= atMs) wall += byMs
      return wall
    },
    get bootId() {
      return base.bootId
    },
    bootMs: () => base.bootMs(),
    setTimer: (callback, delayMs) => base.setTimer(callback, delayMs),
  }
}

/**
 * Reads jumps from a text, as a harness hands them to a child through its environment: `1000:3600000,2500:-7200000`
 * steps one hour ahead after one second and two hours back after 2.5. Throws RangeError for anything else.
 */
export function parseClockJumps(text: string): ClockJump[] {
  if (text.trim() === '') return []
  return text.split(',').map((jump) => {
    const match = /^\s*(\d+):([+-]?\d+)\s*$/.exec(jump)
    if (match === null) throw new RangeError(`not a clock jump (atMs:byMs): ${JSON.stringify(jump)}`)
    return { atMs: Number(match[1]), byMs: Number(match[2]) }
  })
}
