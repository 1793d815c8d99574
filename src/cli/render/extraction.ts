/** What `sluice extract` found, for a person: counts, fields that differ with an example each, and what to do next. */
import type { ReExtraction } from '../../job/index.ts'
import type { Catalog } from '../../locales/catalog.ts'
import { padEnd, padStart, shortDuration, visible } from './format.ts'

const SHOWN = 60
/** Different failures that are shown. */
const FAILURES = 10

export function renderExtraction(done: ReExtraction, accepted: boolean, { t, number }: Catalog): string[] {
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
  if (diff === undefined) lines.push(t('extract.noDiff'))
  else {
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

function cutTo(text: string): string {
  const shown = visible(text)
  return shown.length > SHOWN ? `${shown.slice(0, SHOWN)}…` : shown
}
