/** Answers of an archive found by the sorted indexes beside its files, a few small reads each. */
import { dirname, join } from 'node:path'
import { indexOf } from '../warc/archive-files.ts'
import { type IndexEntry, REVISIT_MIME } from '../warc/cdxj.ts'
import { lookupKey } from '../warc/cdxj-file.ts'
import { surtOf } from '../warc/surt.ts'
import type { Answers, StoredAnswer } from './warc-answers.ts'

/** @param files all with an index of ours */
export class IndexedAnswers implements Answers {
  readonly #files: readonly string[]

  constructor(files: readonly string[]) {
    this.#files = files
  }

  async ofUrl(url: string, near?: string): Promise<StoredAnswer[]> {
    const key = surtOf(url)
    const files = near === undefined ? this.#files : [near]
    const found: StoredAnswer[] = []
    for (const file of files) {
      const index = indexOf(file)
      for (const entry of await lookupKey(index, key)) if (entry.url === url) found.push(answerOf(entry, dirname(file)))
    }
    return found.toSorted((a, b) => a.time - b.time)
  }

  /** Repeats of ours name their original. */
  async original(): Promise<undefined> {
    return undefined
  }
}

function answerOf({ date, mime, offset, length, filename }: IndexEntry, folder: string): StoredAnswer {
  const file = join(folder, filename)
  return { time: Date.parse(date) || 0, isRevisit: mime === REVISIT_MIME, file, offset, length, inner: 0 }
}
