/** What kind of sink the text of `--out` asks for, by scheme, ending or what lies there. Opens nothing. */
import { statSync } from 'node:fs'
import { SluiceError } from '../model/errors.ts'
import type { Compression } from './compression.ts'
import { mongoTarget } from './mongo-target.ts'
import { redisTarget } from './redis-target.ts'

export interface SinkKind {
  readonly kind:
    | 'ndjson'
    | 'csv'
    | 'sqlite'
    | 'parquet'
    | 'warc'
    | 'dir'
    | 'stdout'
    | 'postgres'
    | 'mysql'
    | 'redis'
    | 'mongodb'
  /** As given, without a scheme where it is a file; `-` for stdout, the whole URL of a server. */
  readonly path: string
  /** Only where the text is compressed. */
  readonly compression?: Compression
  /** Name behind `#` of `sqlite:PATH#TABLE`. */
  readonly table?: string
  /** Names of files below `path` (`dir`), from the first part with a `{` on. */
  readonly template?: string
}

/** Behind the name of a Parquet table: the rows it is made of. */
export const ROWS_ENDING = '.ndjson.gz'

const EXISTS =
  'dir/, dir/{host}/{path}{ext}, .ndjson, .jsonl, .csv (also .gz, .zst), .parquet, .warc, .warc.gz, .sqlite, .db, sqlite:PATH[#TABLE], postgres://HOST/DB[#TABLE], mysql://HOST/DB[#TABLE], redis://HOST/DB?stream=NAME, mongodb://HOST/DB/COLLECTION and - (stdout)'

/** Schemes of database servers; their URLs are read by the sink. */
const SERVERS: Readonly<Record<string, 'postgres' | 'mysql'>> = {
  postgres: 'postgres',
  postgresql: 'postgres',
  mysql: 'mysql',
  mariadb: 'mysql',
}

/**
 * Reads one value of `--out`.
 * @throws SluiceError `OPTION_INVALID` with a hint that lists what exists
 */
export function sinkKindOf(out: string): SinkKind {
  if (out === '-') return { kind: 'stdout', path: out }
  if (out === '' || out.includes('\0')) throw unknown(out, 'is not a path')
  // Two letters at least: `C:\pages.csv` is a path.
  const scheme = /^([a-z][a-z0-9+.-]+):/i.exec(out)?.[1]?.toLowerCase()
  if (scheme === 'sqlite') return sqlitePath(out)
  const server = scheme === undefined ? undefined : SERVERS[scheme]
  if (server !== undefined) return { kind: server, path: out }
  if (scheme === 'redis' || scheme === 'rediss') {
    redisTarget(out)
    return { kind: 'redis', path: out }
  }
  if (scheme === 'mongodb' || scheme === 'mongodb+srv') {
    mongoTarget(out)
    return { kind: 'mongodb', path: out }
  }
  if (scheme !== undefined && out.startsWith('//', scheme.length + 1)) throw unknown(out, 'is not an output')
  if (out.includes('{')) return templateOf(out)
  if (out.endsWith('/') || (process.platform === 'win32' && out.endsWith('\\')) || isFolder(out)) {
    return { kind: 'dir', path: out }
  }
  return kindOfEnding(out)
}

function templateOf(out: string): SinkKind {
  const slash = out.lastIndexOf('/', out.indexOf('{'))
  return {
    kind: 'dir',
    path: slash <= 0 ? out.slice(0, slash + 1) || '.' : out.slice(0, slash),
    template: out.slice(slash + 1),
  }
}

function kindOfEnding(out: string): SinkKind {
  const lower = out.toLowerCase()
  // The archive sees for itself whether it is compressed.
  if (/\.warc(\.gz)?$/.test(lower)) return { kind: 'warc', path: out }
  const text = /\.(ndjson|jsonl|csv)(\.gz|\.zst)?$/.exec(lower)
  if (text !== null) return { kind: text[1] === 'csv' ? 'csv' : 'ndjson', path: out, ...compressionOf(text[2]) }
  if (/\.(sqlite|db)$/.test(lower)) return { kind: 'sqlite', path: out }
  if (lower.endsWith('.parquet')) return { kind: 'parquet', path: out }
  throw unknown(out, 'has no ending that names an output')
}

function compressionOf(ending: string | undefined): Pick<SinkKind, 'compression'> {
  if (ending === undefined) return {}
  return { compression: ending === '.gz' ? 'gzip' : 'zstd' }
}

function sqlitePath(out: string): SinkKind {
  const path = out.slice('sqlite:'.length)
  // Letters, digits and `_` only: a `#` elsewhere is a part of the path.
  const named = /^(.+)#(\w+)$/.exec(path)
  if (named?.[1] !== undefined && named[2] !== undefined) {
    return { kind: 'sqlite', path: named[1], table: named[2] }
  }
  if (path === '' || path === ':memory:') throw unknown(out, 'names no file')
  return { kind: 'sqlite', path }
}

function isFolder(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
  } catch {
    return false
  }
}

/** User name and password in front of a host, with or without a scheme. */
const LOGIN = /^([a-z][a-z0-9+.-]*:\/\/)[^/]*@|^[^/]*:[^/]*@/i

function unknown(out: string, what: string): SluiceError {
  return new SluiceError('OPTION_INVALID', `--out ${out.replace(LOGIN, '$1')} ${what}`, {
    hint: `outputs that exist: ${EXISTS}`,
  })
}
