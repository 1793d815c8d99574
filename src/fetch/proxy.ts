/**
 * One proxy: what its URL says, and what stands for it in messages. Credentials live here and in what is sent to the
 * proxy itself; no message, no label holds them.
 */
import { SluiceError } from '../model/errors.ts'

/** `socks5`: names are looked up here; `socks5h`: by the proxy. */
export type ProxyKind = 'http' | 'https' | 'socks5' | 'socks5h'

export interface Proxy {
  readonly kind: ProxyKind
  /** Without brackets. */
  readonly hostname: string
  readonly port: number
  /** Value of Proxy-Authorization; undefined for SOCKS and without a login. */
  readonly authorization: string | undefined
  /** Of SOCKS, as UTF-8 (RFC 1929): at most 255 bytes each. */
  readonly login: { readonly user: Buffer; readonly password: Buffer } | undefined
  /** For messages: `http://host:port`, no credentials. */
  readonly label: string
  /** Label and credentials: proxies of one identity share connections. Never shown. */
  readonly identity: string
}

const KINDS: Readonly<Record<string, { readonly kind: ProxyKind; readonly port: number }>> = {
  'http:': { kind: 'http', port: 80 },
  'https:': { kind: 'https', port: 443 },
  'socks5:': { kind: 'socks5', port: 1080 },
  'socks5h:': { kind: 'socks5h', port: 1080 },
}

/** Bytes of a user name or password of SOCKS (RFC 1929 2). */
const SOCKS_LOGIN_BYTES = 255

/**
 * @param text `scheme://[user:password@]host[:port]`; without a scheme it is http.
 * @param source names where the text came from, for the message: `--proxy`, `http_proxy`.
 * @throws SluiceError OPTION_INVALID, which never repeats the text
 */
export function parseProxy(text: string, source: string): Proxy {
  const written = text.trim()
  const url = URL.parse(/^[a-z][a-z0-9+.-]*:\/\//i.test(written) ? written : `http://${written}`)
  if (url === null || url.hostname === '') throw invalid(`${source} is not the URL of a proxy`, 'http://host:port')
  const known = KINDS[url.protocol]
  if (known === undefined) {
    throw invalid(
      `${source}: proxies of kind ${url.protocol.slice(0, -1)} are not supported`,
      'use a proxy of http, https, socks5 or socks5h',
    )
  }
  const { kind } = known
  const isSocks = kind === 'socks5' || kind === 'socks5h'
  const hasLogin = url.username !== '' || url.password !== ''
  const user = Buffer.from(percentDecoded(url.username))
  const password = Buffer.from(percentDecoded(url.password))
  if (isSocks && hasLogin && (user.length === 0 || Math.max(user.length, password.length) > SOCKS_LOGIN_BYTES)) {
    throw invalid(`${source}: a login of SOCKS5 is a user name and a password of at most 255 bytes each`, 'shorten it')
  }
  const basic = `Basic ${Buffer.concat([user, Buffer.from(':'), password]).toString('base64')}`
  // Schemes that the URL standard does not know keep letters of the host as they are, and know no default port.
  const hostname = url.hostname.replace(/^\[|\]$/g, '').toLowerCase()
  const port = url.port === '' ? known.port : Number(url.port)
  const label = `${kind}://${hostname.includes(':') ? `[${hostname}]` : hostname}:${port}`
  return {
    kind,
    hostname,
    port,
    authorization: hasLogin && !isSocks ? basic : undefined,
    login: hasLogin && isSocks ? { user, password } : undefined,
    label,
    identity: hasLogin ? `${label} ${basic}` : label,
  }
}

/** True where plain requests go to the proxy as they are, in absolute form, and not through a tunnel. */
export function takesPlainRequests({ kind }: Proxy): boolean {
  return kind === 'http' || kind === 'https'
}

/** As it stands where it is no valid percent-encoding. */
export function percentDecoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function invalid(message: string, hint: string): SluiceError {
  return new SluiceError('OPTION_INVALID', message, { hint })
}
