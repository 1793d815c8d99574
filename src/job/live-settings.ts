/**
 * Settings that change while a job runs: for all hosts or for one. They hold from the next answer on, are told as the
 * event `key.changed`, and are stored with the job, so that a resume keeps them.
 */
import type { Engine } from '../engine/engine.ts'
import type { Frontier } from '../frontier/frontier.ts'
import { SluiceError } from '../model/errors.ts'
import { parseOption } from '../model/options.ts'
import { compilePatterns } from '../url/pattern.ts'
import { readStored, writeStored } from './folder.ts'
import { hostNamed, withHost } from './host-sheet.ts'
import type { HostOptions } from './options.ts'
import type { Pacing } from './prepare.ts'

export interface SettingChange {
  readonly name: string
  /** As on the command line, or parsed. */
  readonly value: unknown
  /** Who asked. */
  readonly by: string
  /** Absent: for every host without settings of its own. */
  readonly host?: string | undefined
}

interface LiveParts {
  readonly engine: Engine
  readonly frontier: Frontier
  readonly pacing: Pacing
  /** Job folder; '' for a job in memory. */
  readonly folder: string
}

/** @throws SluiceError OPTION_INVALID for what cannot be changed, or a bad value. */
export async function changeSetting(parts: LiveParts, change: SettingChange): Promise<void> {
  const { engine, folder } = parts
  const { name, value, by } = change
  const host = change.host === undefined ? undefined : hostNamed(change.host)
  if (name === 'exclude') changeExcludes(parts, host, value)
  else if (host === undefined) changeForAll(parts, name, value)
  else await changeForHost(parts, host, name, value)
  engine.event('key.changed', { key: host ?? '*', what: name, value: String(value) + (by === '' ? '' : ` (by ${by})`) })
  if (folder !== '') storeChange(folder, change)
  engine.retune()
}

/** Keeps a change with a job, running or not. @throws SluiceError OPTION_INVALID. */
export function storeChange(folder: string, { name, value, host: given }: SettingChange): void {
  const host = given === undefined ? undefined : hostNamed(given)
  const stored = readStored(folder)
  if (stored === undefined) return
  const { options } = stored
  if (name === 'exclude') {
    if (host !== undefined) throw noHost()
    const patterns = patternsOf(value)
    compilePatterns(patterns)
    writeStored(folder, { ...stored, options: { ...options, exclude: patterns } })
    return
  }
  if (host === undefined) {
    writeStored(folder, { ...stored, options: { ...options, [name]: parseSetting(name, value) } })
    return
  }
  const hosts = (options['hosts'] ?? {}) as Readonly<Record<string, HostOptions>>
  const changed = withHost(hosts, host, hostSetting(name, value))
  writeStored(folder, { ...stored, options: { ...options, hosts: changed } })
}

const FOR_ALL = ['delay', 'perHost', 'concurrency', 'limit', 'rate', 'bandwidth'] as const
type SettingName = (typeof FOR_ALL)[number]

function parseSetting(name: string, value: unknown): number {
  if (!FOR_ALL.includes(name as SettingName)) {
    throw new SluiceError('OPTION_INVALID', `${name} cannot be changed while the job runs`, {
      hint: `${FOR_ALL.join(', ')}, exclude can, for one host delay, perHost and block; stop the job to change others`,
    })
  }
  return parseOption(name as SettingName, value) as number
}

function changeForAll({ engine, pacing }: LiveParts, name: string, value: unknown): void {
  const { settings } = engine.context
  const parsed = parseSetting(name, value)
  switch (name as SettingName) {
    case 'delay':
      pacing.pace.delayMs = parsed
      break
    case 'perHost':
      pacing.pace.perHost = parsed
      break
    case 'concurrency':
      settings.concurrency = parsed
      break
    case 'limit':
      settings.limit = parsed
      break
    case 'rate':
      settings.ratePerSecond = parsed
      break
    case 'bandwidth':
      settings.bytesPerSecond = parsed
      break
  }
}

/** The whole list is replaced; URLs that wait are looked at again when their turn comes. */
function changeExcludes({ engine }: LiveParts, host: string | undefined, value: unknown): void {
  if (host !== undefined) throw noHost()
  const { settings } = engine.context
  settings.scope.exclude(patternsOf(value))
  settings.recheckScope = true
}

/** A list, or a text with blanks between the patterns: no URL has one. */
function patternsOf(value: unknown): string[] {
  const given: readonly unknown[] = Array.isArray(value) ? value : String(value).split(/\s+/)
  return given.map(String).filter((pattern) => pattern !== '')
}

function noHost(): SluiceError {
  return new SluiceError('OPTION_INVALID', 'exclude cannot be set for one host', {
    hint: "name the host in the pattern: exclude='bad.example/**'",
  })
}

/** The key's clock and slots change with it: the next start already obeys. */
async function changeForHost(
  { frontier, pacing }: LiveParts,
  host: string,
  name: string,
  value: unknown,
): Promise<void> {
  pacing.set(host, hostSetting(name, value))
  // Those of a pattern follow with their next answers.
  if (host.startsWith('*.')) return
  const key = host.toLowerCase()
  const { delayMs, conns } = pacing.defaults(key)
  await frontier.key(key, { delayMs, conns })
}

/**
 * What was set for single hosts while nobody ran the job: their keys still have the pace of the run before.
 *
 * @param hosts names and patterns that have settings of their own
 */
export async function renewHosts(frontier: Frontier, pacing: Pacing, hosts: readonly string[]): Promise<void> {
  for (const host of hosts) {
    if (host.startsWith('*.')) continue
    const key = host.toLowerCase()
    const { delayMs, conns } = pacing.defaults(key)
    const state = await frontier.key(key)
    if (state.delayMs !== delayMs || state.conns !== conns) await frontier.key(key, { delayMs, conns })
  }
}

function hostSetting(name: string, value: unknown): HostOptions {
  switch (name) {
    case 'delay':
      return { delay: parseOption('delay', value) as number }
    case 'perHost':
      return { perHost: parseOption('perHost', value) as number }
    case 'block':
      return { block: value === true || value === 'true' }
    default:
      throw new SluiceError('OPTION_INVALID', `${name} cannot be set for one host`, {
        hint: 'delay, perHost and block can',
      })
  }
}
