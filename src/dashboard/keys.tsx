/**
 * Keys of the page: `?` lists them, `/` goes to the search, digits to the pages; none while somebody types, and none for
 * whoever turns them off (WCAG 2.1.4).
 */
import { useEffect, useRef, useState } from 'preact/hooks'
import { go } from './place.ts'
import { t } from './words.ts'
import type { Key } from './words.ts'

const CHOICE = 'sluice-keys'

export function Keys({ pages }: { readonly pages: readonly { readonly path: string; readonly title: Key }[] }) {
  const dialog = useRef<HTMLDialogElement>(null)
  const [isOn, setOn] = useState(localStorage.getItem(CHOICE) !== 'off')
  useEffect(() => {
    if (!isOn) return undefined
    const pressed = (event: KeyboardEvent): void => {
      const { target, key } = event
      const isTyping = target instanceof HTMLElement && target.matches('input, textarea, select')
      if (isTyping || event.ctrlKey || event.metaKey || event.altKey) return
      const place = pages[Number(key) - 1]
      if (key === '?') dialog.current?.showModal()
      else if (key === '/') document.querySelector<HTMLInputElement>('input[type=search]')?.focus()
      else if (/^[1-9]$/.test(key) && place !== undefined) {
        go(place.path)
        document.querySelector<HTMLElement>('main')?.focus()
      } else return
      event.preventDefault()
    }
    addEventListener('keydown', pressed)
    return () => removeEventListener('keydown', pressed)
  }, [pages, isOn])
  return (
    <>
      <button type="button" onClick={() => dialog.current?.showModal()}>
        {t('ui.keys')}
      </button>
      <dialog ref={dialog} aria-label={t('ui.keys')}>
        <h2>{t('ui.keys')}</h2>
        <dl class="trail">
          {pages.slice(0, 9).map(({ path, title }, i) => (
            <div key={path}>
              <dt>
                <kbd>{i + 1}</kbd>
              </dt>
              <dd>{t(title)}</dd>
            </div>
          ))}
          <div>
            <dt>
              <kbd>/</kbd>
            </dt>
            <dd>{t('ui.search')}</dd>
          </div>
          <div>
            <dt>
              <kbd>?</kbd>
            </dt>
            <dd>{t('ui.keys')}</dd>
          </div>
        </dl>
        <p>
          <label>
            <input
              type="checkbox"
              checked={isOn}
              onChange={(event) => {
                setOn(event.currentTarget.checked)
                localStorage.setItem(CHOICE, event.currentTarget.checked ? 'on' : 'off')
              }}
            />{' '}
            {t('ui.keysOn')}
          </label>
        </p>
        <form method="dialog">
          <button type="submit">{t('ui.close')}</button>
        </form>
      </dialog>
    </>
  )
}
