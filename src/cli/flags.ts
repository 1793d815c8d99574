/**
 * Takes a command line apart. Which flags there are, what they are called and what they accept comes from the options
 * table and the command's row; commander only splits the words. An unknown flag is refused with the nearest known one.
 */
import { Command, CommanderError, Option } from 'commander'
import { SluiceError } from '../model/errors.ts'
import { flagOf, nearest, optionRow, parseOption } from '../model/options.ts'
import type { OptionName } from '../model/options.ts'
import type { Invocation } from './command.ts'
import { COMMANDS, optionsOf, ownFlagOf } from './command-table.ts'
import type { CommandRow } from './command-table.ts'
import type { OwnFlagName } from './command-names.ts'

/** Lists of plain words may be given in one argument: `--follow a,area`. Globs and headers hold commas of their own. */
const COMMA_LISTS: ReadonlySet<OptionName> = new Set<OptionName>(['follow', 'gate'])

/** Throws `OPTION_UNKNOWN` or `OPTION_INVALID`. `argv` holds what follows the command's name. */
export function parseInvocation(row: CommandRow, argv: readonly string[]): Invocation {
  const names = optionsOf(row)
  const parser = new Command(row.name).exitOverride().helpOption(false)
  parser.configureOutput({ writeErr: () => undefined, writeOut: () => undefined })
  for (const name of names) addOption(parser, name)
  for (const { name, value } of row.flags) {
    parser.addOption(new Option(value === undefined ? ownFlagOf(name) : `${ownFlagOf(name)} <value>`))
  }
  const { operands, unknown } = split(parser, withBareValues(argv, names))
  if (unknown[0] !== undefined) throw unknownFlag(row, unknown[0])
  if (operands.length > row.most) {
    throw new SluiceError(
      'OPTION_INVALID',
      `sluice ${row.name} takes ${row.takes}; ${JSON.stringify(operands[row.most])} is too much`,
      {
        hint: `sluice help ${row.name}`,
      },
    )
  }
  const given = parser.opts<Record<string, unknown>>()
  const options: Partial<Record<OptionName, unknown>> = {}
  for (const name of names) {
    const value = given[name]
    if (value !== undefined) options[name] = parseOption(name, splitList(name, value))
  }
  const flags: Partial<Record<OwnFlagName, string | boolean>> = {}
  for (const { name } of row.flags) {
    const value = given[name === 'asJson' ? 'json' : name]
    if (value !== undefined) flags[name] = value as string | boolean
  }
  return { command: row.name, positionals: operands, options, flags }
}

/** Lists of words given as one text, by flag or environment, become lists. */
export function splitList(name: OptionName, value: unknown): unknown {
  if (!COMMA_LISTS.has(name)) return value
  return (Array.isArray(value) ? value : [value]).flatMap((item) => String(item).split(',').filter(Boolean))
}

function addOption(parser: Command, name: OptionName): void {
  const row = optionRow(name)
  const long = flagOf(name)
  const short = row.short === undefined ? '' : `-${row.short}, `
  if (row.kind === 'boolean') {
    parser.addOption(new Option(`${short}${long}`))
    parser.addOption(new Option(`--no-${long.slice(2)}`))
    return
  }
  const option = new Option(`${short}${long} <value>`)
  if (row.kind === 'strings')
    option.argParser((value: string, before: string[] | undefined) => [...(before ?? []), value])
  parser.addOption(option)
}

/** `--json` alone means `--json=settled`; a word behind it is an input, never its value. */
function withBareValues(argv: readonly string[], names: readonly OptionName[]): string[] {
  const bare = new Map<string, string>()
  for (const name of names) {
    const value = optionRow(name).bare
    if (value !== undefined) bare.set(flagOf(name), `${flagOf(name)}=${value}`)
  }
  const end = argv.indexOf('--')
  return argv.map((word, i) => (end >= 0 && i > end ? word : (bare.get(word) ?? word)))
}

function split(parser: Command, argv: string[]): { operands: string[]; unknown: string[] } {
  try {
    return parser.parseOptions(argv)
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    const flag = /'[^']*(--[\w-]+)[^']*'/.exec(error.message)?.[1] ?? error.message
    throw new SluiceError('OPTION_INVALID', `${flag} needs a value`, { hint: `sluice help all` })
  }
}

function unknownFlag(row: CommandRow, word: string): SluiceError {
  const flag = word.replace(/=.*$/, '')
  const known = flagsOf(row)
  const elsewhere = COMMANDS.filter((other) => other !== row && flagsOf(other).includes(flag)).map(({ name }) => name)
  const near = nearest(flag, known)
  return new SluiceError('OPTION_UNKNOWN', `sluice ${row.name} has no flag ${flag}`, {
    hint:
      elsewhere.length > 0
        ? `${flag} belongs to: ${elsewhere.join(', ')}`
        : near === undefined
          ? `sluice help ${row.name}`
          : `did you mean ${near}?`,
  })
}

function flagsOf(row: CommandRow): string[] {
  const flags = row.flags.map(({ name }) => ownFlagOf(name))
  for (const name of optionsOf(row)) {
    const { kind, short } = optionRow(name)
    flags.push(flagOf(name))
    if (kind === 'boolean') flags.push(`--no-${flagOf(name).slice(2)}`)
    if (short !== undefined) flags.push(`-${short}`)
  }
  return flags
}
