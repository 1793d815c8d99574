/** What `sluice verify` found, for a person. */
import { join } from 'node:path'
import { LOST_URLS } from '../../job/index.ts'
import type { Repair, Verification } from '../../job/index.ts'
import type { Catalog } from '../../locales/catalog.ts'
import { OUTCOMES } from '../../model/outcome.ts'
import { shellWord } from '../../model/shell-word.ts'
import { visible } from './format.ts'

const SHOWN = 20

export function renderVerification(
  { ledger, archive, files, outputs, problems, wrong, damage }: Verification,
  catalog: Catalog,
  /** How the job is named on the command line; undefined: no job was. */
  place: string | undefined,
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
  if (damage > 0 && place !== undefined)
    lines.push(t('verify.repair', { command: `sluice verify ${shellWord(place)} --repair` }))
  return lines
}

/** What `--repair` did; undefined: nothing had to be done. */
export function renderRepair(repair: Repair | undefined, { t }: Catalog): string[] {
  if (repair === undefined) return [t('repair.none')]
  const { known, settlements, left, lostUrls, aside } = repair
  const lines = [t('repair.done', { known, settlements, left, aside: visible(aside) })]
  if (lostUrls.length > 0)
    lines.push(t('repair.lost', { count: lostUrls.length, path: visible(join(aside, LOST_URLS)) }))
  return lines
}
