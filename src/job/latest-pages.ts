/** Which records of an archive are its pages: the last answer of each URL, by the indexes beside the files. */
import { existsSync, readFileSync } from 'node:fs'
import type { PagePlace } from '../extract/extraction.ts'
import { indexOf } from '../warc/archive-files.ts'
import { parseIndexLine } from '../warc/cdxj.ts'

export interface IndexedPage {
  readonly url: string
  /** Content type, lower case, without parameters; undefined where the index names none. */
  readonly mime: string | undefined
  readonly place: PagePlace
}

const MIME = /^[a-z0-9][\w.+-]*\/[a-z0-9][\w.+-]*$/
/** Stands for a repeat, whose type is that of the page that it repeats. */
const OWN_TYPES = 'warc/'

/** In the order of the files and places; undefined where a file has no index. @param files paths of WARC files */
export function latestPages(files: readonly string[]): IndexedPage[] | undefined {
  const latest = new Map<string, { readonly date: string; readonly page: IndexedPage; readonly order: number }>()
  for (const [order, file] of files.entries()) {
    const index = indexOf(file)
    if (!existsSync(index)) return undefined
    for (const line of readFileSync(index, 'latin1').split('\n')) {
      const entry = parseIndexLine(line)
      // A 304 repeats what is there; what failed says nothing about the page.
      if (entry?.status !== 200) continue
      const { url, date, mime, offset, length } = entry
      const known = latest.get(url)
      if (known !== undefined && known.date > date) continue
      const type = MIME.test(mime) && !mime.startsWith(OWN_TYPES) ? mime : undefined
      latest.set(url, { date, order, page: { url, mime: type, place: { file, offset, length } } })
    }
  }
  return [...latest.values()]
    .sort((a, b) => a.order - b.order || a.page.place.offset - b.page.place.offset)
    .map(({ page }) => page)
}
