/** A command line that does what a control does, to be copied. */
import { useState } from 'preact/hooks'
import { t } from './words.ts'

export function Command({ text }: { readonly text: string }) {
  const [isCopied, setCopied] = useState(false)
  return (
    <code class="command">
      {text}
      <button
        type="button"
        aria-label={t('ui.copy', { command: text })}
        onClick={() =>
          navigator.clipboard.writeText(text).then(
            () => setCopied(true),
            () => setCopied(false),
          )
        }
      >
        {isCopied ? '✓' : <CopyIcon />}
      </button>
    </code>
  )
}

function CopyIcon() {
  return (
    <svg viewBox="0 0 16 16" width="14" height="14" aria-hidden="true">
      <path d="M5 5V2h9v9h-3M2 5h9v9H2z" fill="none" stroke="currentColor" stroke-width="1.5" />
    </svg>
  )
}

/** As the shell takes it. */
export function shellWord(text: string): string {
  return /^[\w./:=@%+-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}
