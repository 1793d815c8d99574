/** What a person should know of the job now, each with the command that helps. */
import { Command } from './command.tsx'
import { duration, number, percent, t } from './words.ts'

interface Said {
  readonly code: string
  readonly message: string
  readonly command: string
}

export type Finding =
  | ({ readonly kind: 'warning' | 'halted' } & Said)
  | {
      readonly kind: 'slowest'
      readonly host: string
      readonly left: number
      readonly intervalMs: number
      readonly ms: number
      readonly command: string
    }
  | {
      readonly kind: 'failing'
      readonly code: string
      readonly urls: number
      readonly share: number
      readonly command: string
    }
  | { readonly kind: 'growing'; readonly found: number; readonly done: number; readonly command: string }

export function Findings({ findings }: { readonly findings: readonly Finding[] }) {
  if (findings.length === 0) return null
  return (
    <section aria-label={t('ui.findings')}>
      <ul class="findings">
        {findings.map((finding) => (
          <li key={JSON.stringify(finding)} class={finding.kind} data-finding={finding.kind}>
            <span aria-hidden="true">{finding.kind === 'halted' ? '■' : finding.kind === 'slowest' ? '◷' : '▲'}</span>{' '}
            {sentenceOf(finding)} <Command text={finding.command} />
          </li>
        ))}
      </ul>
    </section>
  )
}

function sentenceOf(finding: Finding): string {
  switch (finding.kind) {
    case 'warning':
      return `${finding.code}: ${finding.message}`
    case 'halted':
      return `${t('ui.halted')} ${finding.code}: ${finding.message}`
    case 'slowest':
      return t('ui.slowest', {
        host: finding.host,
        left: finding.left,
        interval: duration(finding.intervalMs),
        time: duration(finding.ms),
      })
    case 'failing':
      return t('ui.failing', { share: percent(finding.share), code: finding.code, urls: finding.urls })
    case 'growing':
      return t('ui.growing', { found: number(Math.round(finding.found)), done: number(Math.round(finding.done)) })
  }
}
