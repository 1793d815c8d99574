/** `sluice stop [JOB]`: asks the process that runs the job to save its state and end, and waits until it has. */
import { setTimeout as delay } from 'node:timers/promises'
import { findJob, nameOf, openStatus, requestControl } from '../../job/index.ts'
import { shellWord } from '../../model/shell-word.ts'
import type { Cli, Invocation } from '../command.ts'
import { jobNamed, placeOfJob } from '../job-argument.ts'

/** How often the owner is looked for while it drains, ms. */
const LOOK_MS = 100

export async function run({ catalog, terminal, cwd, env }: Cli, invocation: Invocation): Promise<number> {
  const folder = findJob(jobNamed(invocation, env), cwd)
  const job = nameOf(folder)
  const answer = await requestControl(folder, 'stop', { by: 'sluice stop' })
  if (answer === undefined) {
    terminal.say(`${catalog.t('stop.notRunning', { job })}\n`)
    return 0
  }
  terminal.say(`${catalog.t('stop.asked', { job })}\n`)
  // The owner may drain for as long as its --drain says: it ends by itself, so there is no deadline here.
  while (await isLive(folder)) await delay(LOOK_MS)
  const status = await openStatus(folder)
  terminal.say(`${catalog.t('end.saved', { done: status.doneTotal, left: status.left.total })}\n`)
  terminal.say(`${catalog.t('end.continue', { command: `sluice resume ${shellWord(placeOfJob(folder, cwd))}` })}\n`)
  return 0
}

async function isLive(folder: string): Promise<boolean> {
  try {
    return (await requestControl(folder, 'snapshot', {})) !== undefined
  } catch {
    // It answers, though it is closing already.
    return true
  }
}
