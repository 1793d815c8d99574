/** The job folder `<name>.sluice/`: where it is, what its config.json says, how an old one is kept. */
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, statSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { SluiceError } from '../model/errors.ts'
import { readCredentials, writeCredentials } from './credentials.ts'
import type { JobKind } from './job.ts'
import { masked } from './masks.ts'
import { writeWhole } from './whole-file.ts'

export interface StoredJob {
  readonly format: 1
  /** Unique for ever: names the job in sinks. */
  readonly id: string
  readonly kind: JobKind
  readonly name: string
  /** What the job is about (first input): a job of the same name with another one is a mistake. */
  readonly subject: string
  /** Seed of the fingerprints, hex. */
  readonly seed: string
  readonly createdAt: string
  readonly options: Readonly<Record<string, unknown>>
  /** Working directory that relative paths of the options refer to. */
  readonly cwd: string
}

export const SUFFIX = '.sluice'
const CONFIG = 'config.json'

/** `name` or a path, with or without the suffix, → absolute folder. */
export function folderOf(job: string, cwd: string): string {
  const path = resolve(cwd, job)
  return path.endsWith(SUFFIX) ? path : path + SUFFIX
}

export function nameOf(folder: string): string {
  return basename(folder, SUFFIX)
}

/** Name from the first input: a file's name without its extensions, or a URL's host. */
export function nameFromInput(input: string): string {
  if (input === '-') return 'stdin'
  const url = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)/i.exec(input)
  const raw =
    url === null
      ? basename(input)
          .replace(/\.(gz|zst)$/i, '')
          .replace(/\.[a-z0-9]{1,8}$/i, '')
      : (url[1] as string).replace(/^.*@/, '')
  const name = raw.replace(/[^\p{L}\p{N}._-]+/gu, '-').replace(/^[-.]+|[-.]+$/g, '')
  return name === '' ? 'job' : name.slice(0, 100)
}

/** Undefined where there is no job. @throws SluiceError `INPUT_UNREADABLE` where there is one that we may not read */
export function readStored(folder: string): StoredJob | undefined {
  const path = join(folder, CONFIG)
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if (isMissing(error)) return undefined
    throw unreadable(folder, error)
  }
  try {
    const stored = JSON.parse(text) as StoredJob
    if (stored.format === 1 && typeof stored.id === 'string') return withSecrets(folder, stored)
  } catch (error) {
    if (error instanceof SluiceError) throw error
    // Falls through: the message below is the same for a torn and for a foreign file.
  }
  throw new SluiceError('FORMAT_UNSUPPORTED', `${path} is not a job of this version of Sluice`, {
    hint: 'use the version that made it, or --fresh to start a new job (the old one is kept)',
  })
}

/** Atomic: a death never leaves half a file. Secrets come first: a config.json that masks them finds them. */
export function writeStored(folder: string, stored: StoredJob): void {
  mkdirSync(folder, { recursive: true })
  const shown: Record<string, unknown> = {}
  const secret: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(stored.options)) {
    shown[name] = masked(name, value)
    if (!isDeepStrictEqual(shown[name], value)) secret[name] = value
  }
  writeCredentials(folder, { options: secret })
  writeWhole(join(folder, CONFIG), `${JSON.stringify({ ...stored, options: shown }, null, 2)}\n`, 0o600)
}

/** Secrets back in their places: where config.json still says of an option what it said when they were put away. */
function withSecrets(folder: string, stored: StoredJob): StoredJob {
  const options = { ...stored.options }
  for (const [name, value] of Object.entries(readCredentials(folder).options))
    if (isDeepStrictEqual(options[name], masked(name, value))) options[name] = value
  return { ...stored, options }
}

/** Outputs that a job was given; undefined where it has its own only. */
export function outputsOf(folder: string): readonly string[] | undefined {
  return readStored(folder)?.options['out'] as readonly string[] | undefined
}

export function newStored(
  init: Pick<StoredJob, 'kind' | 'name' | 'subject' | 'options' | 'cwd' | 'createdAt'>,
): StoredJob {
  return { format: 1, id: randomBytes(8).toString('hex'), seed: randomBytes(8).toString('hex'), ...init }
}

/**
 * The old folder becomes `<name>.1.sluice`, `.2` …, and each of the files gets the same number before its ending; nothing
 * is erased. Returns the folder's new path.
 */
export function setAside(folder: string, files: readonly string[] = []): string | undefined {
  if (!existsSync(folder)) return undefined
  for (let n = 1; ; n++) {
    const aside = join(dirname(folder), `${nameOf(folder)}.${n}${SUFFIX}`)
    const moves = [[folder, aside] as const, ...files.map((file) => [file, numbered(file, n)] as const)]
    if (moves.some(([, to]) => existsSync(to))) continue
    for (const [from, to] of moves) renameSync(from, to)
    return aside
  }
}

/** Whether a name or path leads to a job. @throws SluiceError `INPUT_UNREADABLE` where we may not look */
export function isJob(job: string, cwd: string): boolean {
  return holdsJob(folderOf(job, cwd))
}

function holdsJob(folder: string): boolean {
  try {
    statSync(join(folder, CONFIG))
    return true
  } catch (error) {
    if (isMissing(error)) return false
    throw unreadable(folder, error)
  }
}

function isMissing(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException
  return code === 'ENOENT' || code === 'ENOTDIR'
}

/** Another user's, most often: a job is for the eyes of its owner. */
function unreadable(folder: string, cause: unknown): SluiceError {
  const { code, message } = cause as NodeJS.ErrnoException
  const isDenied = code === 'EACCES' || code === 'EPERM'
  return new SluiceError(
    'INPUT_UNREADABLE',
    `cannot read the job ${folder}: ${isDenied ? 'permission denied' : message}`,
    {
      hint: isDenied ? 'ask as the user who runs the job, or have the folder opened to you' : 'check the folder',
      cause,
    },
  )
}

/** `pages.ndjson.gz` → `pages.1.ndjson.gz`. */
function numbered(file: string, n: number): string {
  return join(dirname(file), basename(file).replace(/(?<=.)(?=\.)|$/, `.${n}`))
}

/** The folder of a named job, or the only (else the latest) one of this directory. */
export function findJob(job: string | undefined, cwd: string): string {
  if (job !== undefined) {
    const folder = folderOf(job, cwd)
    if (isJob(job, cwd)) return folder
    throw new SluiceError('OPTION_INVALID', `there is no job ${JSON.stringify(job)} here (${folder})`, {
      hint: 'name a folder that ends in .sluice, or run the command in the directory that holds it',
    })
  }
  const found = readdirSync(cwd, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && entry.name.endsWith(SUFFIX) && holdsJob(join(cwd, entry.name)))
    .map((entry) => join(cwd, entry.name))
    .map((folder) => ({ folder, at: statSync(join(folder, CONFIG)).mtimeMs, db: lastWrite(folder) }))
    .sort((a, b) => Math.max(b.at, b.db) - Math.max(a.at, a.db))
  const latest = found[0]
  if (latest !== undefined) return latest.folder
  throw new SluiceError('OPTION_INVALID', 'there is no job in this directory', {
    hint: 'start one: sluice fetch urls.txt   or   sluice crawl https://your.site/',
  })
}

function lastWrite(folder: string): number {
  try {
    return statSync(join(folder, 'job.db-wal')).mtimeMs
  } catch {
    return 0
  }
}
