/** `sluice inspect URL`: one request looked at closely, and what an extractor makes of its page. Stores nothing. */
import { inspectUrl } from '../../job/index.ts'
import { SluiceError } from '../../model/errors.ts'
import type { Cli, Invocation } from '../command.ts'
import { EXITS } from '../exit-codes.ts'
import { gatherOptions } from '../gather.ts'
import { renderInspection } from '../render/inspection.ts'
import { plainPaint } from '../terminal.ts'

export async function run(cli: Cli, invocation: Invocation): Promise<number> {
  const [url] = invocation.positionals
  if (url === undefined) {
    throw new SluiceError('OPTION_INVALID', 'inspect needs a URL', { hint: 'sluice inspect https://your.site/page' })
  }
  const options = await gatherOptions(cli, invocation, undefined, [url])
  const inspection = await inspectUrl(options, cli.cwd)
  const lines =
    invocation.flags.asJson === true
      ? [JSON.stringify({ v: 1, ...inspection })]
      : renderInspection(inspection, cli.catalog, plainPaint)
  cli.terminal.print(`${lines.join('\n')}\n`)
  const isGood = inspection.record.outcome === 'ok' && inspection.extraction?.failure === undefined
  return isGood ? EXITS.done.code : EXITS.failIf.code
}
