/**
 * Where settings come from: flag > `SLUICE_*` > project file > user file > default. Gathers the layers for the options
 * table to check; it must not know what any option means.
 */
import type { OptionLayer } from '../job/options.ts'
import { SluiceError } from '../model/errors.ts'
import { OPTION_NAMES, envOf, nearest, optionRow, parseOption } from '../model/options.ts'
import type { OptionName } from '../model/options.ts'
import { splitList } from './flags.ts'

/** Ours, but no options: set by the launcher and read by the project's own tests. */
const NOT_OPTIONS: ReadonlySet<string> = new Set(['SLUICE_RELAUNCHED', 'SLUICE_REQUIRE_SHARED'])

/**
 * Settings from the environment, checked one by one so that the message names the variable. Lists hold one value a
 * line. Throws `OPTION_UNKNOWN` for a `SLUICE_…` nobody reads, `OPTION_INVALID` for a bad value.
 */
export function envLayer(env: NodeJS.ProcessEnv): OptionLayer[] {
  const names = OPTION_NAMES.filter((name) => optionRow(name).libraryOnly !== true)
  const byVariable = new Map<string, OptionName>(names.map((name) => [envOf(name), name]))
  const layers: OptionLayer[] = []
  for (const [variable, text] of Object.entries(env)) {
    if (!variable.startsWith('SLUICE_') || NOT_OPTIONS.has(variable) || text === undefined || text === '') continue
    const name = byVariable.get(variable)
    if (name === undefined) {
      const near = nearest(variable, [...byVariable.keys()])
      throw new SluiceError('OPTION_UNKNOWN', `there is no setting ${variable}`, {
        hint: near === undefined ? 'every flag has one: --per-host is SLUICE_PER_HOST' : `did you mean ${near}?`,
      })
    }
    layers.push({ origin: variable, values: { [name]: checked(name, text, variable) } })
  }
  return layers
}

function checked(name: OptionName, text: string, variable: string): unknown {
  const raw = optionRow(name).kind === 'strings' ? text.split('\n').filter(Boolean) : text
  try {
    return parseOption(name, splitList(name, raw))
  } catch (error) {
    if (!(error instanceof SluiceError)) throw error
    throw new SluiceError(
      error.code,
      `${error.message} (${variable})`,
      error.hint === undefined ? {} : { hint: error.hint },
    )
  }
}
