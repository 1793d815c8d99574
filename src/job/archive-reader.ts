/** Runs in extractor threads: pages of an archive, each from its place. */
import type { PageReader } from '../extract/extraction.ts'
import type { ReaderModule } from '../extract/pool-worker.ts'
import { openArchive } from '../source/warc.ts'
import { pageInput } from './page-input.ts'

/** @param files WARC files of the archive, where repeats find the page that they repeat */
export function archiveReader(files: readonly string[]): ReaderModule {
  return { module: import.meta.url, data: files }
}

export function openReader(files: readonly string[]): PageReader {
  const archive = openArchive(files)
  return async ({ id, url, place }) => {
    const page = await archive.at({ url, ...place })
    return page === undefined || page.problem !== undefined ? undefined : pageInput(page, id)
  }
}
