/** Which job a command is about: the positional argument, else `--job`, else `SLUICE_JOB`; undefined: the latest of this directory. */
import { relative } from 'node:path'
import { findJob, isJob } from '../job/index.ts'
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

/** For commands whose words go on behind the job: the first one is the job if there is one of that name. */
export function jobAndRest(
  { positionals, options }: Invocation,
  cwd: string,
  env: NodeJS.ProcessEnv,
): { folder: string; rest: readonly string[] } {
  const [first] = positionals
  const flag = (options.job as string | undefined) ?? (env['SLUICE_JOB'] || undefined)
  if (flag === undefined && first !== undefined && isJob(first, cwd))
    return { folder: findJob(first, cwd), rest: positionals.slice(1) }
  return { folder: findJob(flag, cwd), rest: positionals }
}

/** How the job is named on a command line here: the way to its folder, without the ending. */
export function placeOfJob(folder: string, cwd: string): string {
  return relative(cwd, folder).replace(/\.sluice$/, '')
}
