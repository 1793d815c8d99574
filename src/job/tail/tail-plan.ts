/** From options to everything one tail needs to know before a file or socket is opened. Bad options throw here. */
import { existsSync, statSync } from 'node:fs'
import { extname, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { SluiceError } from '../../model/errors.ts'
import { parseFailIf } from '../../policy/fail-if.ts'
import type { Shape } from '../../source/stream/decoder.ts'
import type { LogFormat } from '../../source/stream/item.ts'
import { canonicalize, withoutCredentials } from '../../url/canonicalize.ts'
import { checkContact } from '../contact.ts'
import { folderOf, nameFromInput, nameOf } from '../folder.ts'
import type { ResolvedOptions } from '../options.ts'

export interface TailPlan {
  readonly kind: 'tail'
  readonly options: ResolvedOptions
  readonly cwd: string
  /** undefined: nothing is kept. */
  readonly folder: string | undefined
  readonly name: string
  /** As the user wrote it. */
  readonly subject: string
  /** Absolute path of a file; undefined for a stream. */
  readonly path: string | undefined
  /** Of the stream as it is asked for, or `file:` of the path. */
  readonly url: string
  /** The same as a key of the ledger: `http:` for `ws:`, in which a WebSocket begins. */
  readonly ledgerUrl: string
  /** Shape of the records, where it is known before the answer. */
  readonly shape: Shape | undefined
  readonly parse: LogFormat | undefined
  readonly cursor: { readonly field: string; readonly parameter: string } | undefined
  readonly last: number | undefined
  /** ms */
  readonly stallMs: number | undefined
}

/** @throws SluiceError `OPTION_INVALID` */
export function planTail(options: ResolvedOptions, cwd: string, durable: boolean): TailPlan {
  checkContact(options.get<string>('contact'))
  for (const expression of options.get<string[]>('failIf') ?? []) parseFailIf(expression)
  const subject = subjectOf(options)
  const isUrl = /^[a-z][a-z0-9+.-]*:\/\//i.test(subject) && !subject.startsWith('file:')
  const path = isUrl ? undefined : resolve(cwd, subject.startsWith('file:') ? new URL(subject).pathname : subject)
  const job = options.get<string>('job')
  const folder = durable || job !== undefined ? folderOf(job ?? nameFromInput(subject), cwd) : undefined
  const url = path === undefined ? canonicalOf(subject) : pathToFileURL(path).href
  const plan: TailPlan = {
    kind: 'tail',
    options,
    cwd,
    folder,
    name: folder === undefined ? 'memory' : nameOf(folder),
    subject,
    path,
    url,
    ledgerUrl: withoutCredentials(url.replace(/^ws/, 'http')),
    shape: options.get<Shape>('as') ?? shapeOfSubject(url, path),
    parse: options.get<LogFormat>('parse'),
    cursor: cursorOf(options.get<string>('cursor')),
    last: options.get<number>('last'),
    stallMs: options.get<number>('stall'),
  }
  checkTogether(plan)
  return plan
}

function subjectOf(options: ResolvedOptions): string {
  const seeds = options.get<unknown[]>('seeds') ?? []
  const [subject] = seeds
  if (seeds.length === 1 && (typeof subject === 'string' || subject instanceof URL)) return String(subject)
  throw new SluiceError('OPTION_INVALID', 'tail takes one file or URL', {
    hint: 'sluice tail /var/log/nginx/access.log   or   sluice tail https://your.site/events',
  })
}

function canonicalOf(subject: string): string {
  const isSocket = /^wss?:/i.test(subject)
  const canonical = canonicalize(isSocket ? subject.replace(/^ws/i, 'http') : subject)
  if (canonical.ok) return isSocket ? canonical.url.replace(/^http/, 'ws') : canonical.url
  throw new SluiceError('OPTION_INVALID', `${JSON.stringify(subject)} is not a URL of http, https, ws or wss`, {
    hint: 'sluice tail https://your.site/events',
  })
}

function shapeOfSubject(url: string, path: string | undefined): Shape | undefined {
  if (path !== undefined) return /^\.(?:ndjson|jsonl)$/i.test(extname(path)) ? 'ndjson' : 'lines'
  return url.startsWith('ws') ? 'ws' : undefined
}

/** `field` or `field:parameter`; the parameter of the query is called `cursor` unless it is said. */
function cursorOf(text: string | undefined): TailPlan['cursor'] {
  if (text === undefined) return undefined
  const [field = '', parameter = 'cursor', ...rest] = text.split(':')
  if (field === '' || parameter === '' || rest.length > 0) {
    throw new SluiceError('OPTION_INVALID', `--cursor: ${JSON.stringify(text)} is not FIELD or FIELD:PARAM`, {
      hint: 'for example --cursor time_us, or --cursor meta.id:since',
    })
  }
  return { field, parameter }
}

function checkTogether({ path, url, shape, parse, cursor, last, stallMs, options }: TailPlan): void {
  const wrong = (what: string, hint: string): SluiceError => new SluiceError('OPTION_INVALID', what, { hint })
  if (path === undefined) {
    if (last !== undefined) throw wrong('--last is for files: a stream has no end to count from', 'leave it out')
    if ((shape === 'ws') !== url.startsWith('ws')) {
      throw wrong(`--as ${String(shape)} does not fit ${url}`, 'WebSockets are ws: or wss: URLs, and nothing else is')
    }
  } else {
    if (shape !== 'lines' && shape !== 'ndjson') {
      throw wrong(`--as ${String(shape)} is for streams`, 'a file has lines: --as lines or --as ndjson')
    }
    if (cursor !== undefined || stallMs !== undefined)
      throw wrong('--cursor and --stall are for streams', 'leave them out')
    if (existsSync(path) && statSync(path).isDirectory()) throw wrong(`${path} is a folder`, 'name the file in it')
  }
  if (options.get<string>('view') !== undefined && parse === undefined)
    throw wrong('--view referrers needs the fields of a log', 'add --parse combined')
  for (const name of ['store', 'extract'] as const)
    if (options.given(name) && options.get(name) !== false)
      throw wrong(`--${name} is for pages, not for tail`, 'leave it out')
}
