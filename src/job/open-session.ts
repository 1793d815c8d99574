/**
 * From the options `session` and `cookies` to the session of a job: loads the recipe, says which links it must not follow,
 * and keeps its state in the job folder, in a file of its own that only the owner can read.
 */
import { createHash } from 'node:crypto'
import { chmodSync, existsSync, readFileSync } from 'node:fs'
import { extname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Fetcher } from '../fetch/fetcher.ts'
import type { Clock } from '../model/clock.ts'
import { importDefault } from '../extract/user-module.ts'
import { SluiceError } from '../model/errors.ts'
import type { Scope } from '../policy/scope.ts'
import { Jar } from '../session/jar.ts'
import { LiveSession } from '../session/live-session.ts'
import type { SessionStore } from '../session/live-session.ts'
import { takeNetscape } from '../session/netscape.ts'
import type { SessionRecipe } from '../session/recipe.ts'
import { recipeOf } from '../session/recipes.ts'
import { Secrets } from '../session/secret.ts'
import { hostOf, registrableDomain } from '../url/key.ts'
import { compilePatterns } from '../url/pattern.ts'
import { writeWhole } from './whole-file.ts'
import type { ResolvedOptions } from './options.ts'

const FILE = 'session.json'
/** A segment of path or query that ends a session, as sites write it. */
const LOGOUT = /(?:^|[/?&=_.-])(?:log|sign)[-_]?(?:out|off)(?:$|[/?&=#_.-])/i

/** What is known before anything is opened. */
export interface PlannedSession {
  readonly recipe: SessionRecipe
  readonly jar: Jar
  readonly secrets: Secrets
}

/** Undefined where the job has no session. Throws `OPTION_INVALID` or `INPUT_UNREADABLE`. */
export async function planSession(
  options: ResolvedOptions,
  cwd: string,
  folder: string | undefined,
  clock: Clock,
): Promise<PlannedSession | undefined> {
  const given = options.get<string | SessionRecipe>('session')
  const cookies = options.get<string>('cookies')
  if (given === undefined && cookies === undefined) {
    if (folder === undefined || !existsSync(join(folder, FILE))) return undefined
    throw new SluiceError('OPTION_INVALID', 'this job runs in a session, and none was given', {
      hint: 'give it again (--session FILE, or the option of the program), or start over with --fresh',
    })
  }
  const jar = new Jar(clock)
  const recipe =
    given === undefined ? { name: 'cookies', identity: 'cookies', sites: [] } : await loadRecipe(given, cwd)
  const secrets = new Secrets(process.env, cwd)
  if (cookies === undefined) return { recipe, jar, secrets }
  const text = readInput(resolve(cwd, cookies))
  const sites = takeNetscape(text, cookies, jar)
  // Other cookies are another session: what was stored of the old ones is not continued.
  const identity = `${recipe.identity} ${createHash('sha256').update(text).digest('hex')}`
  return { recipe: { ...recipe, identity, sites: [...recipe.sites, ...sites] }, jar, secrets }
}

export function openSession(
  { recipe, jar, secrets }: PlannedSession,
  fetcher: Fetcher,
  clock: Clock,
  folder: string | undefined,
): LiveSession {
  const store = folder === undefined ? undefined : storeIn(folder)
  return new LiveSession({ recipe, jar, secrets, fetcher, clock, store })
}

/** A scope that keeps off what would end the session, and off the login itself. */
export function avoiding(scope: Scope, { recipe }: PlannedSession): Scope {
  const sites = new Set(recipe.sites.map((url) => registrableDomain(hostOf(new URL(url).href))))
  const own = recipe.avoid === undefined ? undefined : compilePatterns(recipe.avoid)
  const login = recipe.loginUrl === undefined ? undefined : placeOf(recipe.loginUrl)
  return {
    widen: (url) => scope.widen(url),
    exclude: (patterns) => scope.exclude(patterns),
    check(url, depth) {
      const refusal = scope.check(url, depth)
      if (refusal !== undefined || !sites.has(registrableDomain(hostOf(url)))) return refusal
      const host = url.indexOf('/', 8)
      if (LOGOUT.test(url.slice(host))) return { code: 'SCOPE_DENIED', reason: 'session: the link logs out' }
      if (own?.match(url) !== undefined) return { code: 'SCOPE_DENIED', reason: 'session: avoid' }
      if (login !== undefined && placeOf(url) === login)
        return { code: 'SCOPE_DENIED', reason: 'session: the login itself' }
      return undefined
    },
  }
}

function placeOf(url: string): string {
  const { origin, pathname } = new URL(url)
  return origin + pathname
}

function storeIn(folder: string): SessionStore {
  const path = join(folder, FILE)
  return {
    read() {
      if (!existsSync(path)) return undefined
      // Whoever copied it here may have opened it to others.
      chmodSync(path, 0o600)
      return readFileSync(path, 'utf8')
    },
    write: (text) => writeWhole(path, text, 0o600),
  }
}

async function loadRecipe(given: string | SessionRecipe, cwd: string): Promise<SessionRecipe> {
  if (typeof given !== 'string') return recipeOf(given, 'session')
  const path = resolve(cwd, given)
  if (extname(path) === '.json') {
    let value: unknown
    try {
      value = JSON.parse(readInput(path))
    } catch (error) {
      if (error instanceof SluiceError) throw error
      // The parser quotes what it cannot read, and that may be a password.
      throw new SluiceError('OPTION_INVALID', `${given} is no JSON`, { hint: 'mend the file' })
    }
    return recipeOf(value, given)
  }
  readInput(path)
  let exported: unknown
  try {
    exported = await importDefault(pathToFileURL(path).href)
  } catch (error) {
    throw new SluiceError('OPTION_INVALID', `${given} cannot be loaded as a module`, {
      hint: 'write: export default formLogin({ … })',
      cause: error,
    })
  }
  return recipeOf(exported, given)
}

function readInput(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new SluiceError('INPUT_UNREADABLE', `${path} cannot be read`, { hint: 'check the path', cause: error })
  }
}
