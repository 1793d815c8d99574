/** `sluice extract JOB --with FILE`: an extractor over stored pages; what would change, and with --accept the items. */
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { findJob, reExtract } from '../../job/index.ts'
import { SluiceError } from '../../model/errors.ts'
import type { Cli, Invocation } from '../command.ts'
import { EXITS } from '../exit-codes.ts'
import { keepHeapSmall } from '../heap.ts'
import { renderExtraction, renderLeftOut } from '../render/extraction.ts'

export async function run(cli: Cli, { positionals, flags, options }: Invocation): Promise<number> {
  if (typeof flags.with !== 'string') {
    throw new SluiceError('OPTION_INVALID', 'extract needs an extractor module', {
      hint: 'sluice extract JOB --with parser.ts',
    })
  }
  keepHeapSmall()
  const done = await reExtract({
    subjects: subjectsOf(positionals, cli.cwd),
    modules: [flags.with],
    layer: { origin: 'flag', values: options },
    cwd: cli.cwd,
    accept: flags.accept === true,
  })
  cli.terminal.print(`${renderExtraction(done, flags.accept === true, cli.catalog).join('\n')}\n`)
  for (const line of renderLeftOut(done, cli.catalog))
    cli.terminal.say(`${cli.terminal.paint('yellow', '!')} ${line}\n`)
  return done.isWhole ? EXITS.done.code : EXITS.usage.code
}

/** One job, or archives: files and folders that are there and are no job folder. */
function subjectsOf(positionals: readonly string[], cwd: string): string[] {
  const archives = positionals
    .map((word) => resolve(cwd, word))
    .filter((path) => existsSync(path) && !path.endsWith('.sluice'))
  if (archives.length === positionals.length && archives.length > 0) return archives
  if (positionals.length <= 1) return [findJob(positionals[0], cwd)]
  const other = positionals.find((word) => !archives.includes(resolve(cwd, word)))
  throw new SluiceError('INPUT_UNREADABLE', `cannot read ${other}: there is no such file or folder`, {
    hint: 'extract takes one job, or any number of WARC files and folders of them',
  })
}
