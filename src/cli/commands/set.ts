/** `sluice set JOB [HOST] NAME=VALUE…`: changes settings of a job, for all hosts or for one; a live one obeys at once. */
import { explainUrl, hostNamed, nameOf, requestControl, storeChange } from '../../job/index.ts'
import { SluiceError } from '../../model/errors.ts'
import type { Cli, Invocation } from '../command.ts'
import { jobAndRest } from '../job-argument.ts'

export async function run({ catalog, terminal, cwd, env }: Cli, invocation: Invocation): Promise<number> {
  const { folder, rest } = jobAndRest(invocation, cwd, env)
  const named = rest[0]?.includes('=') === false ? rest[0] : undefined
  const settings = named === undefined ? rest : rest.slice(1)
  if (settings.length === 0) throw missing()
  const host = named === undefined ? undefined : hostNamed(named)
  const isKnown = host === undefined || host.startsWith('*.') || (await explainUrl(folder, host)).state !== 'unknown'
  for (const setting of settings) {
    const at = setting.indexOf('=')
    if (at < 1) throw missing()
    const name = setting.slice(0, at).replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())
    const change = { name, value: setting.slice(at + 1), by: 'sluice set', host }
    const isLive = (await requestControl(folder, 'set', change)) !== undefined
    if (!isLive) storeChange(folder, change)
    const values = { setting, job: nameOf(folder), host: host ?? '*' }
    terminal.say(`${catalog.t(isLive ? 'set.live' : 'set.stored', values)}\n`)
  }
  if (!isKnown) terminal.say(`${catalog.t('set.noUrls', { job: nameOf(folder), host: host ?? '*' })}\n`)
  return 0
}

function missing(): SluiceError {
  return new SluiceError('OPTION_INVALID', 'which setting?', { hint: 'sluice set JOB [HOST] delay=6s per-host=2' })
}
