/** `sluice run [FILE]`: the project file, or a one-file job. */
import { SluiceError } from '../../model/errors.ts'
import type { Cli, Invocation } from '../command.ts'
import { gatherOptions, readProject } from '../gather.ts'
import { runJob } from '../run-job.ts'

export async function run(cli: Cli, invocation: Invocation): Promise<number> {
  const project = await readProject(cli, invocation.positionals[0])
  if (project.file === undefined) {
    throw new SluiceError(
      'INPUT_UNREADABLE',
      'there is no sluice.config.ts (.mjs, .js, .json, .jsonc, .toml) in this directory',
      {
        hint: 'name the file: sluice run job.ts',
      },
    )
  }
  const kind = project.kind ?? (project.values['lists'] === undefined ? 'crawl' : 'fetch')
  const options = await gatherOptions(cli, invocation, project, [])
  return runJob(cli, { kind, options, cwd: cli.cwd, stdin: 'never' })
}
