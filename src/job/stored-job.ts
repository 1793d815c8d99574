/** What a job folder is about, against what is asked for now: the same job goes on, another one is a mistake. */
import { SluiceError } from '../model/errors.ts'
import { withoutCredentials } from '../url/canonicalize.ts'
import { newStored } from './folder.ts'
import type { StoredJob } from './folder.ts'
import type { JobKind } from './job.ts'
import { storedOptions } from './options.ts'
import type { ResolvedOptions } from './options.ts'

export interface AskedJob {
  readonly kind: JobKind
  readonly name: string
  readonly options: ResolvedOptions
  readonly cwd: string
}

/**
 * The stored job with today's options.
 *
 * @param given first input as the user wrote it; kept and told without user name and password
 * @param wall ms since 1970
 * @throws SluiceError `JOB_MISMATCH` for another kind or subject under the same name
 */
export function storedJobOf(asked: AskedJob, given: string, known: StoredJob | undefined, wall: number): StoredJob {
  const { kind, name, cwd } = asked
  const options = storedOptions(asked.options)
  const subject = withoutCredentials(given)
  if (known === undefined) {
    return newStored({ kind, name, subject, options, cwd, createdAt: new Date(wall).toISOString() })
  }
  const was = withoutCredentials(known.subject)
  if (known.kind !== kind || was !== subject) {
    throw new SluiceError('JOB_MISMATCH', `the job ${name} is a ${known.kind} of ${was}, not a ${kind} of ${subject}`, {
      hint: `give this one another name with --job, or start over with --fresh (keeps the old one as ${name}.1)`,
    })
  }
  return { ...known, subject, options, cwd }
}
