/** Fields that differ between items, with an example each; for `extract` and `diff`. */
import type { ReExtraction } from '../../job/index.ts'
import type { Catalog } from '../../locales/catalog.ts'
import { padEnd, padStart, visible } from './format.ts'

type FieldDiff = NonNullable<ReExtraction['diff']>['fields'][number]

const SHOWN = 60

export function fieldLines(fields: readonly FieldDiff[], { number }: Catalog): string[] {
  const differing = fields.filter(({ changed, added, removed }) => changed + added + removed > 0)
  const width = Math.max(0, ...differing.map(({ name }) => name.length)) + 2
  return differing.flatMap(({ name, same, changed, added, removed, example }) => {
    const counts = `=${number(same)} ~${number(changed)} +${number(added)} -${number(removed)}`
    const line = `  ${padEnd(visible(name), width)}${padStart(counts, 24)}`
    if (example === undefined) return [line]
    return [line, `    ${cutValue(example.before)} -> ${cutValue(example.now)}   ${visible(example.url)}`]
  })
}

/** A value as JSON, in a line of its own. */
export function cutValue(text: string): string {
  const shown = visible(text)
  return shown.length > SHOWN ? `${shown.slice(0, SHOWN)}…` : shown
}
