/** `sluice pause [JOB]`: nothing new starts in a running job until `sluice resume`; what is in flight ends. */
import { findJob, nameOf, requestControl } from '../../job/index.ts'
import { shellWord } from '../../model/shell-word.ts'
import type { Cli, Invocation } from '../command.ts'
import { jobNamed, placeOfJob } from '../job-argument.ts'

export async function run({ catalog, terminal, cwd, env }: Cli, invocation: Invocation): Promise<number> {
  const folder = findJob(jobNamed(invocation, env), cwd)
  const job = nameOf(folder)
  // The owner answers null: undefined means that there is none.
  if ((await requestControl(folder, 'pause', { by: 'sluice pause' })) === undefined) {
    terminal.say(`${catalog.t('stop.notRunning', { job })}\n`)
    return 0
  }
  terminal.say(`${catalog.t('pause.done', { job })}\n`)
  terminal.say(`${catalog.t('open.paused', { command: `sluice resume ${shellWord(placeOfJob(folder, cwd))}` })}\n`)
  return 0
}
