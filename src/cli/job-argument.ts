/** Which job a command is about: the positional argument, else `--job`, else `SLUICE_JOB`; undefined: the latest of this directory. */
import { relative } from 'node:path'
import { SluiceError } from '../model/errors.ts'
import type { Invocation } from './command.ts'

export function jobNamed({ command, positionals, options }: Invocation, env: NodeJS.ProcessEnv): string | undefined {
  const [position] = command === 'why' ? [] : positionals
  const flag = options.job as string | undefined
  if (position !== undefined && flag !== undefined && position !== flag) {
    throw new SluiceError('OPTION_INVALID', `two jobs are named: ${position} and --job ${flag}`, {
      hint: 'name one of them',
    })
  }
  return position ?? flag ?? (env['SLUICE_JOB'] || undefined)
}

/** How the job is named on a command line here: the way to its folder, without the ending. */
export function placeOfJob(folder: string, cwd: string): string {
  return relative(cwd, folder).replace(/\.sluice$/, '')
}
