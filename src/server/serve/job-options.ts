/**
 * What a request may say of a new job. The service runs for people who can reach it, with the rights of who started it: so
 * no option may name a file outside its folder, code, a proxy, a name server or another address for a host. Those are the
 * operator's, and so is the address policy.
 */
import { existsSync, readdirSync } from 'node:fs'
import { extname, join } from 'node:path'
import { sinkKindOf } from '../../job/index.ts'
import { SluiceError } from '../../model/errors.ts'
import { nearest, OPTION_NAMES } from '../../model/options.ts'
import type { OptionName } from '../../model/options.ts'
import { asObject } from '../body.ts'
import { Refusal } from './refusal.ts'

/** Options that say only how to be polite, how far to go and when to end. */
export const REQUEST_OPTIONS: readonly OptionName[] = [
  ...(['contact', 'delay', 'perHost', 'concurrency', 'rate', 'bandwidth', 'robots'] as const),
  ...(['scope', 'depth', 'include', 'exclude', 'limit', 'hostLimit', 'follow', 'nofollow', 'sitemaps'] as const),
  ...(['timeout', 'retries', 'maxSize', 'maxTime', 'failIf', 'header', 'text', 'extractTimeout'] as const),
  ...(['revisit', 'revisitMin', 'revisitMax', 'changedOnly', 'alike', 'key', 'gate', 'adaptive'] as const),
  ...(['total', 'glob', 'store', 'drain', 'hosts'] as const),
]
/** Settings of one host that a request may give: a proxy is the operator's. */
const HOST_SETTINGS = new Set(['delay', 'perHost', 'limit', 'block'])

/** @throws SluiceError OPTION_UNKNOWN, OPTION_INVALID; the values themselves are checked with the job */
export function requestOptions(given: unknown): Record<string, unknown> {
  const options = asObject(given ?? {}, 'options')
  for (const name of Object.keys(options)) {
    if (REQUEST_OPTIONS.includes(name as OptionName)) continue
    if ((OPTION_NAMES as readonly string[]).includes(name))
      throw new Refusal(403, 'OPTION_REFUSED', `the option ${name} is for whoever runs the service`, {
        hint: `a request may give ${REQUEST_OPTIONS.join(', ')}`,
      })
    const near = nearest(name, REQUEST_OPTIONS)
    throw new SluiceError('OPTION_UNKNOWN', `there is no option ${name}`, {
      hint: near === undefined ? `a request may give ${REQUEST_OPTIONS.join(', ')}` : `did you mean ${near}?`,
    })
  }
  if (options['robots'] !== undefined && options['robots'] !== 'obey')
    throw new Refusal(403, 'OPTION_REFUSED', 'whether robots.txt is obeyed is for whoever runs the service')
  for (const [host, settings] of Object.entries(asObject(options['hosts'] ?? {}, 'hosts'))) {
    const refused = Object.keys(asObject(settings, `hosts[${JSON.stringify(host)}]`)).find(
      (name) => !HOST_SETTINGS.has(name),
    )
    if (refused !== undefined)
      throw new Refusal(403, 'OPTION_REFUSED', `a request may not give a host the setting ${refused}`, {
        hint: [...HOST_SETTINGS].join(', '),
      })
  }
  return { ...options }
}

/** Only URLs of the web: anything else would be read as the name of a file. @throws SluiceError OPTION_INVALID */
export function webUrls(urls: readonly string[]): readonly string[] {
  if (urls.length === 0) throw new SluiceError('OPTION_INVALID', 'urls is empty', { hint: 'give at least one URL' })
  const wrong = urls.find((url) => !/^https?:\/\/[^\s\p{Cc}]+$/iu.test(url))
  if (wrong !== undefined)
    throw new SluiceError('OPTION_INVALID', `${JSON.stringify(wrong.slice(0, 200))} is not a URL of the web`, {
      hint: 'start with https:// or http://',
    })
  return urls
}

/** A name of a file or folder of results, below the job's own folder `out`. @throws SluiceError OPTION_INVALID */
export function outputPath(folder: string, given: string): string {
  const parts = given.replace(/\/$/, '').split('/')
  const isInside = parts.every((part) => /^[\p{L}\p{N}_-][\p{L}\p{N}._-]{0,99}$/u.test(part)) && parts.length <= 4
  if (!isInside)
    throw new SluiceError('OPTION_INVALID', `${JSON.stringify(given.slice(0, 200))} is no name of an output`, {
      hint: 'letters, digits, dots and dashes, such as pages.ndjson or files/; it lies in the folder of the job',
    })
  const path = join(folder, 'out', given)
  sinkKindOf(path)
  return path
}

/** Extractor modules by name. Code comes from the operator's folder, never with a request. */
export function extractorPaths(folder: string | undefined, names: readonly string[]): string[] {
  const known = folder === undefined ? [] : extractorNames(folder)
  return names.map((name) => {
    const file = known.find((one) => one === name || one.slice(0, -extname(one).length) === name)
    if (file !== undefined && folder !== undefined) return join(folder, file)
    throw new Refusal(403, 'EXTRACTOR_UNKNOWN', `the service has no extractor ${JSON.stringify(name.slice(0, 100))}`, {
      hint: known.length === 0 ? 'sluice serve --extractors FOLDER names the folder that holds them' : known.join(', '),
    })
  })
}

export function extractorNames(folder: string): string[] {
  if (!existsSync(folder)) return []
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(?:ts|mts|js|mjs)$/.test(entry.name) && !entry.name.endsWith('.d.ts'))
    .map(({ name }) => name)
    .toSorted()
}
