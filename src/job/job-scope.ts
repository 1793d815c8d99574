/** The scope of a job: made of its options, or of what is stored of them by somebody who looks at the job from outside. */
import { createScope } from '../policy/scope.ts'
import type { Scope, ScopeWord } from '../policy/scope.ts'
import { canonicalize, withoutCredentials } from '../url/canonicalize.ts'
import type { StoredJob } from './folder.ts'
import type { PageJobKind } from './job.ts'

/** @param option value of an option of the job. @param seeds as given; what is no URL widens nothing. */
export function scopeOf(kind: PageJobKind, seeds: readonly string[], option: (name: string) => unknown): Scope {
  const include = option('include') as readonly (string | RegExp)[] | undefined
  const exclude = option('exclude') as readonly (string | RegExp)[] | undefined
  const depth = option('depth') as number | undefined
  return createScope({
    word: kind === 'fetch' ? 'any' : (option('scope') as ScopeWord),
    seeds: seeds.flatMap((seed) => {
      const canonical = canonicalize(seed)
      return canonical.ok ? [withoutCredentials(canonical.url)] : []
    }),
    ...(include === undefined ? {} : { include }),
    ...(exclude === undefined ? {} : { exclude }),
    ...(depth === undefined ? {} : { depth }),
  })
}

/** Without what redirected seeds have widened it by, which is known to the running job. */
export function scopeOfJob(stored: StoredJob | undefined): Scope {
  const options = stored?.options ?? {}
  const seeds = options['seeds']
  const urls = Array.isArray(seeds) ? seeds.map(String) : [String(seeds ?? stored?.subject ?? '')]
  const kind = stored?.kind === 'crawl' ? 'crawl' : 'fetch'
  return scopeOf(kind, urls, (name) => (name === 'scope' ? (options[name] ?? 'host') : options[name]))
}
