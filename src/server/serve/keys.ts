/**
 * Who may use the service from other machines: a file with a line `NAME KEY` for each, `NAME KEY read` for who only looks.
 * Keys are long and random, so a fast digest of them is enough to compare.
 */
import { readFileSync } from 'node:fs'
import { SluiceError } from '../../model/errors.ts'
import { KEY_SHAPE } from '../access.ts'
import type { KeyHolder } from '../access.ts'

const LINE = 'lines are NAME KEY or NAME KEY read; a key has 16 to 256 letters, digits and -_.~: openssl rand -hex 24'

/** @throws SluiceError INPUT_UNREADABLE, OPTION_INVALID; keys are never told */
export function readKeys(path: string): KeyHolder[] {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (cause) {
    throw new SluiceError('INPUT_UNREADABLE', `cannot read the keys in ${path}`, { cause, hint: LINE })
  }
  const holders: KeyHolder[] = []
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (/^\s*(?:#|$)/.test(line)) continue
    const [name = '', key = '', word, ...rest] = line.trim().split(/\s+/)
    const isSound = KEY_SHAPE.test(key) && (word === undefined || word === 'read') && rest.length === 0
    if (!isSound) throw new SluiceError('OPTION_INVALID', `${path}:${index + 1} names nobody`, { hint: LINE })
    if (holders.some((holder) => holder.name === name || holder.key === key))
      throw new SluiceError('OPTION_INVALID', `${path}:${index + 1} has a name or key of a line before`, { hint: LINE })
    holders.push({ name, key, mayChange: word !== 'read' })
  }
  if (holders.length > 0) return holders
  throw new SluiceError('OPTION_INVALID', `${path} holds no key`, { hint: LINE })
}
