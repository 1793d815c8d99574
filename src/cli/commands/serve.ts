/** `sluice serve`: many jobs on one port, until Ctrl-C; with `--mcp` for a program on standard input instead. */
import { createInterface } from 'node:readline'
import { resolve } from 'node:path'
import type { ResolvedOptions } from '../../job/index.ts'
import type { OptionName } from '../../model/options.ts'
import { SluiceError } from '../../model/errors.ts'
import { createService, listenService, readKeys } from '../../server/serve/index.ts'
import type { ServiceOptions } from '../../server/serve/index.ts'
import type { Cli, Invocation } from '../command.ts'
import { gatherOptions } from '../gather.ts'

/** What a job may say otherwise. */
const DEFAULTS: readonly OptionName[] = ['contact', 'delay']
/** What only whoever runs the service says. */
const FORCED: readonly OptionName[] = [
  ...(['private', 'maxDisk', 'userAgent', 'proxy', 'resolve', 'dns', 'geo', 'durability', 'unsafeLock'] as const),
]
const HIGHEST_PORT = 65_535
const MOST_JOBS = 1000

export async function run(cli: Cli, invocation: Invocation): Promise<number> {
  const { flags } = invocation
  const { catalog, terminal, cwd } = cli
  const options = await gatherOptions(cli, invocation, undefined, [])
  const path = (flag: string | boolean | undefined): string | undefined =>
    typeof flag === 'string' ? resolve(cwd, flag) : undefined
  const dir = path(flags.dir) ?? cwd
  const auth = path(flags.auth)
  const extractors = path(flags.extractors)
  const service: ServiceOptions = {
    dir,
    language: catalog.language,
    readOnly: flags.readOnly === true,
    defaults: given(options, DEFAULTS),
    forced: given(options, FORCED),
    outputs: options.get<string[]>('out') ?? [],
    geoQuota: numberOf('--geo-quota', flags.geoQuota, 1, Number.MAX_SAFE_INTEGER) ?? 1000,
    ...(options.given('geo') ? { geo: (options.get<string[]>('geo') ?? []).map((file) => resolve(cwd, file)) } : {}),
    ...(extractors === undefined ? {} : { extractors }),
    ...(auth === undefined ? {} : { holders: readKeys(auth) }),
    ...(flags.jobs === undefined ? {} : { jobs: numberOf('--jobs', flags.jobs, 1, MOST_JOBS) ?? 1 }),
    ...(typeof flags.allowHost === 'string' ? { hosts: flags.allowHost.split(',') } : {}),
  }
  if (flags.mcp === true) return speak(cli, service)
  const port = numberOf('--port', flags.port, 0, HIGHEST_PORT)
  const listening = await listenService({
    ...service,
    ...(port === undefined ? {} : { port }),
    ...(typeof flags.host === 'string' ? { host: flags.host } : {}),
  })
  try {
    terminal.say(`${catalog.t('serve.open', { dir })}\n`)
    if (auth === undefined) terminal.print(`${listening.url}#k=${listening.service.key}\n`)
    else terminal.print(`${listening.url}\n`)
    if (auth !== undefined) terminal.say(`${catalog.t('serve.keys', { file: auth })}\n`)
    await new Promise<void>((ended) => {
      for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => ended())
    })
  } finally {
    await listening.close()
  }
  return 0
}

/** A line of standard input is a message, a line of standard output its reply; ends with the input. */
async function speak({ terminal }: Cli, options: ServiceOptions): Promise<number> {
  const service = createService(options)
  await service.start()
  try {
    const running = new Set<Promise<void>>()
    for await (const line of createInterface({ input: process.stdin, crlfDelay: Number.POSITIVE_INFINITY })) {
      if (line.trim() === '') continue
      const answered = service.message(line).then((reply) => {
        if (reply !== undefined) terminal.print(`${reply}\n`)
        running.delete(answered)
      })
      running.add(answered)
    }
    await Promise.all(running)
  } finally {
    await service.close()
  }
  return 0
}

function given(options: ResolvedOptions, names: readonly OptionName[]): Record<string, unknown> {
  return Object.fromEntries(
    names.filter((name) => options.given(name)).map((name) => [name, options.get<unknown>(name)] as const),
  )
}

function numberOf(name: string, value: string | boolean | undefined, least: number, most: number): number | undefined {
  if (value === undefined) return undefined
  const number = Number(value)
  if (typeof value === 'string' && value.trim() !== '' && Number.isInteger(number) && number >= least && number <= most)
    return number
  throw new SluiceError(
    'OPTION_INVALID',
    `${name} takes a number from ${least} to ${most}, not ${JSON.stringify(value)}`,
    {
      hint: `${name} ${least}`,
    },
  )
}
