/** Answers of an archive found by the sorted indexes beside its files, a few small reads each. */
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { indexOf } from '../warc/archive-files.ts'
import { type IndexEntry, parseIndexLine, REVISIT_MIME } from '../warc/cdxj.ts'
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
      const entries = [...(await lookupKey(index, key)), ...(await unsorted(`${index}.open`, key))]
      for (const entry of entries) if (entry.url === url) found.push(answerOf(entry, dirname(file)))
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

/** What a running or killed job has not sorted yet. */
async function unsorted(path: string, key: string): Promise<IndexEntry[]> {
  if (!existsSync(path)) return []
  const text = await readFile(path, 'latin1')
  const lines = text.split('\n').filter((line) => line.startsWith(`${key} `))
  return lines.map(parseIndexLine).filter((entry) => entry !== undefined)
}
