/** `sluice why URL|HOST`: what happened to a URL and why, or what sets the pace of a host. */
import { explainUrl, findJob } from '../../job/index.ts'
import { SluiceError } from '../../model/errors.ts'
import type { Cli, Invocation } from '../command.ts'
import { jobNamed } from '../job-argument.ts'
import { renderWhy } from '../render/why.ts'
import { plainPaint } from '../terminal.ts'

export async function run({ terminal, cwd, env }: Cli, invocation: Invocation): Promise<number> {
  const [subject] = invocation.positionals
  if (subject === undefined) {
    throw new SluiceError('OPTION_INVALID', 'why needs a URL or a host', { hint: 'sluice why https://your.site/page' })
  }
  const why = await explainUrl(findJob(jobNamed(invocation, env), cwd), subject)
  terminal.print(
    `${invocation.flags.asJson === true ? JSON.stringify({ v: 1, ...why }) : renderWhy(why, plainPaint).join('\n')}\n`,
  )
  return 0
}
