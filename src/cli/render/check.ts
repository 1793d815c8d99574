/** What `sluice check` found, for a person: what passes is counted, what does not is shown with its next command. */
import type { ExtractorCheck, PageCheck, Recording } from '../../job/index.ts'
import type { Catalog } from '../../locales/catalog.ts'
import { shellWord } from '../../model/shell-word.ts'
import { padEnd, padStart, visible } from './format.ts'

/** Characters of a value, and complaints and links of a page, that are shown. */
const WIDEST = 60
const SHOWN = 10

export function renderConfig({ file, options }: { file: string; options: number }, { t }: Catalog): string[] {
  return [t('check.config', { file: visible(file), count: options })]
}

/** @param command `sluice check` as it was typed, for the next commands. */
export function renderChecks(checks: readonly ExtractorCheck[], command: string, catalog: Catalog): string[] {
  const { t } = catalog
  if (checks.length === 0) return []
  const lines: string[] = []
  for (const { file, pages, problem } of checks) {
    if (problem !== undefined) continue
    const open = pages.filter(({ state, accepted }) => state !== 'same' && !accepted)
    const accepted = pages.filter((page) => page.accepted).length
    if (pages.length === 0) lines.push(t('check.noPages', { file: visible(file) }))
    else if (open.length > 0)
      lines.push(t('check.open', { file: visible(file), count: open.length, pages: pages.length }))
    else lines.push(t('check.passed', { file: visible(file), count: pages.length, items: itemsOf(pages) }))
    if (accepted > 0) lines.push(` ${t('check.accepted', { count: accepted })}`)
    // One mistake mostly costs many pages: its place is shown once.
    const frames = new Set<string>()
    for (const page of open) lines.push(...renderPage(page, file, catalog, frames))
  }
  const next: string[] = []
  if (checks.every(({ pages, problem }) => pages.length === 0 && problem === undefined)) {
    next.push(t('check.record', { command: `${command} --record URL` }))
  }
  if (checks.some(({ pages }) => pages.some(isAcceptable)))
    next.push(t('check.accept', { command: `${command} --accept` }))
  return [...lines, ...next]
}

export function renderRecording({ record, pages }: Recording, catalog: Catalog): string[] {
  const { t } = catalog
  const { url, final = url, outcome, code, message } = record
  if (outcome !== 'ok') {
    const why = [outcome, code ?? record.status, message].filter((part) => part !== undefined).join(': ')
    return [
      t('check.notSaved', { url: visible(url), why: visible(why) }),
      ` ${t('check.look', { command: `sluice inspect ${shellWord(url)}` })}`,
    ]
  }
  if (pages.length === 0) return [t('check.unwanted', { url: visible(final) })]
  return pages.flatMap((page) => [
    t('check.saved', { page: visible(page.page), items: page.items }),
    ...(page.unstable.length > 0 ? [` ${t('check.unstable', { fields: visible(page.unstable.join(', ')) })}`] : []),
    ...(page.state === 'same' ? [] : renderPage(page, page.file, catalog, new Set())),
  ])
}

function isAcceptable({ state, wanted, accepted }: PageCheck): boolean {
  return state === 'differs' && wanted && !accepted
}

function itemsOf(pages: readonly PageCheck[]): number {
  return pages.reduce((sum, { items }) => sum + items, 0)
}

/** @param frames places that were shown already. */
function renderPage(page: PageCheck, file: string, { t, number }: Catalog, frames: Set<string>): string[] {
  const { diff, failure, follows, issues } = page
  const lines = [` ${page.page}   ${visible(page.url)}`]
  const look = (): void => {
    const command = `sluice inspect ${shellWord(page.url)} --extract ${shellWord(file)}`
    lines.push(`   ${t('check.look', { command })}`)
  }
  if (failure !== undefined) {
    const { code, message, frame } = failure
    const place = frame === undefined || frames.has(frame) ? '' : `\n${frame}`
    if (frame !== undefined) frames.add(frame)
    for (const line of visible(`${code}: ${message}${place}`).split('\n')) lines.push(`   ${line}`)
    look()
    return lines
  }
  if (!page.wanted) lines.push(`   ${t('check.notWanted')}`)
  for (const { path, message, value } of issues.slice(0, SHOWN)) {
    lines.push(
      `   ${t('inspect.rejected')}: ${visible(path === '' ? '*' : path)}: ${visible(message)} (${visible(value)})`,
    )
  }
  if (issues.length > SHOWN) lines.push(`   ${t('check.more', { count: issues.length - SHOWN })}`)
  if (issues.length > 0) look()
  const { same, changed, added, removed, fields } = diff
  if (changed + added + removed > 0) {
    lines.push(`   ${t('extract.diff', { same, changed, added, removed })}`)
    const width = Math.max(0, ...fields.map(({ name }) => name.length)) + 2
    for (const { name, same: equal, changed: other, added: more, removed: less, example } of fields) {
      const counts =
        equal + other + more + less > 1 ? `=${number(equal)} ~${number(other)} +${number(more)} -${number(less)}` : ''
      const values = example === undefined ? '' : `${cutTo(example.before)} -> ${cutTo(example.now)}`
      lines.push(`     ${padEnd(visible(name), width)}${values}${counts === '' ? '' : `   ${padStart(counts, 0)}`}`)
    }
  }
  for (const [sign, urls] of [
    ['+', follows.added],
    ['-', follows.removed],
  ] as const) {
    for (const url of urls.slice(0, SHOWN)) lines.push(`   ${t('inspect.follows')} ${sign} ${visible(url)}`)
    if (urls.length > SHOWN)
      lines.push(`   ${t('inspect.follows')} ${sign} ${t('check.more', { count: urls.length - SHOWN })}`)
  }
  return lines
}

/** A value that is not there is a dash. */
function cutTo(json: string): string {
  const shown = json === '' ? '-' : visible(json)
  return shown.length > WIDEST ? `${shown.slice(0, WIDEST)}…` : shown
}
