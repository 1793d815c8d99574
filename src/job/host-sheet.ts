/** Which entry of the option `hosts` is for a host. */
import type { HostOptions } from './options.ts'

/** Host patterns of `hosts`: the exact name, then `*.suffix`, the longest first. */
export function hostSheet(hosts: Readonly<Record<string, HostOptions>>): (host: string) => HostOptions | undefined {
  const suffixes = Object.keys(hosts)
    .filter((name) => name.startsWith('*.'))
    .sort((a, b) => b.length - a.length)
  return (host) => {
    const exact = hosts[host]
    if (exact !== undefined) return exact
    const suffix = suffixes.find((name) => host.endsWith(name.slice(1)))
    return suffix === undefined ? undefined : hosts[suffix]
  }
}
