/** What `sluice extract` found, for a person: counts, fields that differ with an example each, and what to do next. */
import type { ReExtraction } from '../../job/index.ts'
import type { Catalog } from '../../locales/catalog.ts'
import { padEnd, padStart, shortDuration, visible } from './format.ts'

const SHOWN = 60

export function renderExtraction(done: ReExtraction, accepted: boolean, { t, number }: Catalog): string[] {
  const { figures, diff, pages } = done
  const lines = [t('extract.pages', { pages, items: figures.items, time: shortDuration(done.ms) })]
  if (figures.failed > 0) lines.push(t('extract.failed', { count: figures.failed }))
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
    const differing = diff.fields.filter(({ changed, added, removed }) => changed + added + removed > 0)
    const width = Math.max(0, ...differing.map(({ name }) => name.length)) + 2
    for (const { name, same, changed, added, removed, example } of differing) {
      const counts = `=${number(same)} ~${number(changed)} +${number(added)} -${number(removed)}`
      lines.push(`  ${padEnd(visible(name), width)}${padStart(counts, 24)}`)
      if (example !== undefined) {
        lines.push(`    ${cutTo(example.before)} -> ${cutTo(example.now)}   ${visible(example.url)}`)
      }
    }
  }
  if (accepted) lines.push(t('extract.written', { paths: done.outputs.join('   ') }))
  else lines.push(t('extract.accept'))
  return lines
}

/** What could not be read, a line each. */
export function renderLeftOut({ breaks, unreadable, firstUnreadable }: ReExtraction, { t }: Catalog): string[] {
  const lines = breaks.map(({ file, offset, reason, kind }) =>
    t(kind === 'torn' ? 'archive.torn' : 'archive.damaged', { file: visible(file), offset: String(offset), reason }),
  )
  if (unreadable > 0) {
    const { url = '', reason = '' } = firstUnreadable ?? {}
    lines.push(t('extract.unreadable', { count: unreadable, url: visible(url), reason }))
  }
  return lines
}

function cutTo(text: string): string {
  const shown = visible(text)
  return shown.length > SHOWN ? `${shown.slice(0, SHOWN)}…` : shown
}
