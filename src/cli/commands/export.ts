/** `sluice export JOB`: the latest record of each URL or row, the failed ones alone, or the items, on standard output; its archive as WACZ. */
import { countLeft, exportJob, EXPORT_FORMATS, findJob, nameOf, waczPieces } from '../../job/index.ts'
import type { ExportFormat, RetryQuery } from '../../job/index.ts'
import { SluiceError } from '../../model/errors.ts'
import { nearest } from '../../model/options.ts'
import type { Cli, Invocation } from '../command.ts'
import { EXITS } from '../exit-codes.ts'
import { jobNamed } from '../job-argument.ts'
import { printText } from '../print-text.ts'

const FACETS = ['outcome', 'status', 'host', 'code', 'since'] as const

export async function run(cli: Cli, invocation: Invocation): Promise<number> {
  const { flags } = invocation
  const chosen = (['failed', 'items', 'urls'] as const).filter((name) => flags[name] === true)
  if (chosen.length > 1) {
    throw new SluiceError('OPTION_INVALID', `--${chosen.join(' and --')} cannot be exported together`, {
      hint: 'choose one of them',
    })
  }
  const folder = findJob(jobNamed(invocation, cli.env), cli.cwd)
  if (flags.format === 'wacz') return exportWacz(folder)
  const query: Partial<Record<(typeof FACETS)[number], string>> = flags.failed === true ? { outcome: 'failed' } : {}
  for (const facet of FACETS) if (typeof flags[facet] === 'string') query[facet] = flags[facet]
  const texts = exportJob({
    folder,
    what: flags.items === true ? 'items' : 'records',
    format: formatOf(flags.format, flags.failed === true ? 'list' : 'ndjson'),
    query: query satisfies RetryQuery,
    escapeFormulas: flags.escapeFormulas === true,
  })
  for await (const text of texts) {
    if (!(await printText(process.stdout, text))) return EXITS.readerGone.code
  }
  const count = countLeft(folder)
  if (count > 0) cli.terminal.say(`${cli.catalog.t('export.left', { count, job: nameOf(folder) })}\n`)
  return EXITS.done.code
}

async function exportWacz(folder: string): Promise<number> {
  if (process.stdout.isTTY) {
    throw new SluiceError('OPTION_INVALID', 'a WACZ file is nothing for a terminal', {
      hint: `sluice export ${nameOf(folder)} --format wacz > ${nameOf(folder)}.wacz`,
    })
  }
  for await (const piece of waczPieces(folder)) {
    if (!(await printText(process.stdout, piece))) return EXITS.readerGone.code
  }
  return EXITS.done.code
}

function formatOf(given: string | boolean | undefined, usual: ExportFormat): ExportFormat {
  if (given === undefined) return usual
  const known = EXPORT_FORMATS.find((format) => format === given)
  if (known !== undefined) return known
  const near = nearest(String(given), EXPORT_FORMATS)
  throw new SluiceError(
    'OPTION_INVALID',
    `--format: ${String(given)} is not one of ${[...EXPORT_FORMATS, 'wacz'].join(', ')}`,
    {
      hint: near === undefined ? 'for example --format csv' : `did you mean ${near}?`,
    },
  )
}
