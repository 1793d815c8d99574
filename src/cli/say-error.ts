/**
 * How a command says that it cannot do what was asked: sentences on stderr; with `--json` also one line on standard output,
 * so that a program that reads it need not understand sentences. The same line for every command.
 */
import type { SluiceError } from '../model/errors.ts'
import type { Cli } from './command.ts'
import { renderError } from './render/error.ts'

/** @param exit what the process will end with */
export function sayError({ terminal, catalog }: Cli, error: SluiceError, exit: number, asJson: boolean): void {
  const { code, message, hint, url } = error
  if (asJson) terminal.print(errorLine({ code, message, hint, url, exit }))
  terminal.say(`${renderError(error, catalog, terminal.paint).join('\n')}\n`)
}

/** What is undefined is left out. `code` is missing where the fault is ours. */
export function errorLine(fields: {
  readonly code?: string | undefined
  readonly message: string
  readonly hint?: string | undefined
  readonly url?: string | undefined
  readonly exit: number
}): string {
  return `${JSON.stringify({ v: 1, type: 'error', ...fields })}\n`
}

/** Asked of the words themselves: a command line with a mistake in it has not been understood yet. */
export function wantsJson(argv: readonly string[]): boolean {
  const end = argv.indexOf('--')
  return (end < 0 ? argv : argv.slice(0, end)).some((word) => word === '--json' || word.startsWith('--json='))
}
