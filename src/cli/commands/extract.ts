/** `sluice extract JOB --with FILE`: an extractor over stored pages; what would change, and with --accept the items. */
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { findJob, reExtract } from '../../job/index.ts'
import { SluiceError } from '../../model/errors.ts'
import type { Cli, Invocation } from '../command.ts'
import { keepHeapSmall } from '../heap.ts'
import { renderExtraction } from '../render/extraction.ts'

export async function run(cli: Cli, { positionals, flags, options }: Invocation): Promise<number> {
  const [subject] = positionals
  if (typeof flags.with !== 'string') {
    throw new SluiceError('OPTION_INVALID', 'extract needs an extractor module', {
      hint: 'sluice extract JOB --with parser.ts',
    })
  }
  keepHeapSmall()
  const path = subject === undefined ? undefined : resolve(cli.cwd, subject)
  const isArchive = path !== undefined && existsSync(path) && !path.endsWith('.sluice')
  const done = await reExtract({
    subject: isArchive ? path : findJob(subject, cli.cwd),
    modules: [flags.with],
    layer: { origin: 'flag', values: options },
    cwd: cli.cwd,
    accept: flags.accept === true,
  })
  cli.terminal.print(`${renderExtraction(done, flags.accept === true, cli.catalog).join('\n')}\n`)
  return 0
}
