/**
 * Everything that is wrong with the options of a config, all of it at once: a run stops at the first. Opens nothing and
 * asks no site.
 */
import { systemClock } from '../engine/clock.ts'
import { parseFollow } from '../extract/link-set.ts'
import { SluiceError } from '../model/errors.ts'
import { OPTION_NAMES } from '../model/options.ts'
import type { OptionName } from '../model/options.ts'
import { parseFailIf } from '../policy/fail-if.ts'
import { sinkKindOf } from '../sink/kind.ts'
import { compilePatterns } from '../url/pattern.ts'
import { checkContact } from './contact.ts'
import type { JobKind } from './job.ts'
import { parseHeaderLines } from './filling.ts'
import { diskWatch, parseResolves } from './open-backend.ts'
import { modulesOf } from './open-pool.ts'
import type { GivenExtractor } from './open-pool.ts'
import { planSession } from './open-session.ts'
import { originLogins } from './origin-logins.ts'
import { parseValue, replaceOptions } from './options.ts'
import type { ResolvedOptions } from './options.ts'
import { checkContactRule, createPacing, engineSettings, planJob } from './prepare.ts'
import { planTail } from './tail/tail-plan.ts'

/** Values that are not what their option takes, and keys that are no options. @param place of a key, for the message */
export function keyProblems(values: Readonly<Record<string, unknown>>, place: (key: string) => string): SluiceError[] {
  return problemsOf(
    Object.entries(values)
      .filter(([, value]) => value !== undefined)
      .map(
        ([key, value]) =>
          () =>
            parseValue(key, value, place(key)),
      ),
  )
}

/**
 * What a job of these options would refuse before its first request. @param place of a key, for the message of what the
 * config has given.
 */
export async function jobProblems(
  kind: JobKind,
  options: ResolvedOptions,
  cwd: string,
  place: (key: string) => string | undefined,
): Promise<SluiceError[]> {
  const list = (name: OptionName): string[] => options.get<string[]>(name) ?? []
  const checks: Partial<Record<OptionName, () => unknown>> = {
    contact: () => checkContact(options.get<string>('contact')),
    failIf: () => list('failIf').forEach(parseFailIf),
    out: () => list('out').forEach((out) => typeof out === 'string' && sinkKindOf(out)),
    extract: () => modulesOf(options.get<GivenExtractor[]>('extract') ?? []),
    include: () => compilePatterns(list('include')),
    exclude: () => compilePatterns(list('exclude')),
    follow: () => parseFollow(list('follow').flatMap((word) => word.split(','))),
    resolve: () => parseResolves(list('resolve')),
    header: () => parseHeaderLines(list('header')),
    maxDisk: () => diskWatch(cwd, options.get<string>('maxDisk') as string),
  }
  const found = Object.entries(checks).flatMap(([key, check]) => problemsOf([check]).map((one) => at(one, place(key))))
  if (found.length > 0) return found
  // A config may leave its inputs to the command line.
  const hasInputs = ['seeds', 'lists'].some((name) => options.given(name as OptionName))
  const whole = hasInputs ? options : replaceOptions(options, { seeds: ['http://localhost/'] })
  try {
    if (kind === 'tail') {
      planTail(whole, cwd, false)
      return []
    }
    const plan = planJob(kind, whole, cwd, false)
    const session = await planSession(whole, cwd, undefined, systemClock())
    engineSettings(plan, createPacing(whole), 1, 1, 1, false, session, originLogins(undefined))
    await checkContactRule(plan)
  } catch (error) {
    return [asProblem(error)]
  }
  return []
}

/** Line of a key in the text of a config, from 1; undefined where it is not written out. */
export function lineOfKey(text: string, key: string): number | undefined {
  if (!/^\w+$/.test(key)) return undefined
  const before = new RegExp(`(?:^|[{,\\s])(['"]?)${key}\\1\\s*[:=,(]`).exec(text)
  return before === null ? undefined : text.slice(0, before.index + before[0].length).split('\n').length
}

/** Number of options in a config. */
export function countOptions(values: Readonly<Record<string, unknown>>): number {
  return OPTION_NAMES.filter((name) => values[name] !== undefined).length
}

function problemsOf(checks: readonly (() => unknown)[]): SluiceError[] {
  const problems: SluiceError[] = []
  for (const check of checks) {
    try {
      check()
    } catch (error) {
      problems.push(asProblem(error))
    }
  }
  return problems
}

/** What is no complaint of ours is a mistake of ours. */
function asProblem(error: unknown): SluiceError {
  if (error instanceof SluiceError) return error
  throw error
}

function at(error: SluiceError, place: string | undefined): SluiceError {
  if (place === undefined || error.message.includes(place)) return error
  return new SluiceError(error.code, `${error.message} (${place})`, {
    ...(error.hint === undefined ? {} : { hint: error.hint }),
  })
}
