/** `sluice ui [JOB]`: the dashboard of a job, running or not, in the browser, until Ctrl-C. */
import { findJob, nameOf } from '../../job/index.ts'
import { SluiceError } from '../../model/errors.ts'
import { openDashboard } from '../../server/index.ts'
import type { Cli, Invocation } from '../command.ts'
import { keepHeapSmall } from '../heap.ts'
import { jobNamed } from '../job-argument.ts'

export async function run({ catalog, terminal, cwd, env }: Cli, invocation: Invocation): Promise<number> {
  const folder = findJob(jobNamed(invocation, env), cwd)
  keepHeapSmall()
  const dashboard = await openDashboard({
    folder,
    port: portOf(invocation.flags.port),
    language: catalog.language,
    readOnly: invocation.flags.readOnly === true,
  })
  try {
    terminal.say(`${catalog.t('ui.open', { job: nameOf(folder) })}\n`)
    terminal.print(`${dashboard.url}\n`)
    await ended()
  } finally {
    await dashboard.close()
  }
  return 0
}

function portOf(given: unknown): number {
  if (given === undefined) return 0
  const port = Number(given)
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port
  throw new SluiceError('OPTION_INVALID', `--port takes a number from 0 to 65535, not ${JSON.stringify(given)}`, {
    hint: '--port 0 takes any port that is free',
  })
}

function ended(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => resolve())
    // Opened by a job for as long as it runs: it is gone.
    process.once('disconnect', () => resolve())
  })
}
