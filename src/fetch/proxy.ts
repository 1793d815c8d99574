/**
 * Which proxy a request goes through, and the CONNECT request that opens a tunnel. Credentials live in the header they
 * are sent in and nowhere else: no message, no label holds them.
 */
import { SluiceError } from '../model/errors.ts'

export interface Proxy {
  readonly secure: boolean
  /** Without brackets. */
  readonly hostname: string
  readonly port: number
  /** Value of Proxy-Authorization. */
  readonly authorization: string | undefined
  /** For messages: `http://host:port`, no credentials. */
  readonly label: string
}

/** The proxy of a URL's origin; undefined: connect directly. */
export type ProxyChoice = (secure: boolean, hostname: string, port: number) => Proxy | undefined

/** @param source names where the text came from, for the message: `--proxy`, `http_proxy`. */
export function parseProxy(text: string, source: string): Proxy {
  const url =
    URL.canParse(text) && text.includes('://')
      ? new URL(text)
      : URL.canParse(`http://${text}`)
        ? new URL(`http://${text}`)
        : undefined
  if (url === undefined || url.hostname === '') {
    throw new SluiceError('OPTION_INVALID', `${source} is not the URL of a proxy`, { hint: 'http://host:port' })
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new SluiceError(
      'OPTION_INVALID',
      `${source}: proxies of kind ${url.protocol.slice(0, -1)} are not supported`,
      {
        hint: 'use an http or https proxy',
      },
    )
  }
  const secure = url.protocol === 'https:'
  const credentials = `${percentDecoded(url.username)}:${percentDecoded(url.password)}`
  return {
    secure,
    hostname: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? (secure ? 443 : 80) : Number(url.port),
    authorization: credentials === ':' ? undefined : `Basic ${Buffer.from(credentials).toString('base64')}`,
    label: `${url.protocol}//${url.host}`,
  }
}

/**
 * A proxy of the host's own comes first (`direct`: none, whatever else is said). `given` (the option) is for everything;
 * else `http_proxy` and `https_proxy` of the environment, small letters first, https falling back to `http_proxy`.
 * `no_proxy` excepts hosts from both.
 */
export function chooseProxy(
  given: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
  ofHost?: (hostname: string) => string | undefined,
): ProxyChoice {
  const usual = usualProxy(given, env)
  if (ofHost === undefined) return usual
  const parsed = new Map<string, Proxy>()
  return (isSecure, hostname, port) => {
    const own = ofHost(hostname)
    if (own === undefined) return usual(isSecure, hostname, port)
    if (own === 'direct') return undefined
    let proxy = parsed.get(own)
    if (proxy === undefined) parsed.set(own, (proxy = parseProxy(own, 'the proxy of a host')))
    return proxy
  }
}

function usualProxy(given: string | undefined, env: Readonly<Record<string, string | undefined>>): ProxyChoice {
  const plain = given === undefined ? fromEnv(env, 'http_proxy') : parseProxy(given, '--proxy')
  const secure = given === undefined ? (fromEnv(env, 'https_proxy') ?? plain) : plain
  if (plain === undefined && secure === undefined) return () => undefined
  const excepted = exceptions(env['no_proxy'] ?? env['NO_PROXY'] ?? '')
  return (isSecure, hostname, port) => (excepted(hostname, port) ? undefined : isSecure ? secure : plain)
}

function fromEnv(env: Readonly<Record<string, string | undefined>>, name: string): Proxy | undefined {
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

/** As it stands where it is no valid percent-encoding. */
export function percentDecoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
