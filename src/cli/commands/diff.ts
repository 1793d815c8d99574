/** `sluice diff JOB1 JOB2`: what is new, gone, changed or answered otherwise, URLs and items, as lines or as NDJSON. */
import { diffJobs, diffSides } from '../../job/index.ts'
import { SluiceError } from '../../model/errors.ts'
import type { Cli, Invocation } from '../command.ts'
import { EXITS } from '../exit-codes.ts'
import { printData } from '../print-data.ts'
import { changeLine, renderDiff } from '../render/diff.ts'

export async function run(cli: Cli, { positionals, flags }: Invocation): Promise<number> {
  const asNdjson = formatOf(flags.format) === 'ndjson'
  const [before, now] = diffSides(positionals, cli.cwd)
  const changes = diffJobs({ before, now, by: typeof flags.by === 'string' ? flags.by : undefined })
  for (let next = await changes.next(); ; next = await changes.next()) {
    const lines =
      next.done === true
        ? asNdjson
          ? [JSON.stringify({ v: 1, change: 'summary', ...next.value })]
          : renderDiff(next.value, cli.catalog)
        : [asNdjson ? JSON.stringify({ v: 1, ...next.value }) : changeLine(next.value)]
    if (!(await printData(process.stdout, `${lines.join('\n')}\n`))) return EXITS.readerGone.code
    if (next.done === true) return EXITS.done.code
  }
}

function formatOf(given: string | boolean | undefined): 'table' | 'ndjson' {
  if (given === undefined || given === 'table') return 'table'
  if (given === 'ndjson') return 'ndjson'
  throw new SluiceError('OPTION_INVALID', `--format: ${String(given)} is not one of table, ndjson`, {
    hint: 'for example --format ndjson',
  })
}
