/**
 * `credentials.json` of a job folder: logins that came in listed URLs, by origin, and the values of options that nobody
 * else is told (logins of a proxy and of databases, headers, bodies). Only the owner of the folder can read it, and no
 * other file of a job holds what it holds, so that the rest of the folder can be shown and sent.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { SluiceError } from '../model/errors.ts'
import { writeWhole } from './whole-file.ts'

const FILE = 'credentials.json'

export interface Credentials {
  /** Value of Authorization by origin. */
  readonly logins: Readonly<Record<string, string>>
  /** Values of options as they were given, by name. */
  readonly options: Readonly<Record<string, unknown>>
}

/** @throws SluiceError FORMAT_UNSUPPORTED for a file that is none of ours */
export function readCredentials(folder: string): Credentials {
  const path = join(folder, FILE)
  if (!existsSync(path)) return { logins: {}, options: {} }
  try {
    const found = JSON.parse(readFileSync(path, 'utf8')) as Partial<Credentials> & Record<string, string>
    // The first form was the logins alone.
    if (found.logins === undefined) return { logins: found, options: {} }
    return { logins: found.logins, options: found.options ?? {} }
  } catch (error) {
    throw new SluiceError('FORMAT_UNSUPPORTED', `${path} cannot be read: ${(error as Error).message}`, {
      hint: 'move it away, and give the logins again on the command line',
      cause: error,
    })
  }
}

/** Other parts of the file stay as they are; nothing is written where nothing changes. */
export function writeCredentials(folder: string, change: Partial<Credentials>): void {
  const path = join(folder, FILE)
  const before = readCredentials(folder)
  const after = { ...before, ...change }
  if (JSON.stringify(after) === JSON.stringify(before)) return
  writeWhole(path, `${JSON.stringify(after, undefined, 2)}\n`, 0o600)
}
