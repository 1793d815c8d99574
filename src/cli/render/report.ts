/**
 * A job as one HTML file that needs nothing else: no script, no other file, charts as SVG, made for the screen and for paper.
 * All that comes from the web is text in it. It must not know where it is written to.
 */
import type { HostRow, JobView, Status } from '../../job/index.ts'
import type { Catalog, MessageKey } from '../../locales/catalog.ts'
import { OUTCOMES } from '../../model/outcome.ts'
import { REPORT_STYLE } from './report-style.ts'

const MOST_HOSTS = 100
const MOST_GROUPS = 200
const MOST_ROWS = 50
const WIDTH = 900
const HEIGHT = 200

type Cell = string | number
type Words = Pick<Catalog, 'number' | 'percent' | 'duration' | 'language'> & {
  t(key: MessageKey, values?: Record<string, Cell>): string
}

/** @param at wall-clock ms, told as the time of the report */
export async function renderReport(view: JobView, catalog: Words, at: number): Promise<string> {
  const status = await view.status()
  const { t } = catalog
  const when = new Intl.DateTimeFormat(catalog.language, { dateStyle: 'long', timeStyle: 'medium' })
  const parts = [
    `<header><p class="brand">Sluice</p><h1>${text(status.job)}</h1>`,
    `<p>${text(status.status)} · ${text(t('ui.asOf', { seq: catalog.number(view.seq) }))} · ${text(when.format(at))}</p></header>`,
    figures(status, catalog),
    outcomes(status, catalog),
    overTime(view, catalog, when),
    reasons(status, catalog),
    hosts(view.hosts(), catalog),
    errors(view, catalog),
    await items(view, status, catalog),
    rules(view, catalog),
    settings(view, catalog),
  ]
  return `<!doctype html>
<html lang="${catalog.language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="color-scheme" content="light dark">
<meta name="generator" content="Sluice">
<title>${text(status.job)} – ${text(t('report.title'))}</title>
<style>${REPORT_STYLE}</style>
</head>
<body><main>
${parts.join('\n')}
</main></body>
</html>
`
}

