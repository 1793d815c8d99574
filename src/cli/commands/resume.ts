/** `sluice resume [JOB]`: goes on with what the job folder says; flags and environment change it from now on. */
import { findJob, resolveOptions, resumeOptions } from '../../job/index.ts'
import type { Cli, Invocation } from '../command.ts'
import { jobNamed } from '../job-argument.ts'
import { envLayer } from '../layers.ts'
import { runJob } from '../run-job.ts'

export async function run(cli: Cli, invocation: Invocation): Promise<number> {
  return resumeJob(cli, invocation, findJob(jobNamed(invocation, cli.env), cli.cwd))
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
