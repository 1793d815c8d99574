/** The seam between pages of an archive and what knows where its answers are: an index beside the files, or a table. */

/** Where the record of an answer is. Plain data: it may be read in another thread. */
export interface Capture {
  /** Path of the file in which it can be read. */
  readonly file: string
  readonly offset: number
  /** Bytes in the file. */
  readonly length: number
  /** Where it starts in its gzip member, decoded: 0 but for the second and later records of one member. */
  readonly inner: number
}

export interface StoredAnswer extends Capture {
  /** ms since 1970; 0 where unknown. */
  readonly time: number
  readonly isRevisit: boolean
}

export interface Answers {
  /** Answers of exactly that URL, the earliest first. @param near look in this file alone, where that is faster */
  ofUrl(url: string, near?: string): Promise<StoredAnswer[]>
  /** The first answer that holds a payload of that digest itself; undefined where none is known. */
  original(digest: string): Promise<StoredAnswer | undefined>
}
