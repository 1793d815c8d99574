/** The arithmetic of Digest access authentication (RFC 7616 3.4): pure, with the client's nonce given. */
import { createHash } from 'node:crypto'
import type { Challenge } from '../http/challenge.ts'

export interface DigestInput {
  readonly parameters: Challenge['parameters']
  readonly user: string
  readonly password: string
  readonly method: string
  /** Path and query, as in the request line. */
  readonly target: string
  readonly cnonce: string
  /** How often the server's nonce has been used, this time included. */
  readonly count: number
}

/** Best first (RFC 7616 3.7: the strongest that both know). */
const HASHES: Readonly<Record<string, string>> = { 'SHA-512-256': 'sha512-256', 'SHA-256': 'sha256', MD5: 'md5' }
const ORDER = Object.keys(HASHES)

/** The offer to take; undefined where there is none that we know. `auth-int` alone is none: bodies are not signed. */
export function bestDigest(challenges: readonly Challenge[]): Challenge['parameters'] | undefined {
  const known = challenges
    .filter(({ scheme, parameters }) => scheme === 'digest' && parameters['nonce'] !== undefined)
    .filter(({ parameters }) => ORDER.includes(algorithmOf(parameters).name) && qopOf(parameters) !== 'unknown')
    .toSorted((a, b) => ORDER.indexOf(algorithmOf(a.parameters).name) - ORDER.indexOf(algorithmOf(b.parameters).name))
  return known[0]?.parameters
}

/** Value of Authorization. */
export function digestAuthorization(input: DigestInput): string {
  const { parameters, user, password, method, target, cnonce } = input
  const { name, isSession } = algorithmOf(parameters)
  const hash = (text: string): string =>
    createHash(HASHES[name] as string)
      .update(text, 'utf8')
      .digest('hex')
  const realm = parameters['realm'] ?? ''
  const nonce = parameters['nonce'] as string
  const qop = qopOf(parameters)
  const count = input.count.toString(16).padStart(8, '0')
  const secret = hash(`${user}:${realm}:${password}`)
  const first = isSession ? hash(`${secret}:${nonce}:${cnonce}`) : secret
  const second = hash(`${method}:${target}`)
  // Without qop: the server is one of RFC 2069.
  const response =
    qop === 'auth' ? hash(`${first}:${nonce}:${count}:${cnonce}:auth:${second}`) : hash(`${first}:${nonce}:${second}`)
  const isHashed = parameters['userhash']?.toLowerCase() === 'true'
  const fields = [
    isHashed ? `username=${quoted(hash(`${user}:${realm}`))}` : userField(user),
    `realm=${quoted(realm)}`,
    `uri=${quoted(target)}`,
    `nonce=${quoted(nonce)}`,
    ...(parameters['algorithm'] === undefined ? [] : [`algorithm=${parameters['algorithm']}`]),
    ...(qop === 'auth'
      ? [`nc=${count}`, `cnonce=${quoted(cnonce)}`, 'qop=auth']
      : isSession
        ? [`cnonce=${quoted(cnonce)}`]
        : []),
    `response="${response}"`,
    ...(parameters['opaque'] === undefined ? [] : [`opaque=${quoted(parameters['opaque'])}`]),
    ...(isHashed ? ['userhash=true'] : []),
  ]
  return `Digest ${fields.join(', ')}`
}

function algorithmOf(parameters: Challenge['parameters']): { name: string; isSession: boolean } {
  const text = (parameters['algorithm'] ?? 'MD5').toUpperCase()
  return { name: text.replace(/-SESS$/, ''), isSession: text.endsWith('-SESS') }
}

function qopOf(parameters: Challenge['parameters']): 'auth' | 'none' | 'unknown' {
  const { qop } = parameters
  if (qop === undefined) return 'none'
  return qop.split(',').some((word) => word.trim().toLowerCase() === 'auth') ? 'auth' : 'unknown'
}

/** A name beyond ASCII goes in the extended notation (RFC 7616 3.4, RFC 5987). */
function userField(user: string): string {
  if (/^[\x20-\x7e]*$/.test(user)) return `username=${quoted(user)}`
  const coded = encodeURIComponent(user).replaceAll(/['()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
  return `username*=UTF-8''${coded}`
}

function quoted(text: string): string {
  return `"${text.replaceAll(/[\\"]/g, '\\$&')}"`
}
