/** The machine's clock behind the `Clock` interface. The only file of `src` (tests apart) that reads it. */
import { readFileSync } from 'node:fs'
import { uptime } from 'node:os'
import type { Clock } from '../model/clock.ts'

export function systemClock(): Clock {
  const bootId = readBootId()
  // The kernel's monotonic clock: the same for all processes of a boot, exact to far less than a delay (/proc/uptime is not:
  // its 10 ms once let a key start 4 ms too soon after a restart). A suspended machine makes waits longer, never shorter.
  const bootBase = Number(process.hrtime.bigint()) / 1e6 - performance.now()
  return {
    now: () => performance.now(),
    wall: () => Date.now(),
    bootId,
    bootMs: () => bootBase + performance.now(),
    setTimer(callback, delayMs) {
      const timer = setTimeout(callback, Math.max(0, Math.ceil(delayMs)))
      return { cancel: () => clearTimeout(timer) }
    },
  }
}

function readBootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  } catch {
    // Without a boot id of the kernel: the minute of the boot, which a step of the wall clock changes. The frontier
    // then takes the careful path (wall clock or stored now, whichever is later).
    return `up-${Math.round((Date.now() - uptime() * 1000) / 60_000)}`
  }
}
