/**
 * `sluice resume [JOB]`: goes on with what the job folder says; flags and environment change it from now on. A live job
 * that is paused is told to go on.
 */
import { findJob, nameOf, requestControl, resolveOptions, resumeOptions } from '../../job/index.ts'
import type { Snapshot } from '../../job/index.ts'
import type { Cli, Invocation } from '../command.ts'
import { jobNamed } from '../job-argument.ts'
import { envLayer } from '../layers.ts'
import { runJob } from '../run-job.ts'

export async function run(cli: Cli, invocation: Invocation): Promise<number> {
  const folder = findJob(jobNamed(invocation, cli.env), cli.cwd)
  const live = (await requestControl(folder, 'snapshot', {})) as Snapshot | undefined
  if (live?.status !== 'paused') return resumeJob(cli, invocation, folder)
  await requestControl(folder, 'resume', { by: 'sluice resume' })
  cli.terminal.say(`${cli.catalog.t('resume.live', { job: nameOf(folder) })}\n`)
  return 0
}

/** Runs the job of a folder with its stored options, and the command's own on top. */
export async function resumeJob(cli: Cli, { options: flags }: Invocation, folder: string): Promise<number> {
  const { kind, options: stored, cwd } = await resumeOptions(folder)
  const options = resolveOptions([
    { origin: 'job', values: stored },
    ...envLayer(cli.env),
    { origin: 'flag', values: flags },
    // Which job it is has been decided: neither --job nor SLUICE_JOB may point to another one now.
    { origin: 'job', values: { job: folder } },
  ])
  return runJob(cli, { kind, options, cwd, stdin: 'never' })
}
