/** What every command is given and returns; kept apart so that commands do not know each other. */
import type { Catalog } from '../locales/catalog.ts'
import type { OptionName } from '../model/options.ts'
import type { CommandName, OwnFlagName } from './command-names.ts'
import type { Terminal } from './terminal.ts'

/** The process as the command line sees it. */
export interface Cli {
  readonly terminal: Terminal
  readonly catalog: Catalog
  readonly env: NodeJS.ProcessEnv
  readonly cwd: string
  /** Folder of the job in work, once known: where a report of an internal error goes. */
  jobFolder: string | undefined
}

/** A command line, taken apart and checked against the options table. */
export interface Invocation {
  readonly command: CommandName
  readonly positionals: readonly string[]
  /** Values as `parseOption` gives them; only flags that were there. */
  readonly options: Readonly<Partial<Record<OptionName, unknown>>>
  readonly flags: Readonly<Partial<Record<OwnFlagName, string | boolean>>>
}

export interface CommandModule {
  /** Resolves with the exit code; throws `SluiceError` for what the user can mend. */
  run(cli: Cli, invocation: Invocation): Promise<number>
}
