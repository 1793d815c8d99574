/** Reads the words of `--follow`. */
import { SluiceError } from '../model/errors.ts'
import { nearest } from '../model/options.ts'
import { LINK_KINDS } from './extractor.ts'
import type { LinkKind } from './extractor.ts'

/** What a page needs to be shown, for `assets`. */
const ASSETS: readonly LinkKind[] = ['img', 'srcset', 'script', 'link']

const kinds = new Map<string, readonly LinkKind[]>([
  ...LINK_KINDS.map((kind) => [kind, [kind]] as const),
  ['assets', ASSETS],
  ['all', LINK_KINDS],
])

/**
 * Kinds of links by words such as `a`, `frame`, `assets` (img, srcset, script, link), `all`. One word may hold several,
 * joined by commas. No word, no kind.
 *
 * @throws {SluiceError} OPTION_INVALID for an unknown word; the hint names the nearest one.
 */
export function parseFollow(words: readonly string[]): Set<LinkKind> {
  const found = new Set<LinkKind>()
  for (const word of words.flatMap((given) => given.split(',')).map((given) => given.trim().toLowerCase())) {
    if (word === '') continue
    const named = kinds.get(word)
    if (named === undefined) throw unknown(word)
    for (const kind of named) found.add(kind)
  }
  return found
}

function unknown(word: string): SluiceError {
  const near = nearest(word, [...kinds.keys()])
  const all = [...kinds.keys()].join(', ')
  return new SluiceError('OPTION_INVALID', `--follow: ${JSON.stringify(word)} is no kind of link`, {
    hint: near === undefined ? `give some of ${all}` : `did you mean ${near}? There are ${all}`,
  })
}
