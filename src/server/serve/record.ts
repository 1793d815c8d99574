/**
 * What the service knows of a job beside the job itself: how it was asked for and whether it is to run. It lies in the job
 * folder, so that it goes where the job goes, and a service that died starts again what ran.
 */
import { existsSync, mkdirSync, readFileSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { SUFFIX, writeWhole } from '../../job/index.ts'
import type { JobKind } from '../../job/index.ts'

export interface LastRun {
  /** How it ended: `finished`, `limit` …, or `failed`. */
  readonly end: string
  readonly exitCode: number
  readonly error?: { readonly code: string; readonly message: string; readonly hint?: string | undefined }
}

export interface JobOrder {
  readonly format: 1
  readonly kind: JobKind
  /** As they were asked for; the job's own config.json has the word once it was opened. */
  readonly options: Readonly<Record<string, unknown>>
  /** Who asked, when (ISO 8601). */
  readonly by: string
  readonly at: string
  /** Survives every death: what is to run is started with the service. */
  readonly wanted: 'run' | 'stop'
  readonly isPaused: boolean
  readonly last: LastRun | null
}

const FILE = 'service.json'

/** Absolute folder of a job. The name has been checked. */
export function folderNamed(dir: string, name: string): string {
  return join(dir, `${name}${SUFFIX}`)
}

/** Undefined where the service has none: a job of the command line, or none at all. */
export function readOrder(folder: string): JobOrder | undefined {
  try {
    const order = JSON.parse(readFileSync(join(folder, FILE), 'utf8')) as JobOrder
    return order.format === 1 ? order : undefined
  } catch {
    return undefined
  }
}

/** Atomic: whoever dies in between leaves the old one. */
export function writeOrder(folder: string, order: JobOrder): void {
  mkdirSync(folder, { recursive: true })
  // Headers of the requests may hold a secret.
  writeWhole(join(folder, FILE), `${JSON.stringify(order, null, 2)}\n`, 0o600)
}

/** Whether a folder is that of a job, of the service or of the command line. */
export function holdsJob(folder: string): boolean {
  return existsSync(join(folder, FILE)) || existsSync(join(folder, 'config.json'))
}

/** Changes with every commit: while it is the same, so is what the job has come to. */
export function stampOf(folder: string): string {
  return ['job.db', 'job.db-wal', 'summary.json']
    .map((file) => statSync(join(folder, file), { throwIfNoEntry: false })?.mtimeMs ?? 0)
    .join(' ')
}

/** Names of all jobs of a folder, those of the command line too, as far as an address can name them. */
export function jobNames(dir: string): string[] {
  return readdirSync(dir, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && entry.name.endsWith(SUFFIX) && entry.name.length > SUFFIX.length)
    .filter(({ name }) => holdsJob(join(dir, name)))
    .map(({ name }) => name.slice(0, -SUFFIX.length))
    .filter(isJobName)
    .toSorted()
}

/** Letters and digits of any script, `.`, `_`, `-`: one part of a path on every system, whatever a request names. */
export function isJobName(name: string): boolean {
  return /^[\p{L}\p{N}_][\p{L}\p{N}._-]{0,99}$/u.test(name) && !name.endsWith(SUFFIX) && !name.endsWith('.')
}
