/** What was given to a route, as far as the audit log may tell it. */
import { shownValue } from '../../job/index.ts'

const SECRETS = new Set(['header', 'key', 'proxy', 'session', 'cookies', 'data', 'param'])

/** Values of names that may hold a secret are replaced, at any depth; so are logins in URLs. */
export function withoutSecrets(value: unknown): unknown {
  if (Array.isArray(value)) return value.slice(0, 20).map(withoutSecrets)
  if (typeof value !== 'object' || value === null) return shownValue(value)
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [name, SECRETS.has(name) ? '***' : withoutSecrets(inner)]),
  )
}
