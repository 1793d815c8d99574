/** `--resolve`: connect somewhere else than the name says (as curl's --connect-to); Host header and TLS name stay. */
import { SluiceError } from '../model/errors.ts'

export interface ResolveRule {
  /** `*`, `host`, `*.suffix` (subdomains only), each with an optional `:port`. */
  readonly pattern: string
  /** IP address or name to connect to. */
  readonly address: string
  /** Default: the port of the URL. */
  readonly port?: number
}

export interface Endpoint {
  readonly host: string
  readonly port: number
}

/** First rule that fits wins. Throws `OPTION_INVALID`. */
export function resolveMap(rules: readonly ResolveRule[]): (hostname: string, port: number) => Endpoint {
  const parsed = rules.map(({ pattern, address, port }) => {
    const match = /^(\*|(?:\*\.)?(?:\[[0-9a-f:.]+\]|[^:*\s]+))(?::(\d{1,5}))?$/i.exec(pattern)
    if (match === null || address === '' || (port !== undefined && !(port > 0 && port < 65536))) {
      throw new SluiceError(
        'OPTION_INVALID',
        `--resolve: ${JSON.stringify(`${pattern}=${address}`)} is not HOST=ADDR[:PORT]`,
      )
    }
    const host = (match[1] as string).toLowerCase().replace(/^\[|\]$/g, '')
    return {
      host,
      suffix: host.startsWith('*.') ? host.slice(1) : undefined,
      onPort: match[2] === undefined ? undefined : Number(match[2]),
      address,
      port,
    }
  })
  return (hostname, port) => {
    for (const rule of parsed) {
      if (rule.onPort !== undefined && rule.onPort !== port) continue
      if (
        rule.host === '*' ||
        rule.host === hostname ||
        (rule.suffix !== undefined && hostname.endsWith(rule.suffix))
      ) {
        return { host: rule.address, port: rule.port ?? port }
      }
    }
    return { host: hostname, port }
  }
}
