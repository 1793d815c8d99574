/** What the system says of this process, and how late its event loop is. Measured from the first question on: nobody asks, nobody pays. */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { WorkersFigures } from './job.ts'

export type ProcessFigures = Pick<WorkersFigures, 'pid' | 'uptimeMs' | 'rssBytes' | 'heapBytes' | 'cpuMs' | 'loopDelay'>

/** How often the loop is looked at, ms. */
const RESOLUTION_MS = 20
const NANOSECONDS = 1e6

export function watchProcess(): () => ProcessFigures {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  delay.enable()
  // The histogram counts the pause that was asked for as well.
  const late = (nanoseconds: number): number =>
    Number.isFinite(nanoseconds) ? Math.max(0, Math.round((nanoseconds / NANOSECONDS - RESOLUTION_MS) * 10) / 10) : 0
  return () => {
    const { rss, heapUsed } = process.memoryUsage()
    const { user, system } = process.cpuUsage()
    return {
      pid: process.pid,
      uptimeMs: Math.round(process.uptime() * 1000),
      rssBytes: rss,
      heapBytes: heapUsed,
      cpuMs: Math.round((user + system) / 1000),
      loopDelay: {
        p50Ms: late(delay.percentile(50)),
        p99Ms: late(delay.percentile(99)),
        maxMs: delay.count === 0 ? 0 : late(delay.max),
      },
    }
  }
}
