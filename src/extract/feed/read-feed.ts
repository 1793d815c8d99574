/** A feed from its text, in whatever format it is. Never throws; knows nothing of pages and requests. */
import { decodeText } from '../../http/charset.ts'
import { readJsonFeed } from './json-feed.ts'
import type { Feed } from './feed.ts'
import { readXmlFeed } from './xml-feed.ts'

/** Control characters of ISO 8859-1 that were meant as those of windows-1252: quotes, dashes, the euro. */
const MEANT = Array.from({ length: 32 }, (_, i) => decodeText(Uint8Array.of(0x80 + i), 'windows-1252'))

/**
 * @param base Absolute URL that relative ones start from.
 * @param language Where the feed names none.
 * @returns undefined for what is no feed: an HTML page, other XML, other JSON.
 */
export function readFeed(text: string, base: string, language?: string): Feed | undefined {
  const start = text.trimStart()
  if (start.startsWith('{')) return readJsonFeed(start, base)
  const meant = start.replace(/[\x80-\x9f]/g, (character) => MEANT[character.charCodeAt(0) - 0x80]!)
  return readXmlFeed(meant, base, language)
}
