/** An internal error leaves a file that can be attached to an issue: what failed, on which versions; no addresses or secrets. */
import { writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Flags whose values may be secret or name somebody's site are cut to their names. */
export function reportText(error: unknown, argv: readonly string[], version: string, at: string): string {
  const words = argv.map((word, i) => {
    if (i === 0) return word
    return word.startsWith('-') ? word.replace(/=.*$/s, '=…') : '…'
  })
  return [
    `sluice ${version}`,
    `node ${process.version} ${process.platform} ${process.arch}`,
    `time ${at}`,
    `command sluice ${words.join(' ')}`,
    '',
    error instanceof Error ? describe(error) : String(error),
    '',
  ].join('\n')
}

function describe(error: Error): string {
  const own = error.stack ?? `${error.name}: ${error.message}`
  return error.cause instanceof Error ? `${own}\ncaused by ${describe(error.cause)}` : own
}

/** Writes the report into the job folder, or the temporary folder. Returns its path; undefined where it cannot be written. */
export function writeReport(text: string, folder: string | undefined, at: string): string | undefined {
  const name = `sluice-report-${at.replaceAll(/[:.]/g, '-')}.txt`
  for (const place of [folder, tmpdir()]) {
    if (place === undefined) continue
    const path = join(place, name)
    try {
      writeFileSync(path, text, { mode: 0o600 })
      return path
    } catch {
      // The next place, if there is one.
    }
  }
  return undefined
}