/** Text between tags and in quoted attributes. */
export function text(value: unknown): string {
  return String(value).replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`)
}

function figures(status: Status, { t, number }: Words): string {
  const cards: readonly (readonly [string, string, string])[] = [
    ['known', t('ui.known'), number(status.known)],
    ['done', t('ui.done'), number(status.doneTotal)],
    ['left', t('ui.left'), number(status.left.total)],
    ['hosts', t('ui.hosts'), number(status.hosts)],
    ...(status.extraction === null
      ? []
      : [
          ['items', t('ui.items'), number(status.extraction.items)] as const,
          ['rejected', t('ui.itemsRejected'), number(status.extraction.rejected)] as const,
        ]),
  ]
  return `<dl class="cards">${cards
    .map(([name, label, value]) => `<div><dt>${text(label)}</dt><dd data-figure="${name}">${text(value)}</dd></div>`)
    .join('')}</dl>`
}

/** One bar, and its figures as a list: colours say nothing that words do not. */
function outcomes(status: Status, { t, number }: Words): string {
  const counts = [...OUTCOMES.map((word) => [word, status.done[word]] as const), ['left', status.left.total] as const]
  const all = Math.max(1, status.known)
  let x = 0
  const bars = counts.map(([word, count]) => {
    const width = (count / all) * WIDTH
    const bar = `<rect class="${word}" x="${x.toFixed(2)}" y="0" width="${width.toFixed(2)}" height="24"/>`
    x += width
    return count === 0 ? '' : bar
  })
  const told = counts.map(([word, count]) => `${word === 'left' ? t('ui.left') : word} ${number(count)}`)
  return `<section><h2>${text(t('ui.outcomes'))}</h2>
<svg viewBox="0 0 ${WIDTH} 24" role="img" aria-label="${text(told.join(', '))}" preserveAspectRatio="none" class="bar">${bars.join('')}</svg>
<ul class="legend">${counts
    .map(
      ([word, count]) =>
        `<li><span class="dot ${word}"></span> ${text(word === 'left' ? t('ui.left') : word)} <b data-figure="${word}">${text(number(count))}</b></li>`,
    )
    .join('')}</ul></section>`
}

function overTime(view: JobView, { t, number }: Words, when: Intl.DateTimeFormat): string {
  const { points, sliceMs } = view.series()
  if (points.length === 0) return ''
  const rates = points.map(({ done }) => OUTCOMES.reduce((sum, word) => sum + done[word], 0) / (sliceMs / 1000))
  const most = Math.max(...rates)
  const width = WIDTH / points.length
  const bars = points.flatMap(({ done }, i) => {
    let y = HEIGHT
    return OUTCOMES.map((word) => {
      const height = most === 0 ? 0 : (done[word] / (sliceMs / 1000) / most) * HEIGHT
      y -= height
      return height === 0
        ? ''
        : `<rect class="${word}" x="${(i * width).toFixed(2)}" y="${y.toFixed(2)}" width="${Math.max(0.5, width * 0.9).toFixed(2)}" height="${height.toFixed(2)}"/>`
    })
  })
  const mean = rates.reduce((sum, rate) => sum + rate, 0) / rates.length
  const summary = t('ui.plotText', { most: number(Math.round(most)), mean: number(Math.round(mean)) })
  const ends = [points[0]?.at ?? 0, (points.at(-1)?.at ?? 0) + sliceMs].map((at) => when.format(at))
  return `<section><h2>${text(t('ui.perSecond'))}</h2>
<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${text(summary)}" preserveAspectRatio="none" class="plot">${bars.join('')}</svg>
<p class="axis"><span>${text(ends[0])}</span><span>${text(ends[1])}</span></p>
<p>${text(summary)}</p></section>`
}

function reasons(status: Status, words: Words): string {
  const { t, number } = words
  const codes = Object.entries(status.codes)
    .map(([name, count]) => [name.replace('/', ' '), count] as const)
    .filter(([name, count]) => !name.endsWith(' ') && count > 0)
  const statuses = Object.entries(status.statuses).filter(([, count]) => count > 0)
  const rowsOf = (entries: readonly (readonly [string, number])[]): Cell[][] =>
    [...entries].sort((a, b) => b[1] - a[1]).map(([name, count]) => [name, number(count)])
  return `<div class="columns">${table(t('ui.codes'), [t('ui.code'), 'URLs'], rowsOf(codes), MOST_ROWS, words)}${table(
    t('ui.statuses'),
    [t('ui.status'), 'URLs'],
    rowsOf(statuses),
    MOST_ROWS,
    words,
  )}</div>`
}

function hosts(rows: readonly HostRow[], words: Words): string {
  const { t, number, duration } = words
  const cells = [...rows]
    .sort((a, b) => b.known - a.known)
    .map(({ host, known, left, done, intervalMs }) => [
      host,
      number(known),
      number(left),
      number(done.ok + done.unchanged),
      number(done.gone),
      number(done.failed),
      intervalMs < 1000 ? `${Math.round(intervalMs)} ms` : duration(intervalMs),
    ])
  const heads = [t('ui.host'), t('ui.known'), t('ui.left'), 'ok', 'gone', 'failed', t('ui.interval')]
  return table(t('ui.hosts'), heads, cells, MOST_HOSTS, words)
}

function errors(view: JobView, words: Words): string {
  const { t, number } = words
  const groups = view.errors()
  const rest = groups.slice(MOST_GROUPS).map((group) => ({ ...group, sample: '' }))
  const cells = [...view.withSamples(groups.slice(0, MOST_GROUPS)), ...rest].map(
    ({ outcome, code, host, urls, sample }) => [outcome, code, host, number(urls), sample],
  )
  const heads = [t('ui.outcome'), t('ui.code'), t('ui.host'), 'URLs', t('ui.sample')]
  return table(t('ui.errors'), heads, cells, MOST_GROUPS, words, 3)
}

async function items(view: JobView, status: Status, words: Words): Promise<string> {
  const { t, number, percent } = words
  await view.items.advance()
  const figures = view.items.figures()
  const fields = figures.fields.map(({ name, items }) => [
    name,
    number(items),
    items === figures.items ? '–' : percent((figures.items - items) / figures.items),
  ])
  const complaints = (status.extraction?.fields ?? []).map(({ path, message, count, url }) => [
    path === '' ? t('ui.wholeItem') : path,
    message,
    number(count),
    url,
  ])
  const heads = [t('ui.field'), t('ui.items'), t('ui.missing')]
  return (
    table(t('ui.fields'), heads, fields, MOST_ROWS, words) +
    table(
      t('ui.whyRejected'),
      [t('ui.field'), t('ui.what'), t('ui.items'), t('ui.sample')],
      complaints,
      MOST_ROWS,
      words,
      2,
    )
  )
}

function rules(view: JobView, words: Words): string {
  const { t, number } = words
  const scope = view.rules.scope().map(({ rule, urls }) => [rule, number(urls)])
  const origins = [...view.rules.origins()]
    .filter(({ refused }) => refused > 0)
    .sort((a, b) => b.refused - a.refused)
    .map(({ origin, refused }) => [`${origin}/robots.txt`, number(refused)])
  return table(t('ui.rules'), [t('ui.rules'), t('ui.refused')], [...scope, ...origins], MOST_ROWS, words)
}

function settings(view: JobView, words: Words): string {
  const rows = Object.entries(view.settings()).map(([name, value]) => [
    name,
    typeof value === 'string' ? value : JSON.stringify(value),
  ])
  return table(words.t('ui.settings'), ['', ''], rows, 1000, words, 2)
}

/** '' without rows. @param figuresFrom column from which on cells are figures; those that are texts stay on the left */
function table(
  title: string,
  heads: readonly string[],
  rows: readonly (readonly Cell[])[],
  most: number,
  { t, number }: Words,
  figuresFrom = 1,
): string {
  if (rows.length === 0) return ''
  const isFigure = (n: number): boolean =>
    n >= figuresFrom && /^[\d.,\s–%-]*$|^[\d.,\s]+\D{0,12}$/.test(String(rows[0]?.[n]))
  const head = heads.every((name) => name === '')
    ? ''
    : `<thead><tr>${heads.map((name, n) => `<th scope="col"${isFigure(n) ? ' class="figure"' : ''}>${text(name)}</th>`).join('')}</tr></thead>`
  const body = rows
    .slice(0, most)
    .map(
      (row) =>
        `<tr>${row.map((cell, n) => (n === 0 ? `<th scope="row">${text(cell)}</th>` : `<td${isFigure(n) ? ' class="figure"' : ''}>${text(cell)}</td>`)).join('')}</tr>`,
    )
    .join('\n')
  const more =
    rows.length <= most ? '' : `<p>${text(t('report.more', { shown: number(most), all: number(rows.length) }))}</p>`
  return `<section><h2>${text(title)}</h2><div class="scroll"><table>${head}<tbody>${body}</tbody></table></div>${more}</section>`
}
