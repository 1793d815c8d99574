/** `sluice help [COMMAND] [all]`, and what `--help` prints. */
import { SluiceError } from '../../model/errors.ts'
import { nearest } from '../../model/options.ts'
import { COMMAND_NAMES, commandNamed } from '../command-table.ts'
import type { CommandRow } from '../command-table.ts'
import type { Cli, Invocation } from '../command.ts'
import { renderHelp } from '../render/help.ts'
import { readVersion } from '../version.ts'

/** Wider lines are hard to read. */
const WIDEST = 100

export function printHelp(
  { catalog, terminal }: Cli,
  row: CommandRow | undefined,
  all: boolean,
  write: (text: string) => void,
): void {
  const columns = Math.min(WIDEST, terminal.columns())
  write(`${renderHelp(row, { catalog, columns, version: readVersion(), all }).join('\n')}\n`)
}

export async function run(cli: Cli, { positionals }: Invocation): Promise<number> {
  const name = positionals.find((word) => word !== 'all')
  const row = name === undefined ? undefined : commandNamed(name)
  if (name !== undefined && row === undefined) {
    const near = nearest(name, COMMAND_NAMES)
    throw new SluiceError('OPTION_UNKNOWN', `there is no command ${name}`, {
      hint: near === undefined ? 'sluice help lists the commands' : `did you mean sluice help ${near}?`,
    })
  }
  printHelp(cli, row, positionals.includes('all'), cli.terminal.print)
  return 0
}
