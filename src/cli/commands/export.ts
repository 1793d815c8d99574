/** `sluice export JOB`: the latest record of each URL or row, the failed ones alone, or the items, on standard output or in a file. */
import { resolve } from 'node:path'
import {
  countLeft,
  exportJob,
  EXPORT_FORMATS,
  findJob,
  formatOfFile,
  nameOf,
  waczPieces,
  writeExport,
} from '../../job/index.ts'
import type { ExportFormat, RetryQuery } from '../../job/index.ts'
import { SluiceError } from '../../model/errors.ts'
import { nearest } from '../../model/options.ts'
import type { Cli, Invocation } from '../command.ts'
import { EXITS } from '../exit-codes.ts'
import { jobNamed } from '../job-argument.ts'
import { printData } from '../print-data.ts'

const FACETS = ['outcome', 'status', 'host', 'code', 'since'] as const

export async function run(cli: Cli, invocation: Invocation): Promise<number> {
  const { flags, options } = invocation
  const chosen = (['failed', 'items', 'urls'] as const).filter((name) => flags[name] === true)
  if (chosen.length > 1) {
    throw new SluiceError('OPTION_INVALID', `--${chosen.join(' and --')} cannot be exported together`, {
      hint: 'choose one of them',
    })
  }
  const folder = findJob(jobNamed(invocation, cli.env), cli.cwd)
  const file = fileOf(options['out'])
  if (flags.format === 'wacz' || (flags.format === undefined && /\.wacz$/i.test(file ?? ''))) {
    return exportWacz(cli, folder, file)
  }
  const query: Partial<Record<(typeof FACETS)[number], string>> = flags.failed === true ? { outcome: 'failed' } : {}
  for (const facet of FACETS) if (typeof flags[facet] === 'string') query[facet] = flags[facet]
  const usual = flags.failed === true ? 'list' : 'ndjson'
  const texts = exportJob({
    folder,
    what: flags.items === true ? 'items' : 'records',
    format: formatOf(flags.format) ?? (file === undefined ? usual : formatOfFile(file)),
    query: query satisfies RetryQuery,
    escapeFormulas: flags.escapeFormulas === true,
  })
  if (file !== undefined) await writeExport(resolve(cli.cwd, file), texts)
  else {
    for await (const text of texts) {
      if (!(await printData(process.stdout, text))) return EXITS.readerGone.code
    }
  }
  const count = countLeft(folder)
  if (count > 0) cli.terminal.say(`${cli.catalog.t('export.left', { count, job: nameOf(folder) })}\n`)
  return EXITS.done.code
}

async function exportWacz(cli: Cli, folder: string, file: string | undefined): Promise<number> {
  if (file !== undefined) {
    await writeExport(resolve(cli.cwd, file), waczPieces(folder))
    return EXITS.done.code
  }
  if (process.stdout.isTTY) {
    throw new SluiceError('OPTION_INVALID', 'a WACZ file is nothing for a terminal', {
      hint: `sluice export ${nameOf(folder)} --format wacz -o ${nameOf(folder)}.wacz`,
    })
  }
  for await (const piece of waczPieces(folder)) {
    if (!(await printData(process.stdout, piece))) return EXITS.readerGone.code
  }
  return EXITS.done.code
}

/** Undefined: standard output. */
function fileOf(out: unknown): string | undefined {
  const [file, ...more] = Array.isArray(out) ? (out as string[]) : []
  if (more.length > 0) {
    throw new SluiceError('OPTION_INVALID', 'one export goes to one file', { hint: 'give -o once' })
  }
  return file === '-' ? undefined : file
}

function formatOf(given: string | boolean | undefined): ExportFormat | undefined {
  if (given === undefined) return undefined
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
