/**
 * Who steered a job, when, with what and why: one line of JSON an action, only ever appended, in `audit.ndjson` of the job
 * folder. Written by whoever serves the job to people (the dashboard, the service) after the action was tried, so that what
 * was refused is there too. It must not know what the actions do.
 */
import { closeSync, fstatSync, openSync, readSync, writeSync } from 'node:fs'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../engine/clock.ts'

export const AUDIT_FILE = 'audit.ndjson'

/** Bytes from the end of the file that are read back: some 20,000 actions. */
const READ_BYTES = 4 * 1024 * 1024
/** Characters of one text within the details; a longer one is cut. */
const LONGEST_TEXT = 500
const NEWLINE = 10

export interface AuditAction {
  /** What was asked for: `pause`, `set`, `retry`, `add` … */
  readonly action: string
  /** Which door it came through: `the dashboard`, `sluice serve`. */
  readonly by: string
  /** Name of the key that was shown, where a door has several. */
  readonly who?: string
  /** What it was asked with. The caller leaves out what is secret. */
  readonly details?: Readonly<Record<string, unknown>>
  /** In the words of whoever asked. */
  readonly why?: string | undefined
  /** `done`, or the code it was refused with. */
  readonly result: string
}

export interface AuditEntry extends AuditAction {
  readonly v: 1
  /** ISO 8601. */
  readonly t: string
  /** Name of the system's user that the server ran as. */
  readonly user: string
}

/**
 * One line, in one write to the end of the file (mode 0600): several processes may write at once.
 * @param at wall-clock ms
 */
export function writeAudit(folder: string, action: AuditAction, at = systemClock().wall()): AuditEntry {
  const { why, details = {}, ...rest } = action
  const entry: AuditEntry = {
    v: 1,
    t: new Date(at).toISOString(),
    user: userName(),
    ...rest,
    details: shortened(details) as Record<string, unknown>,
    ...(why === undefined || why === '' ? {} : { why: why.slice(0, LONGEST_TEXT) }),
  }
  const file = openSync(join(folder, AUDIT_FILE), 'a+', 0o600)
  try {
    // A death in the middle of a line leaves a torn one: it must not swallow this one.
    writeSync(file, `${endsWhole(file) ? '' : '\n'}${JSON.stringify(entry)}\n`)
  } finally {
    closeSync(file)
  }
  return entry
}

/** The actions, newest first; torn lines are left out. */
export function readAudit(folder: string): AuditEntry[] {
  let file: number
  try {
    file = openSync(join(folder, AUDIT_FILE), 'r')
  } catch {
    return []
  }
  try {
    const { size } = fstatSync(file)
    const from = Math.max(0, size - READ_BYTES)
    const bytes = Buffer.alloc(size - from)
    const read = readSync(file, bytes, 0, bytes.length, from)
    const lines = bytes.toString('utf8', 0, read).split('\n')
    // The first line of a part is one that was cut.
    if (from > 0) lines.shift()
    return lines.flatMap(parsed).reverse()
  } finally {
    closeSync(file)
  }
}

function parsed(line: string): AuditEntry[] {
  try {
    const entry = JSON.parse(line) as Partial<AuditEntry> | null
    return entry?.v === 1 && typeof entry.action === 'string' ? [entry as AuditEntry] : []
  } catch {
    return []
  }
}

function endsWhole(file: number): boolean {
  const { size } = fstatSync(file)
  if (size === 0) return true
  const last = Buffer.alloc(1)
  readSync(file, last, 0, 1, size - 1)
  return last[0] === NEWLINE
}

function shortened(value: unknown): unknown {
  if (typeof value === 'string') return value.slice(0, LONGEST_TEXT)
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.slice(0, 20).map(shortened)
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, one]) => one !== undefined)
      .map(([name, one]) => [name, shortened(one)]),
  )
}

function userName(): string {
  try {
    return userInfo().username
  } catch {
    // A user that the system has no name for.
    return String(process.getuid?.() ?? '')
  }
}
