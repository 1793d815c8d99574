/**
 * What of an option may be told: logins in URLs, values of headers and parameters and bodies are `***` in it. The masked
 * value lies in config.json, where its form says whether the secret that belongs to it is at hand. Pure.
 */

const MASK = '***'

/** Credentials of a URL, wherever in a text it stands. */
const USERINFO = /([a-z][a-z0-9+.-]*:\/\/)[^\s/?#]*@/gi
/** Database URLs may carry the password in their query. */
const PASSWORD_FIELD = /([?&]password=)[^&#\s]*/gi
/** `user:password@host:port`, which is taken for a proxy as well. */
const BARE_USERINFO = /^[^\s/?#]*@/

/** @param name of the option, or of a setting in it */
export function masked(name: string, value: unknown): unknown {
  if (Array.isArray(value)) return value.map((inner) => masked(name, inner))
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, masked(key, inner)]))
  if (typeof value !== 'string') return value
  switch (name) {
    case 'header':
      return value.replace(/^([^:]*:).*$/s, `$1 ${MASK}`)
    case 'param':
      return value.replace(/^([^=]*=).*$/s, `$1${MASK}`)
    case 'data':
      return value.startsWith('@') ? value : MASK
    default: {
      const shown = value.replaceAll(USERINFO, `$1${MASK}@`).replaceAll(PASSWORD_FIELD, `$1${MASK}`)
      return name === 'proxy' && !shown.includes('://') ? shown.replace(BARE_USERINFO, `${MASK}@`) : shown
    }
  }
}

/** Whether a value says less than what was given. */
export function isMasked(name: string, value: unknown): boolean {
  const text = JSON.stringify(value)
  return text !== undefined && text.includes(MASK) && text === JSON.stringify(masked(name, value))
}
