/** `sluice query [JOB|URL] SQL`: rows of one statement that reads, as a table, NDJSON or CSV, as they come. */
import { csvLine, distinctNames, openQuery, QUERY_FORMATS, rowObject } from '../../job/index.ts'
import type { QueryFormat } from '../../job/index.ts'
import { SluiceError } from '../../model/errors.ts'
import { nearest } from '../../model/options.ts'
import type { Cli, Invocation } from '../command.ts'
import { EXITS } from '../exit-codes.ts'
import { jobNamed } from '../job-argument.ts'
import { printData } from '../print-data.ts'
import { tableLayout } from '../render/table.ts'

type Rows = readonly (readonly unknown[])[]

export async function run(cli: Cli, invocation: Invocation): Promise<number> {
  const { flags, positionals } = invocation
  const sql = positionals.at(-1)
  if (sql === undefined) {
    throw new SluiceError('OPTION_INVALID', 'query needs a statement', {
      hint: 'sluice query JOB "select outcome, count(*) from pages group by outcome"',
    })
  }
  const format = formatOf(flags.format, process.stdout.isTTY === true ? 'table' : 'ndjson')
  const target = jobNamed({ ...invocation, positionals: positionals.slice(0, -1) }, cli.env)
  const answer = await openQuery({ target, cwd: cli.cwd, sql, values: [], ledger: flags.ledger === true })
  const { columns, renamed } = distinctNames(answer.names)
  if (renamed.length > 0) {
    const values = { names: renamed.join(', '), example: `${renamed[0]}_2` }
    cli.terminal.say(`${cli.catalog.t('query.renamed', values)}\n`)
  }
  const write = writerOf(format, columns, flags.escapeFormulas === true)
  let count = 0
  for await (const slice of answer.slices) {
    count += slice.length
    if (!(await printData(process.stdout, write(slice)))) return EXITS.readerGone.code
  }
  if (count === 0 && !(await printData(process.stdout, write([])))) return EXITS.readerGone.code
  if (format === 'table') cli.terminal.say(`${cli.catalog.t('query.rows', { count })}\n`)
  return EXITS.done.code
}

/** Text of a slice; that of the first one begins with the names. */
function writerOf(format: QueryFormat, columns: readonly string[], escapeFormulas: boolean): (rows: Rows) => string {
  if (format === 'ndjson') {
    return (rows) => rows.map((row) => `${JSON.stringify(rowObject(columns, row))}\n`).join('')
  }
  let line: ((row: readonly unknown[]) => string) | undefined
  return (rows) => {
    if (columns.length === 0) return ''
    if (line !== undefined) return rows.map(line).join('')
    if (format === 'csv') {
      line = (row) => csvLine(row, escapeFormulas)
      return csvLine(columns, false) + rows.map(line).join('')
    }
    const layout = tableLayout(columns, rows)
    line = (row) => `${layout.line(row)}\n`
    return layout.head.map((text) => `${text}\n`).join('') + rows.map(line).join('')
  }
}

function formatOf(given: string | boolean | undefined, usual: QueryFormat): QueryFormat {
  if (given === undefined) return usual
  const known = QUERY_FORMATS.find((format) => format === given)
  if (known !== undefined) return known
  const near = nearest(String(given), QUERY_FORMATS)
  throw new SluiceError('OPTION_INVALID', `--format: ${String(given)} is not one of ${QUERY_FORMATS.join(', ')}`, {
    hint: near === undefined ? 'for example --format csv' : `did you mean ${near}?`,
  })
}
