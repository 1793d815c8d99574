/** `sluice crawl URL…`: follows links within a scope. */
import type { Cli, Invocation } from '../command.ts'
import { gatherOptions, readProject } from '../gather.ts'
import { runJob } from '../run-job.ts'

export async function run(cli: Cli, invocation: Invocation): Promise<number> {
  const project = await readProject(cli)
  const options = await gatherOptions(cli, invocation, project, invocation.positionals)
  const stdin = invocation.positionals.includes('-') ? 'asked' : 'never'
  return runJob(cli, { kind: 'crawl', options, cwd: cli.cwd, stdin })
}
