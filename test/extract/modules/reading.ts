/** A reader of stored pages that does what the name of the file says. The text of a page is its place. */
import type { PageReader } from '../../../src/extract/extraction.ts'

export function openReader(data: unknown): PageReader {
  return async ({ id, url, place }) => {
    if (place.file === 'absent') return undefined
    if (place.file === 'damaged') throw new Error(`no record at ${place.offset}`)
    if (place.file === 'deadly') process.exit(9)
    return {
      ...{ id, url, final: url, status: 200, rawHeaders: [], contentType: 'text/html', charset: undefined },
      body: Buffer.from(`${String(data)} ${place.offset} ${place.length}`),
      ...{ file: undefined, depth: 0, label: undefined, input: undefined },
    }
  }
}
