/** `sluice tail FILE|URL`: the records of a stream, or of a file that grows, for ever. */
import type { Cli, Invocation } from '../command.ts'
import { gatherOptions, readProject } from '../gather.ts'
import { runJob } from '../run-job.ts'

export async function run(cli: Cli, invocation: Invocation): Promise<number> {
  const project = await readProject(cli)
  const options = await gatherOptions(cli, invocation, project, invocation.positionals)
  return runJob(cli, { kind: 'tail', options, cwd: cli.cwd, stdin: 'never' })
}
