/**
 * From options to a job: of pages, or of one endless source. Running the same options again continues it, after any death.
 */
import type { Consumer } from '../engine/context.ts'
import type { Job, JobKind } from './job.ts'
import { resolveOptions } from './options.ts'
import type { JobOptions, ResolvedOptions } from './options.ts'
import { PageJob } from './page-job.ts'
import { planJob } from './prepare.ts'
import { TailJob } from './tail/tail-job.ts'
import { planTail } from './tail/tail-plan.ts'

/** Throws `SluiceError` for bad options at once; nothing is opened before `open` or `run`. */
export function createJob(options: JobOptions & { readonly kind?: JobKind } = {}): Job {
  const { kind = 'crawl', ...rest } = options
  return jobOf(kind, resolveOptions([{ origin: 'options', values: rest }]), process.cwd(), { durable: true })
}

export interface JobExtras {
  /** True: a folder, named after the input when no name is given. */
  readonly durable: boolean
  readonly consumer?: Consumer
}

/** For the command line, which has resolved the options itself. */
export function jobOf(kind: JobKind, options: ResolvedOptions, cwd: string, extras: JobExtras): Job {
  if (kind === 'tail') return new TailJob(planTail(options, cwd, extras.durable))
  return new PageJob(planJob(kind, options, cwd, extras.durable), extras.consumer)
}
