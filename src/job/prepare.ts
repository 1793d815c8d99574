/** From options to everything one run needs to know before a file or socket is opened. Bad options throw here. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { EngineSettings, HostSettings } from '../engine/settings.ts'
import { parseFollow } from '../extract/link-set.ts'
import type { KeyDefaults } from '../frontier/frontier.ts'
import { shortDuration } from '../model/duration.ts'
import { SluiceError } from '../model/errors.ts'
import { parseDuration } from '../model/options.ts'
import type { OptionName } from '../model/options.ts'
import { parseFailIf } from '../policy/fail-if.ts'
import { polite } from '../policy/polite.ts'
import type { Policy } from '../policy/policy.ts'
import type { RevisitLimits } from '../policy/revisit.ts'
import { sinkKindOf } from '../sink/kind.ts'
import { hasPlaces } from '../source/template.ts'
import { canonicalize, withoutCredentials } from '../url/canonicalize.ts'
import { hostOf, keyOf, registrableDomain } from '../url/key.ts'
import { checkContact, contactNeeded, FREE_URLS, fasterThanDefault, privateTest } from './contact.ts'
import { inputHeaders, parseHeaderLines } from './filling.ts'
import { folderOf, nameFromInput, nameOf } from './folder.ts'
import { hostSheet, withHost } from './host-sheet.ts'
import { scopeOf } from './job-scope.ts'
import type { PageJobKind } from './job.ts'
import { originLogins, proxyTaken } from './origin-logins.ts'
import type { OriginLogins } from './origin-logins.ts'
import { openInputs } from './sources.ts'
import type { Inputs } from './sources.ts'
import { diskWatch, parseResolves } from './open-backend.ts'
import { avoiding } from './open-session.ts'
import type { PlannedSession } from './open-session.ts'
import type { HostOptions, ResolvedOptions } from './options.ts'

export const VERSION: string = (
  JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }
).version

/** Product token: what robots.txt groups and meta robots are matched against. */
export const AGENT = 'sluice'

export interface Plan {
  readonly kind: PageJobKind
  readonly options: ResolvedOptions
  readonly cwd: string
  /** undefined: nothing is kept (fetchAll without a job). */
  readonly folder: string | undefined
  readonly name: string
  readonly inputs: Inputs
  readonly isPrivate: (url: string) => boolean
}

export function planJob(kind: PageJobKind, options: ResolvedOptions, cwd: string, durable: boolean): Plan {
  checkContact(options.get<string>('contact'))
  for (const expression of options.get<string[]>('failIf') ?? []) parseFailIf(expression)
  const inputs = openInputs(options, kind, cwd)
  if (inputs.subject === '') {
    throw new SluiceError(
      'OPTION_INVALID',
      kind === 'crawl' ? 'crawl needs a start URL' : 'fetch needs a list or URLs',
      {
        hint:
          kind === 'crawl'
            ? 'sluice crawl https://your.site/'
            : 'sluice fetch urls.txt   or   sluice fetch https://your.site/a.pdf',
      },
    )
  }
  const places = options.get<string[]>('proxy')?.find(hasPlaces)
  if (kind !== 'fetch' && places !== undefined) {
    throw new SluiceError(
      'OPTION_INVALID',
      `--proxy ${withoutCredentials(places)}: the pages of a crawl have no columns`,
      {
        hint: 'give the proxies themselves; several take turns',
      },
    )
  }
  const job = options.get<string>('job')
  const folder = durable || job !== undefined ? folderOf(job ?? nameFromInput(inputs.subject), cwd) : undefined
  const plan = {
    kind,
    options,
    cwd,
    folder,
    name: folder === undefined ? 'memory' : nameOf(folder),
    inputs,
    isPrivate: privateTest(parseResolves(options.get<string[]>('resolve') ?? [])),
  }
  checkSettings(plan)
  return plan
}

/** What is only used once the job is open is read now: a bad option is told before any file of the job is looked at. */
function checkSettings(plan: Plan): void {
  const { options } = plan
  for (const out of options.get<unknown[]>('out') ?? []) if (typeof out === 'string') sinkKindOf(out)
  parseHeaderLines(options.get<string[]>('header') ?? [])
  revisitLimits(options)
  engineSettings(plan, createPacing(options), 1, 1, 0, false, undefined, originLogins(undefined))
}

/**
 * The contact rule, as far as the inputs can be counted before the first request: at most 1,001 are looked at. Returns
 * how many URLs of other people's sites may be fetched in this run.
 */
export async function checkContactRule(plan: Plan): Promise<number> {
  const { options, inputs, isPrivate } = plan
  if (options.get<string>('contact') !== undefined) return Number.POSITIVE_INFINITY
  let count = 0
  for (const source of inputs.sources) {
    if (source.lazy === true || source.name.startsWith('stdin:')) continue
    for await (const batch of source.batches(undefined, AbortSignal.timeout(60_000))) {
      for (const { url } of batch.items) {
        const canonical = canonicalize(url)
        if (canonical.ok && !isPrivate(canonical.url)) count++
      }
      if (count > FREE_URLS) break
    }
    if (count > 0 && fasterThanDefault(options)) throw contactNeeded('a pace faster than the polite default')
    if (count > FREE_URLS) throw contactNeeded(`a job of more than ${FREE_URLS.toLocaleString('en')} URLs`)
  }
  return FREE_URLS
}

/** Pace that may change while the job runs. */
export interface LivePace {
  delayMs: number
  perHost: number
}

