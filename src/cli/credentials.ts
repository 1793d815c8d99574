/** Finds secrets among flags: everybody on the machine can read a command line. Their values are never repeated. */
import { envOf, flagOf } from '../model/options.ts'
import type { OptionName } from '../model/options.ts'
import type { Invocation } from './command.ts'

const SECRET_HEADER = /^\s*(authorization|cookie|proxy-authorization|x-api-key)\s*:/i
const USER_INFO = /^[a-z][a-z0-9+.-]*:\/\/[^/?#@]*:[^/?#@]*@/i

export interface CredentialFinding {
  readonly flag: string
  /** Where the value belongs instead. */
  readonly variable: string
}

export function credentialsIn({ options }: Invocation): CredentialFinding[] {
  const suspects: [OptionName, RegExp][] = [
    ['header', SECRET_HEADER],
    ['proxy', USER_INFO],
    ['out', USER_INFO],
  ]
  return suspects
    .filter(([name, secret]) => [options[name]].flat().some((value) => typeof value === 'string' && secret.test(value)))
    .map(([name]) => ({ flag: flagOf(name), variable: envOf(name) }))
}
