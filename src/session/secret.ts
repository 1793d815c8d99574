/** Where passwords and keys come from, and how they are kept out of sentences. */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { SluiceError } from '../model/errors.ts'
import type { Secret } from './recipe.ts'

/** Shorter ones are parts of ordinary words: blanking them would only garble a message. */
const SHORTEST = 4

export class Secrets {
  readonly #env: Readonly<Record<string, string | undefined>>
  readonly #cwd: string
  readonly #seen = new Set<string>()

  constructor(env: Readonly<Record<string, string | undefined>>, cwd: string) {
    this.#env = env
    this.#cwd = cwd
  }

  /** Throws `OPTION_INVALID`, naming the variable or file. */
  read(secret: Secret): string {
    const value = this.#valueOf(secret)
    this.keep(value)
    return value
  }

  /** From now on it is blanked in texts. */
  keep(value: string): void {
    if (value.length >= SHORTEST) this.#seen.add(value)
  }

  /** `text` with every secret that has been read blanked, also in its percent-encoded form. */
  mask(text: string): string {
    let masked = text
    for (const value of this.#seen) {
      for (const form of new Set([value, encodeURIComponent(value)])) masked = masked.replaceAll(form, '…')
    }
    return masked
  }

  #valueOf(secret: Secret): string {
    if (typeof secret === 'string') return secret
    if ('env' in secret) {
      const value = this.#env[secret.env]
      if (value !== undefined && value !== '') return value
      throw new SluiceError('OPTION_INVALID', `session: the environment variable ${secret.env} is not set`, {
        hint: `put the credential into ${secret.env} and run the same command again`,
      })
    }
    try {
      const line = readFileSync(resolve(this.#cwd, secret.file), 'utf8').split('\n', 1)[0] as string
      return line.replace(/\r$/, '')
    } catch (error) {
      throw new SluiceError('OPTION_INVALID', `session: the file ${secret.file} cannot be read`, {
        hint: 'put the credential into its first line, readable for you alone',
        cause: error,
      })
    }
  }
}
