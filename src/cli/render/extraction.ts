/** What `sluice extract` found, for a person: counts, fields that differ with an example each, and what to do next. */
import type { ReExtraction } from '../../job/index.ts'
import type { Catalog } from '../../locales/catalog.ts'
import { fieldLines } from './field-diff.ts'
import { shortDuration, visible } from './format.ts'

/** Different failures that are shown. */
const FAILURES = 10

export function renderExtraction(done: ReExtraction, accepted: boolean, catalog: Catalog): string[] {
  const { t, number } = catalog
  const { figures, diff, pages } = done
  const lines = [t('extract.pages', { pages, items: figures.items, time: shortDuration(done.ms) })]
  if (figures.failed > 0) lines.push(t('extract.failed', { count: figures.failed }))
  for (const { code, message, frame, count, url } of done.failures.slice(0, FAILURES)) {
    lines.push(`  ${code} (${number(count)}, ${visible(url)})`)
    const text = frame === undefined ? message : `${message}\n${frame}`
    lines.push(
      ...visible(text)
        .split('\n')
        .map((line) => `    ${line}`),
    )
  }
  if (done.failures.length > FAILURES) {
    lines.push(`  ${t('check.more', { count: done.failures.length - FAILURES })}`)
  }
  if (figures.rejected > 0) {
    lines.push(t('extract.rejected', { count: figures.rejected }))
    for (const { path, message, count, url } of figures.fields.slice(0, 10)) {
      lines.push(`  ${path === '' ? '*' : path}: ${message} (${number(count)}, ${visible(url)})`)
    }
  }
  if (diff === undefined) {
    if (done.isJob) lines.push(t('extract.noDiff'))
  } else {
    lines.push(t('extract.diff', { same: diff.same, changed: diff.changed, added: diff.added, removed: diff.removed }))
    lines.push(...fieldLines(diff.fields, catalog))
  }
  if (accepted) lines.push(t('extract.written', { paths: done.outputs.join('   ') }))
  else lines.push(t(done.isJob ? 'extract.acceptInJob' : 'extract.accept'))
  if (done.extractors !== undefined) {
    const { before, now } = done.extractors
    const values = { before: before.join(', '), now: now.join(', ') }
    lines.push(t(before.length === 0 ? 'extract.firstExtractor' : 'extract.extractor', values))
  }
  return lines
}

/** What the outputs said and what could not be read, a line each. */
export function renderLeftOut(done: ReExtraction, { t }: Catalog): string[] {
  const { breaks, unreadable, firstUnreadable } = done
  const lines = done.warnings.map(visible)
  for (const { file, offset, reason, kind } of breaks) {
    const values = { file: visible(file), offset: String(offset), reason }
    lines.push(t(kind === 'torn' ? 'archive.torn' : 'archive.damaged', values))
  }
  if (unreadable > 0) {
    const { url = '', reason = '' } = firstUnreadable ?? {}
    lines.push(t('extract.unreadable', { count: unreadable, url: visible(url), reason }))
  }
  return lines
}
