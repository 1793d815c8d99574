/** `--serve` and `--serve-tcp` of `sluice tail`: what is stored goes to whoever listens, numbered as in the job. */
import type { Job, ResolvedOptions } from '../job/index.ts'
import type { Cli } from './command.ts'

/** @returns what closes it. @throws SluiceError OPTION_INVALID for a port that cannot be used */
export async function serveRecords(
  { catalog }: Cli,
  job: Job,
  options: ResolvedOptions,
  say: (text: string) => void,
): Promise<() => Promise<void>> {
  const port = options.get<number>('serve')
  const tcpPort = options.get<number>('serveTcp')
  if (port === undefined && tcpPort === undefined) return async () => undefined
  const { serveFeed } = await import('../server/index.ts')
  const { feed, url, key, tcp, close } = await serveFeed({ port, tcpPort, last: options.get<number>('last') ?? 0 })
  // Numbers of records are kept with the job: they mean the same over a restart.
  job.on('item.stored', ({ position, json }) => void feed.push(json, position + 1))
  say(`${catalog.t('serve.records', { job: job.name })}\n`)
  if (url !== undefined) say(`curl -N -H "Authorization: Bearer ${key}" ${url}/events\n`)
  if (tcp !== undefined) say(`nc 127.0.0.1 ${tcp}\n`)
  return close
}
