/** Outcomes of a few or many URLs as one bar; its figures are its name for those who cannot see it. */
import { OUTCOMES } from './types.ts'
import type { Outcome } from './types.ts'
import { number, t } from './words.ts'

export function OutcomeBar({
  done,
  left,
}: {
  readonly done: Readonly<Record<Outcome, number>>
  readonly left: number
}) {
  const words = OUTCOMES.filter((word) => done[word] > 0).map((word) => `${word} ${number(done[word])}`)
  return (
    <div class="bar small" role="img" aria-label={[...words, `${t('ui.left')} ${number(left)}`].join(', ')}>
      {OUTCOMES.map((word) => (
        <span key={word} class={word} style={{ flexGrow: done[word] }} />
      ))}
      <span class="left" style={{ flexGrow: left }} />
    </div>
  )
}
