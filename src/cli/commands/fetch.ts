/** `sluice fetch LIST…`: files, URLs, ranges and `-`; links are not followed. */
import type { Cli, Invocation } from '../command.ts'
import { gatherOptions, readProject } from '../gather.ts'
import { runJob } from '../run-job.ts'
import { stdinIsConnected, stdinUse } from '../stdin-rule.ts'

export async function run(cli: Cli, invocation: Invocation): Promise<number> {
  const { positionals } = invocation
  const project = await readProject(cli)
  const rows = invocation.options.rows as string | undefined
  const stdin = stdinUse({
    positionals: rows === undefined ? positionals : [...positionals, rows],
    config: project.file !== undefined,
    connected: stdinIsConnected(),
  })
  const inputs = stdin === 'implied' ? ['-'] : positionals
  const options = await gatherOptions(cli, invocation, project, inputs)
  return runJob(cli, { kind: 'fetch', options, cwd: cli.cwd, stdin })
}
