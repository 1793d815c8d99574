/** Puts the layers of a command together and has the options table check them. */
import { basename } from 'node:path'
import { loadConfig, resolveOptions } from '../job/index.ts'
import type { JobKind, OptionLayer, ResolvedOptions } from '../job/index.ts'
import { SluiceError } from '../model/errors.ts'
import type { Cli, Invocation } from './command.ts'
import { envLayer } from './layers.ts'
import { userFile } from './user-file.ts'

export interface Project {
  /** Options of the project file, without `kind`. */
  readonly values: Readonly<Record<string, unknown>>
  readonly kind: JobKind | undefined
  readonly file: string | undefined
}

/** `sluice.config.*` of the working directory, or the file named. Throws for a file that is not there or not sound. */
export async function readProject(cli: Cli, file?: string): Promise<Project> {
  const { options, file: found } = await loadConfig(file, cli.cwd)
  const { kind, ...values } = options
  if (kind !== undefined && kind !== 'fetch' && kind !== 'crawl' && kind !== 'tail') {
    throw new SluiceError(
      'OPTION_INVALID',
      `kind: ${JSON.stringify(kind)} is none of fetch, crawl and tail (${String(found)})`,
      {
        hint: "write kind: 'fetch', kind: 'crawl' or kind: 'tail'",
      },
    )
  }
  return { values, kind, file: found }
}

/** flag > environment > project file > user file > default. `inputs` replace those of the files. */
export async function gatherOptions(
  cli: Cli,
  invocation: Invocation,
  project: Project | undefined,
  inputs: readonly string[],
): Promise<ResolvedOptions> {
  const layers: OptionLayer[] = []
  const user = userFile(cli.env)
  if (user !== undefined) layers.push({ origin: user, values: (await loadConfig(user, cli.cwd)).options })
  if (project?.file !== undefined) layers.push({ origin: basename(project.file), values: project.values })
  layers.push(...envLayer(cli.env), { origin: 'flag', values: invocation.options })
  if (inputs.length === 0) return resolveOptions(layers)
  const withoutInputs = layers.map(({ origin, values }) => ({
    origin,
    values: { ...values, seeds: undefined, lists: undefined },
  }))
  return resolveOptions([...withoutInputs, { origin: 'flag', values: { seeds: inputs } }])
}
