/**
 * The process of one running job: opens it, runs it to its end, tells the service how it ended. It ends with the service,
 * however that one ends, with its state saved. What may be collected was decided before it was started.
 */
import { setFlagsFromString } from 'node:v8'
import { jobOf, resolveOptions } from '../../job/index.ts'
import type { Job } from '../../job/index.ts'
import { SluiceError } from '../../model/errors.ts'
import { RESOLVER } from './job-process.ts'
import type { ChildReport, JobTask } from './job-process.ts'

/** The service is gone: requests in flight go back into the queue at once. */
const LEAVE_MS = 10_000

async function work({ kind, layers, cwd, resolver }: JobTask): Promise<void> {
  if (resolver !== undefined) Object.assign(globalThis, { [RESOLVER]: resolver })
  // As the command line does: see `keepHeapSmall` there.
  setFlagsFromString('--semi-space-growth-factor=1')
  setFlagsFromString('--heap-growing-percent=50')
  let job: Job | undefined
  let isLeaving = false
  const stop = (reason: string, drainMs?: number): void => void job?.stop(reason, drainMs).catch(() => undefined)
  process.on('SIGTERM', () => stop('SIGTERM'))
  // For the service: it tells us.
  process.on('SIGINT', () => undefined)
  process.on('message', (message) => {
    if (message === 'stop') stop('the service stops')
  })
  process.once('disconnect', () => {
    isLeaving = true
    stop('the service is gone', 0)
    setTimeout(() => process.exit(1), LEAVE_MS).unref()
  })
  try {
    job = jobOf(kind, resolveOptions(layers), cwd, { durable: true })
    await job.open()
    tell({ opened: true })
    if (isLeaving) stop('the service is gone', 0)
    const { end, exitCode } = await job.run()
    tell({ end: end ?? 'halted', exitCode })
  } catch (error) {
    if (!(error instanceof SluiceError)) throw error
    const { code, message, hint, exitCode } = error
    tell({ error: { code, message, hint }, exitCode })
  } finally {
    await job?.close()
    if (process.connected) process.disconnect()
  }
}

function tell(report: ChildReport): void {
  if (process.connected) process.send?.(report)
}

process.once('message', (task) => {
  work(task as JobTask).then(
    () => process.exit(0),
    (error: unknown) => {
      console.error(error)
      process.exit(1)
    },
  )
})
