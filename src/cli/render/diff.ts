/** What `sluice diff` found, for a person: a line for each change, then the figures. */
import type { ItemChange, JobsDiff, SideFigures, UrlChange } from '../../job/index.ts'
import type { Catalog } from '../../locales/catalog.ts'
import { cutValue, fieldLines } from './field-diff.ts'
import { padEnd, shortBytes, shortDuration, visible } from './format.ts'

const WORDS = 'item.changed'.length + 2

export function changeLine(change: UrlChange | ItemChange): string {
  const word = padEnd(change.change, WORDS)
  if ('url' in change) return `${word}${visible(change.url)}   ${sidesOf(change)}`
  const name = change.item === undefined ? '' : cutValue(JSON.stringify(change.item))
  const fields = Object.entries(change.fields ?? {}).map(
    ([field, { before, now }]) =>
      `${visible(field)}: ${cutValue(JSON.stringify(before) ?? '')} -> ${cutValue(JSON.stringify(now) ?? '')}`,
  )
  const value = change.item === undefined ? cutValue(JSON.stringify(change.value)) : ''
  return [word + name, value, ...fields].filter((part) => part.trim() !== '').join('   ')
}

function sidesOf({ change, before, now }: UrlChange): string {
  const side = (facts: UrlChange['now']): string =>
    facts === undefined ? '-' : `${facts.outcome} ${facts.status ?? facts.code ?? ''}`.trimEnd()
  const sizes = change === 'changed' ? `   ${shortBytes(before?.bytes ?? 0)} -> ${shortBytes(now?.bytes ?? 0)}` : ''
  return `${side(before)} -> ${side(now)}${sizes}`
}

export function renderDiff({ before, now, urls, items }: JobsDiff, catalog: Catalog): string[] {
  const { t } = catalog
  const lines = [
    t('diff.before', sideValues(before)),
    t('diff.now', sideValues(now)),
    t('diff.urls', { same: urls.same, added: urls.new, gone: urls.gone, changed: urls.changed, moved: urls.moved }),
  ]
  if (items === undefined) return lines
  const { same, new: added, gone, changed, by, fields } = items
  lines.push(t('extract.diff', { same, changed, added, removed: gone }))
  lines.push(by === undefined ? t('diff.noField') : t('diff.by', { field: by }))
  return [...lines, ...fieldLines(fields, catalog)]
}

function sideValues({ folder, run, urls, bytes, meanMs }: SideFigures): Record<string, string | number> {
  return { job: visible(folder), run: String(run), urls, size: shortBytes(bytes), time: shortDuration(meanMs) }
}
