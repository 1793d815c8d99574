/** What `sluice inspect` found, for a person: answer, where the time went, headers, and what an extractor made of it. */
import type { Inspection } from '../../job/index.ts'
import type { Catalog } from '../../locales/catalog.ts'
import type { Paint } from '../terminal.ts'
import { padEnd, shortBytes, shortDuration, visible } from './format.ts'

/** Items and complaints shown. */
const SHOWN = 20
const BAR = 30

type Topic =
  | 'reason'
  | 'redirects'
  | 'answer'
  | 'address'
  | 'title'
  | 'canonical'
  | 'robots'
  | 'flags'
  | 'time'
  | 'headers'
  | 'extractor'
  | 'items'
  | 'rejected'
  | 'follows'

export function renderInspection(inspection: Inspection, catalog: Catalog, paint: Paint): string[] {
  const { record, answer, extraction } = inspection
  const verdict = record.code === undefined ? record.outcome : `${record.outcome}: ${record.code}`
  const lines = [paint('bold', verdict), ` ${visible(record.url)}`]
  const say = (topic: Topic, text: string): void => {
    const [first = '', ...rest] = visible(text).split('\n')
    lines.push(` ${paint('dim', padEnd(catalog.t(`inspect.${topic}`), 11))} ${first}`)
    for (const line of rest) lines.push(`${' '.repeat(13)}${line}`)
  }
  if (record.message !== undefined && answer === undefined) say('reason', record.message)
  if (record.chain !== undefined) say('redirects', [...record.chain, record.final ?? ''].join('\n-> '))
  if (answer !== undefined) {
    const kind = [record.mime, record.charset].filter(Boolean).join(' ')
    say('answer', `${answer.status} ${answer.statusText}`.trim() + `   ${kind}   ${shortBytes(answer.size)}`)
    if (record.ip !== undefined) say('address', record.ip)
    if (record.title !== undefined) say('title', record.title)
    if (record.canonical !== undefined) say('canonical', record.canonical)
    if (record.robots !== undefined) say('robots', record.robots.join(', '))
    if (record.flags !== undefined) say('flags', record.flags.join(', '))
    say('time', waterfall(answer.timing).join('\n'))
    const headers: string[] = []
    for (let i = 0; i + 1 < answer.rawHeaders.length; i += 2) {
      headers.push(`${answer.rawHeaders[i]}: ${answer.rawHeaders[i + 1]}`)
    }
    say('headers', headers.join('\n'))
  }
  if (extraction !== undefined) {
    const { items, issues, links, failure } = extraction
    if (failure !== undefined) say('extractor', `${failure.code}: ${failure.message}\n${failure.frame ?? ''}`.trimEnd())
    else say('items', [String(items.length), ...items.slice(0, SHOWN).map(({ json }) => json)].join('\n'))
    if (issues.length > 0) {
      say(
        'rejected',
        issues
          .slice(0, SHOWN)
          .map(({ path, message, value }) => `${path}: ${message} (${value})`)
          .join('\n'),
      )
    }
    if (links.length > 0) {
      say(
        'follows',
        links
          .slice(0, SHOWN)
          .map(({ url, label }) => (label === undefined ? url : `${url}   ${label}`))
          .join('\n'),
      )
    }
  }
  return lines
}

type Timing = NonNullable<Inspection['answer']>['timing']

/** A line for each phase that took time, drawn where it lay. */
function waterfall(timing: Timing): string[] {
  const phases: [string, number][] = [
    ['dns', timing.dnsMs],
    ['connect', timing.connectMs],
    ['tls', timing.tlsMs],
    ['first byte', timing.firstByteMs],
    ['body', timing.bodyMs],
  ]
  const total = Math.max(timing.totalMs, 0.1)
  let at = 0
  const lines = phases.map(([name, ms]) => {
    const from = Math.round((at / total) * BAR)
    at += ms
    const to = Math.round((at / total) * BAR)
    const bar = ' '.repeat(Math.min(from, BAR)) + (ms > 0 ? '='.repeat(Math.max(1, to - from)) : '')
    return `${padEnd(name, 10)} ${padEnd(shortDuration(ms), 8)} ${bar}`.trimEnd()
  })
  return [...lines, `${padEnd('total', 10)} ${shortDuration(timing.totalMs)}`]
}
