/** What changes on the page, told to those who do not see it: one sentence every ten seconds at most, and only if it is wanted. */
import { useEffect, useState } from 'preact/hooks'
import { frame } from './server.ts'
import { number, t } from './words.ts'

const EVERY_MS = 10_000

export function Announcer() {
  const [isOn, setOn] = useState(true)
  const [sentence, setSentence] = useState('')
  useEffect(() => {
    if (!isOn) return undefined
    const timer = setInterval(() => {
      const now = frame.value
      if (now === undefined) return
      const told = t('ui.ofKnown', { done: now.doneTotal, known: now.known })
      setSentence(now.live ? `${told}, ${number(Math.round(now.perSecond))} ${t('ui.rate')}` : told)
    }, EVERY_MS)
    return () => clearInterval(timer)
  }, [isOn])
  return (
    <>
      <span class="hidden" role="status" aria-live="polite">
        {isOn ? sentence : ''}
      </span>
      <button type="button" class="skip" aria-pressed={!isOn} onClick={() => setOn(!isOn)}>
        {t('ui.quiet')}
      </button>
    </>
  )
}
