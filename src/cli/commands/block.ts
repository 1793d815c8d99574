/** `sluice block JOB HOST…`: nothing more is fetched from a host; its URLs end as skipped. `sluice set … block=false` lifts it. */
import { explainUrl, hostNamed, nameOf, requestControl, storeChange } from '../../job/index.ts'
import { SluiceError } from '../../model/errors.ts'
import type { Cli, Invocation } from '../command.ts'
import { jobAndRest } from '../job-argument.ts'

export async function run({ catalog, terminal, cwd, env }: Cli, invocation: Invocation): Promise<number> {
  const { folder, rest } = jobAndRest(invocation, cwd, env)
  if (rest.length === 0) {
    throw new SluiceError('OPTION_INVALID', 'which host?', { hint: 'sluice block JOB bad.example' })
  }
  for (const given of rest) {
    const host = hostNamed(given)
    const isKnown = (await explainUrl(folder, host)).state !== 'unknown'
    const change = { name: 'block', value: true, by: 'sluice block', host }
    const isLive = (await requestControl(folder, 'set', change)) !== undefined
    if (!isLive) storeChange(folder, change)
    const values = { host, job: nameOf(folder) }
    terminal.say(`${catalog.t(isLive ? 'block.live' : 'block.stored', values)}\n`)
    if (!isKnown) terminal.say(`${catalog.t('set.noUrls', values)}\n`)
  }
  return 0
}
