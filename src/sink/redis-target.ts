/**
 * What a `redis:` URL names: a server, a database, and the form and name under which records are kept there. Opens
 * nothing.
 *
 *     redis://[user:password@]host[:port][/database][?hash=NAME | ?list=NAME | ?stream=NAME]      rediss: with TLS
 */
import { SluiceError } from '../model/errors.ts'

export type RedisForm = 'hash' | 'list' | 'stream'

export interface RedisTarget {
  /** For the driver: with the password, without what is ours. */
  readonly connect: string
  /** For people, and the name of the sink: without user and password. */
  readonly shown: string
  readonly form: RedisForm
  /** Undefined: `JOB:pages`, or `JOB:items` where the job has an extractor; as given, jobs share it. */
  readonly name: string | undefined
}

const FORMS: readonly RedisForm[] = ['hash', 'list', 'stream']

/** @throws SluiceError `OPTION_INVALID`; its message never repeats a password */
export function redisTarget(text: string): RedisTarget {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || url.hostname === '') throw refused('names no server')
  if (!/^\/?\d*$/.test(url.pathname)) throw refused(`has ${url.pathname} where the number of a database belongs`)
  const given = [...url.searchParams]
  const [first] = given
  const form = FORMS.find((known) => known === (first?.[0] ?? 'hash'))
  if (given.length > 1 || form === undefined) throw refused('takes one of ?hash=NAME, ?list=NAME and ?stream=NAME')
  if (first?.[1] === '' || first?.[1].startsWith('_sluice_') === true) {
    throw refused(`needs a name behind ${form}= that does not begin with _sluice_`)
  }
  url.search = ''
  url.hash = ''
  const connect = url.href
  const place = `${url.protocol}//${url.hostname}:${url.port || 6379}/${url.pathname.slice(1) || 0}`
  const shown = first === undefined ? place : `${place}?${form}=${encodeURIComponent(first[1])}`
  return { connect, shown, form, name: first?.[1] }
}

function refused(what: string): SluiceError {
  return new SluiceError('OPTION_INVALID', `the redis: URL of --out ${what}`, {
    hint: 'for example --out "redis://127.0.0.1:6379/0?stream=items"',
  })
}
