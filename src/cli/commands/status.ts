/** `sluice status [JOB]`: where a job stands; `--json` prints the snapshot as one line. */
import { findJob, openStatus } from '../../job/index.ts'
import type { Cli, Invocation } from '../command.ts'
import { jobNamed, placeOfJob } from '../job-argument.ts'
import { renderStatus } from '../render/status.ts'
import { plainPaint } from '../terminal.ts'

export async function run({ catalog, terminal, cwd, env }: Cli, invocation: Invocation): Promise<number> {
  const folder = findJob(jobNamed(invocation, env), cwd)
  const status = await openStatus(folder)
  const text =
    invocation.flags.asJson === true
      ? JSON.stringify({ v: 1, ...status })
      : renderStatus(status, {
          catalog,
          place: placeOfJob(folder, cwd),
          columns: terminal.columns(),
          paint: plainPaint,
        }).join('\n')
  terminal.print(`${text}\n`)
  return 0
}
