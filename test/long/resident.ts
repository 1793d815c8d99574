/** What a process takes of the machine's memory, by the kernel's own figures. */
import { readFileSync } from 'node:fs'

export interface Sample {
  readonly urls: number
  readonly mb: number
}

/** MB of 10^6 bytes: `VmRSS` now, `VmHWM` at its highest. Undefined where the process is gone. */
export function residentMb(pid: number, field: 'VmRSS' | 'VmHWM'): number | undefined {
  try {
    const kib = new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
    return kib === undefined ? undefined : (Number(kib) * 1024) / 1_000_000
  } catch {
    return undefined
  }
}

/** Threads of the process, V8's own among them. Undefined where it is gone. */
export function threadsOf(pid: number): number | undefined {
  try {
    const count = /^Threads:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
    return count === undefined ? undefined : Number(count)
  } catch {
    return undefined
  }
}

/** Least squares, MB per URL. */
export function slopeOf(samples: readonly Sample[]): number {
  const meanUrls = samples.reduce((sum, { urls }) => sum + urls, 0) / samples.length
  const meanMb = samples.reduce((sum, { mb }) => sum + mb, 0) / samples.length
  let up = 0
  let down = 0
  for (const { urls, mb } of samples) {
    up += (urls - meanUrls) * (mb - meanMb)
    down += (urls - meanUrls) ** 2
  }
  return up / down
}
