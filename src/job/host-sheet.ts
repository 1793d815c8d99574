/** Which entry of the option `hosts` is for a host. */
import { SluiceError } from '../model/errors.ts'
import type { HostOptions } from './options.ts'

/** Host patterns of `hosts`: the exact name, then `*.suffix`, the longest first; in either case of letters. */
export function hostSheet(hosts: Readonly<Record<string, HostOptions>>): (host: string) => HostOptions | undefined {
  const entries = new Map(Object.entries(hosts).map(([name, settings]) => [name.toLowerCase(), settings]))
  const suffixes = [...entries.keys()].filter((name) => name.startsWith('*.')).sort((a, b) => b.length - a.length)
  return (host) => {
    const exact = entries.get(host)
    if (exact !== undefined) return exact
    const suffix = suffixes.find((name) => host.endsWith(name.slice(1)))
    return suffix === undefined ? undefined : entries.get(suffix)
  }
}

/** The option `hosts` with settings of one host or pattern over what held for it. */
export function withHost(
  hosts: Readonly<Record<string, HostOptions>>,
  host: string,
  settings: HostOptions,
): Record<string, HostOptions> {
  const name = host.toLowerCase()
  const others = Object.entries(hosts).filter(([other]) => other.toLowerCase() !== name)
  return Object.fromEntries([...others, [name, { ...hostSheet(hosts)(name), ...settings }]])
}

/**
 * The host that a person means by `Example.org`, `example.org:8080`, a URL, or `*.example.org` for all below it.
 *
 * @throws SluiceError OPTION_INVALID
 */
export function hostNamed(text: string): string {
  if (/^\*\.[\w.-]+$/.test(text)) return text.toLowerCase()
  const isUrl = /^[a-z][a-z0-9+.-]*:\/\//i.test(text)
  const url = URL.parse(isUrl ? text : `http://${text}`)
  if (url !== null && /^[^*]+$/.test(url.hostname) && (isUrl || url.pathname === '/')) return url.hostname
  throw new SluiceError('OPTION_INVALID', `${JSON.stringify(text)} is no host`, {
    hint: 'give example.org, or *.example.org for all hosts below it',
  })
}
