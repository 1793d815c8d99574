/** What `sluice verify` found, for a person. */
import type { Verification } from '../../job/index.ts'
import type { Catalog } from '../../locales/catalog.ts'
import { OUTCOMES } from '../../model/outcome.ts'
import { visible } from './format.ts'

const SHOWN = 20

export function renderVerification(
  { ledger, archive, files, outputs, problems, wrong }: Verification,
  catalog: Catalog,
): string[] {
  const { t, number } = catalog
  const lines: string[] = []
  if (ledger !== undefined) {
    const { known, left, done, requests, settlements } = ledger
    const sum = OUTCOMES.map((word) => `${word} ${number(done[word])}`).join(' + ')
    lines.push(t('verify.ledger', { known, sum, left, requests, settlements }))
  }
  if (archive !== undefined) lines.push(t('verify.archive', { ...archive }))
  if (files !== undefined) lines.push(t('verify.files', { count: files }))
  for (const { output, rows } of outputs) {
    const shown = visible(output)
    lines.push(
      rows === null ? t('verify.notRead', { output: shown }) : t('verify.output', { output: shown, count: rows }),
    )
  }
  for (const problem of problems.slice(0, SHOWN)) lines.push(`! ${visible(problem)}`)
  lines.push(wrong === 0 ? t('verify.right') : t('verify.wrong', { count: wrong }))
  return lines
}
