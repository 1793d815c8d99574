/** The URLs of a sitemap in a file; of an index the sitemaps, which are then fetched like pages. */
import type { Input } from './input.ts'
import { createSitemapParser } from './sitemap.ts'

/** The limits of sitemaps.org are for what comes from others. */
const NO_LIMITS = { maxEntries: Infinity, maxBytes: Infinity }

export async function* sitemapUrls(input: Input): AsyncGenerator<string, undefined> {
  let found: string[] = []
  const parser = createSitemapParser(
    { onUrl: ({ loc }) => found.push(loc), onSitemap: (loc) => found.push(loc) },
    NO_LIMITS,
  )
  for (let piece = await input.next(); piece !== undefined; piece = await input.next()) {
    parser.write(piece)
    const urls = found
    found = []
    yield* urls
  }
  parser.end()
  yield* found
}
