/** What another process asks of a live job through its control socket. */
import type { ControlMethod } from './control.ts'
import type { Job, RetryQuery } from './job.ts'

interface Params {
  readonly by?: string
  readonly name?: string
  readonly value?: unknown
  readonly host?: string
  readonly query?: RetryQuery
  readonly dryRun?: boolean
  readonly drainMs?: number
  readonly urls?: readonly string[]
}

/** @throws SluiceError what the job says to it; it crosses the socket with its code */
export async function answerControl(job: Job, method: ControlMethod, params: unknown): Promise<unknown> {
  const {
    by = 'another process',
    name,
    value,
    host,
    query = {},
    dryRun = false,
    drainMs,
    urls = [],
  } = (params ?? {}) as Params
  switch (method) {
    case 'stop':
      await job.stop(`stopped by ${by}`, drainMs)
      return { pid: process.pid }
    case 'pause':
      return job.pause(by)
    case 'resume':
      return job.resume(by)
    case 'set':
      return job.set(String(name), value, by, host)
    case 'retry':
      return job.retry(query, dryRun)
    case 'add':
      return job.add(urls, by)
    case 'workers':
      return job.workers()
    case 'snapshot':
      return job.snapshot()
  }
}
