/** `sluice explain CODE`: one error code at length, from the table and the catalogue. */
import type { MessageKey } from '../../locales/catalog.ts'
import { CODES, SluiceError, codeRow } from '../../model/errors.ts'
import type { ErrorCode } from '../../model/errors.ts'
import { nearest } from '../../model/options.ts'
import type { Cli, Invocation } from '../command.ts'
import { ERRORS_PAGE } from '../render/error.ts'

export async function run({ catalog, terminal }: Cli, { positionals }: Invocation): Promise<number> {
  const name = positionals[0]?.toUpperCase()
  if (name === undefined || !Object.hasOwn(CODES, name)) {
    const near = name === undefined ? undefined : nearest(name, Object.keys(CODES))
    throw new SluiceError('OPTION_INVALID', name === undefined ? 'explain needs a code' : `there is no code ${name}`, {
      hint: near === undefined ? 'for example: sluice explain ROBOTS_DENIED' : `did you mean sluice explain ${near}?`,
    })
  }
  const code = name as ErrorCode
  const { outcome, disposition, maxAttempts, exit } = codeRow(code)
  const { t } = catalog
  const lines = [
    `${code}: ${t(`error.${code}` as MessageKey)}`,
    `  ${t('error.fix')} ${t(`error.${code}.hint` as MessageKey)}`,
  ]
  lines.push(
    `  ${outcome === null ? t(`explain.${disposition}` as MessageKey) : t(`explain.${disposition}` as MessageKey, { outcome })}`,
  )
  if (maxAttempts !== undefined) lines.push(`  ${t('explain.attempts', { count: maxAttempts })}`)
  if (exit !== undefined) lines.push(`  exit ${exit}`)
  lines.push(`  ${t('error.docs')} ${ERRORS_PAGE}#${code}`)
  terminal.print(`${lines.join('\n')}\n`)
  return 0
}