export interface Pacing {
  readonly pace: LivePace
  /** Settings of one host, or of a pattern of hosts, from now on, over those of the option `hosts`. */
  set(host: string, settings: HostOptions): void
  hostSettings(key: string): HostSettings
  defaults(key: string): KeyDefaults
}

export function createPacing(options: ResolvedOptions): Pacing {
  const pace: LivePace = {
    delayMs: options.get<number>('delay') as number,
    perHost: options.get<number>('perHost') as number,
  }
  let hosts = options.get<Record<string, HostOptions>>('hosts') ?? {}
  let sheet = hostSheet(hosts)
  const hostLimit = options.get<number>('hostLimit')
  const hostSettings = (key: string): HostSettings => {
    const own = sheet(key)
    return {
      delayMs: own?.delay === undefined ? pace.delayMs : parseDuration(own.delay),
      perHost: own?.perHost ?? pace.perHost,
      isBlocked: own?.block ?? false,
    }
  }
  return {
    pace,
    set(host, settings) {
      hosts = withHost(hosts, host, settings)
      sheet = hostSheet(hosts)
    },
    hostSettings,
    defaults(key) {
      const { delayMs, perHost } = hostSettings(key)
      return { delayMs, conns: perHost, cap: sheet(key)?.limit ?? hostLimit ?? null }
    },
  }
}

export function engineSettings(
  plan: Plan,
  pacing: Pacing,
  run: number,
  concurrency: number,
  publicLimit: number,
  recheckScope: boolean,
  session: PlannedSession | undefined,
  logins: OriginLogins,
): EngineSettings {
  const { options, kind, inputs } = plan
  const gates = options.get<string[]>('gate') ?? []
  const ownKey = options.get<(url: string) => string>('keyOf')
  const ownGroups = options.get<(url: string) => readonly string[]>('groupsOf')
  const keyKind = options.get<'host' | 'domain'>('key') ?? 'host'
  const byDomain = gates.includes('domain')
  const retries = options.get<number>('retries') as number
  const scope = scopeOf(kind, inputs.seeds, (name) => options.get(name as OptionName))
  return {
    kind,
    run,
    agent: AGENT,
    policy: options.get<Policy>('policy') ?? polite({ retries, adaptive: options.get<boolean>('adaptive') ?? true }),
    scope: session === undefined ? scope : avoiding(scope, session),
    recheckScope,
    trapBudget: options.get<number>('trapBudget') ?? 0,
    kinds: parseFollow((options.get<string[]>('follow') as string[]).flatMap((word) => word.split(','))),
    changedOnly: options.get<boolean>('changedOnly') ?? false,
    nofollow: options.get<boolean>('nofollow') ?? true,
    robots: options.get<'obey' | 'record' | 'ignore'>('robots') as 'obey',
    sitemaps: options.get<'auto' | 'only' | 'off'>('sitemaps') as 'off',
    maxRedirects: options.get<number>('maxRedirects') as number,
    retryUnsafe: options.get<boolean>('retryUnsafe') === true,
    concurrency,
    limit: options.get<number>('limit'),
    maxTimeMs: options.get<number>('maxTime'),
    ratePerSecond: options.get<number>('rate'),
    bytesPerSecond: options.get<number>('bandwidth'),
    drainMs: options.get<number>('drain') as number,
    hostSettings: (key) => pacing.hostSettings(key),
    keyOf: ownKey ?? ((url) => keyOf(url, keyKind)),
    groupsOf:
      ownGroups !== undefined || byDomain
        ? (url) => [...(byDomain ? [`domain:${registrableDomain(hostOf(url))}`] : []), ...(ownGroups?.(url) ?? [])]
        : () => undefined,
    cache: options.given('cache'),
    restsHosts: options.get<boolean>('adaptive') ?? true,
    ipGate: gates.includes('ip'),
    diskLow:
      plan.folder === undefined
        ? undefined
        : diskWatch(join(plan.folder, '..'), options.get<string>('maxDisk') as string),
    publicLimit,
    takeLogin: (url) => logins.take(url),
    takeProxy: (text) => proxyTaken(text, logins),
    inputHeaders: kind === 'fetch' ? inputHeaders(options, plan.cwd) : undefined,
    isPrivate: plan.isPrivate,
  }
}

/** Of a run of the pages that are due; undefined for others. @throws SluiceError `OPTION_INVALID` */
export function revisitLimits(options: ResolvedOptions): RevisitLimits | undefined {
  if (options.get<boolean>('ifDue') !== true) return undefined
  const [firstMs, minMs, maxMs] = (['revisit', 'revisitMin', 'revisitMax'] as const).map(
    (name) => options.get<number>(name) as number,
  ) as [number, number, number]
  if (minMs > maxMs) {
    throw new SluiceError('OPTION_INVALID', '--revisit-min is longer than --revisit-max', {
      hint: 'for example --revisit-min 1h --revisit-max 90d',
    })
  }
  // The usual 24 h give way to limits that were chosen; two that were chosen contradict each other.
  if (options.given('revisit') && (firstMs < minMs || firstMs > maxMs)) {
    const [flag, limitMs, word] =
      firstMs < minMs ? (['--revisit-min', minMs, 'shorter'] as const) : (['--revisit-max', maxMs, 'longer'] as const)
    throw new SluiceError('OPTION_INVALID', `--revisit is ${word} than ${flag} (${shortDuration(limitMs)})`, {
      hint: `say ${flag} ${shortDuration(firstMs)} as well`,
    })
  }
  return { firstMs, minMs, maxMs }
}
