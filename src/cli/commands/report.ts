/** `sluice report [JOB] -o report.html`: the job as one HTML file to be kept, sent or printed. */
import { writeFileSync } from 'node:fs'
import { relative, resolve } from 'node:path'
import { findJob, nameOf, openView } from '../../job/index.ts'
import { SluiceError } from '../../model/errors.ts'
import type { Cli, Invocation } from '../command.ts'
import { EXITS } from '../exit-codes.ts'
import { keepHeapSmall } from '../heap.ts'
import { jobNamed } from '../job-argument.ts'
import { printData } from '../print-data.ts'
import { renderReport } from '../render/report.ts'

export async function run({ catalog, terminal, cwd, env }: Cli, invocation: Invocation): Promise<number> {
  const folder = findJob(jobNamed(invocation, env), cwd)
  const outs = (invocation.options.out as readonly string[] | undefined) ?? []
  const [out = `${nameOf(folder)}-report.html`] = outs
  if (outs.length > 1 || (out !== '-' && !/\.html?$/i.test(out))) {
    throw new SluiceError('OPTION_INVALID', 'a report is one HTML file', {
      hint: 'for example -o report.html, or -o - ',
    })
  }
  keepHeapSmall()
  const view = openView(folder)
  try {
    await view.advance()
    const html = await renderReport(view, catalog, Date.now())
    if (out === '-') return (await printData(process.stdout, html)) ? EXITS.done.code : EXITS.readerGone.code
    const path = resolve(cwd, out)
    writeFileSync(path, html)
    terminal.say(`${catalog.t('report.written', { path: relative(cwd, path) || path })}\n`)
    return EXITS.done.code
  } finally {
    await view.close()
  }
}
