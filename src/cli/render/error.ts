/**
 * An error that the user can mend, as lines: code, what happened, what to do, where to read on (UX.md 3.9). Codes are
 * never translated; in other languages than English the general sentences lead and the particular ones follow.
 */
import type { Catalog } from '../../locales/catalog.ts'
import type { SluiceError } from '../../model/errors.ts'
import type { Paint } from '../terminal.ts'
import { visible } from './format.ts'

/** Where the reference has an anchor for every code. */
export const ERRORS_PAGE = 'docs/reference/errors.md'

export function renderError(error: SluiceError, { t, language }: Catalog, paint: Paint): string[] {
  const head = `${paint('red', 'error')} ${paint('bold', error.code)}: `
  const message = visible(error.message)
  const hint = error.hint === undefined ? undefined : visible(error.hint)
  const lines = language === 'en' ? [head + message] : [head + t(`error.${error.code}`), `  ${message}`]
  const general = t(`error.${error.code}.hint`)
  lines.push(`  ${t('error.fix')} ${language === 'en' ? (hint ?? general) : general}`)
  if (language !== 'en' && hint !== undefined) lines.push(`    ${hint}`)
  if (error.url !== undefined) lines.push(`  url: ${visible(error.url)}`)
  const cause = error.cause instanceof Error ? error.cause.message : undefined
  if (cause !== undefined && !error.message.includes(cause)) lines.push(`  ${t('error.cause')} ${visible(cause)}`)
  lines.push(`  ${t('error.why')} sluice explain ${error.code}    ${t('error.docs')} ${ERRORS_PAGE}#${error.code}`)
  return lines
}
