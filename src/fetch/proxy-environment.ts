/** Proxies that the environment names: `http_proxy`, `https_proxy` and the exceptions in `no_proxy`. */
import { parseProxy } from './proxy.ts'
import type { Proxy } from './proxy.ts'

export type Environment = Readonly<Record<string, string | undefined>>

/** The proxy of an origin; undefined: connect directly. */
export type ProxyChoice = (isSecure: boolean, hostname: string, port: number) => Proxy | undefined

/** Small letters first; https falls back to `http_proxy`. Undefined where neither is set. */
export function environmentProxies(env: Environment): ProxyChoice | undefined {
  const plain = named(env, 'http_proxy')
  const secure = named(env, 'https_proxy') ?? plain
  if (plain === undefined && secure === undefined) return undefined
  const isExcepted = exceptions(env['no_proxy'] ?? env['NO_PROXY'] ?? '')
  return (isSecure, hostname, port) => (isExcepted(hostname, port) ? undefined : isSecure ? secure : plain)
}

function named(env: Environment, name: string): Proxy | undefined {
  const text = (env[name] ?? env[name.toUpperCase()] ?? '').trim()
  return text === '' ? undefined : parseProxy(text, name)
}

/**
 * Entries by comma or space: `*`, `host`, `.suffix`, `*.suffix`, each with an optional port. A plain name covers its
 * subdomains too, `*.name` only those.
 */
function exceptions(text: string): (hostname: string, port: number) => boolean {
  const entries = text
    .split(/[,\s]+/)
    .filter((entry) => entry !== '')
    .map((entry) => {
      const match = /^\[([^\]]+)\](?::(\d+))?$/.exec(entry) ?? /^([^:]+)(?::(\d+))?$/.exec(entry)
      const host = (match?.[1] ?? entry).toLowerCase().replace(/\.$/, '')
      return {
        any: host === '*',
        name: host.replace(/^\*?\./, ''),
        itself: !host.startsWith('*.'),
        port: match?.[2] === undefined ? undefined : Number(match[2]),
      }
    })
  return (hostname, port) => {
    const host = hostname.toLowerCase().replace(/\.$/, '')
    return entries.some(
      (entry) =>
        (entry.port === undefined || entry.port === port) &&
        (entry.any || (entry.itself && host === entry.name) || host.endsWith(`.${entry.name}`)),
    )
  }
}
