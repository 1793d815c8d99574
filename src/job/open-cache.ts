/** Where the HTTP cache of a job lies: the folder of `--cache`, or `<name>.cache` beside that of the job, which `--fresh` leaves alone. */
import { join, resolve } from 'node:path'
import type { AnswerCache } from '../fetch/cache/answer-cache.ts'
import { SluiceError } from '../model/errors.ts'
import type { Clock } from '../model/clock.ts'
import { createDigest } from '../url/fingerprint.ts'
import { SUFFIX } from './folder.ts'
import type { ResolvedOptions } from './options.ts'

/** Of a job that has no folder. */
const NAMELESS = 'sluice.cache'
const ENDING = '.cache'

/** Undefined without `--cache`. @throws SluiceError `OPTION_INVALID` */
export async function openCache(
  options: ResolvedOptions,
  cwd: string,
  folder: string | undefined,
  clock: Clock,
  warn: (message: string) => void,
): Promise<AnswerCache | undefined> {
  const given = options.get<string>('cache')
  if (given === undefined) return undefined
  const outs = options.get<unknown[]>('out') ?? []
  const isArchived = outs.some((out) => typeof out === 'string' && /\.warc(?:\.gz)?$/i.test(out))
  if (isArchived || options.get<boolean>('store') === true) {
    throw new SluiceError('OPTION_INVALID', '--cache answers for the sites, and an archive keeps what they answered', {
      hint: 'leave out one of them; sluice extract reads an archive without asking anybody',
    })
  }
  const beside = folder === undefined ? join(cwd, NAMELESS) : folder.slice(0, -SUFFIX.length) + ENDING
  const { AnswerStore } = await import('../fetch/cache/answer-store.ts')
  const { AnswerCache: Cache } = await import('../fetch/cache/answer-cache.ts')
  const store = new AnswerStore({
    folder: given === '' ? beside : resolve(cwd, given),
    maxBytes: options.get<number>('cacheSize') as number,
    clock,
    digester: await createDigest(),
    warn,
  })
  return new Cache({ store, clock, maxStaleMs: options.get<number>('maxStale') ?? 0 })
}
