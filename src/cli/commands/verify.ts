/** `sluice verify JOB`: counts and checksums of a job, digests of its archive and files; exit 1 where one is wrong. `--repair` mends its store first. */
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { findJob, repairJob, verify } from '../../job/index.ts'
import type { Repair } from '../../job/index.ts'
import { SluiceError } from '../../model/errors.ts'
import type { Cli, Invocation } from '../command.ts'
import { EXITS } from '../exit-codes.ts'
import { placeOfJob } from '../job-argument.ts'
import { renderRepair, renderVerification } from '../render/verify.ts'

export async function run(cli: Cli, { positionals, flags }: Invocation): Promise<number> {
  const places = positionals.map((word) => resolve(cli.cwd, word))
  const areArchives = places.length > 0 && places.every((path) => existsSync(path) && !path.endsWith('.sluice'))
  const job = areArchives ? undefined : jobNamed(positionals, cli.cwd)
  const repair = flags.repair === true ? repaired(job) : undefined
  const found = await verify(job === undefined ? places : [job])
  const place = job === undefined ? undefined : placeOfJob(job, cli.cwd)
  const text =
    flags.asJson === true
      ? JSON.stringify({ v: 1, ...found, ...(flags.repair === true ? { repair: repair ?? null } : {}) })
      : [
          ...(flags.repair === true ? renderRepair(repair, cli.catalog) : []),
          ...renderVerification(found, cli.catalog, place),
        ].join('\n')
  cli.terminal.print(`${text}\n`)
  return found.wrong === 0 ? EXITS.done.code : EXITS.internal.code
}

function repaired(job: string | undefined): Repair | undefined {
  if (job !== undefined) return repairJob(job)
  throw new SluiceError('OPTION_INVALID', '--repair is for jobs: archives and pages are only read', {
    hint: 'sluice verify JOB --repair',
  })
}

function jobNamed(words: readonly string[], cwd: string): string {
  if (words.length <= 1) return findJob(words[0], cwd)
  const missing =
    words.find((word) => !existsSync(resolve(cwd, word))) ?? words.find((word) => word.endsWith('.sluice'))
  throw new SluiceError('INPUT_UNREADABLE', `${missing} cannot be verified together with others`, {
    hint: 'verify takes one job, or any number of WARC files, folders of them and folders of pages',
  })
}
