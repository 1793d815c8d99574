/** One page for extractors from whatever holds an answer: a response, an archive, a saved file. */
import { join } from 'node:path'
import type { ExtractFailure, Extraction, ExtractorPool, PageInput } from '../extract/extraction.ts'
import { parseContentType } from '../http/content-type.ts'
import { headerValue } from '../http/headers.ts'
import { sniffType } from '../http/sniff.ts'

export interface Answer {
  /** Canonical URL of the request. */
  readonly url: string
  /** URL that answered, where a redirect led to another. */
  readonly final?: string | undefined
  readonly status: number
  /** Names and values in the order of the wire, flat. */
  readonly rawHeaders: readonly string[]
  /** Decoded. Empty where a file holds it. */
  readonly body: Uint8Array
  /** Path of a body too large for memory. */
  readonly bodyFile?: string | undefined
  /** What `follow` said when the link was found. */
  readonly label?: string | undefined
  /** Links from a start page to it. Default 0. */
  readonly depth?: number | undefined
  readonly input?: PageInput['input']
}

/** @param id identity of the page among those that are in the pool at the same time. Default: its URL. */
export function pageInput(answer: Answer, id: string = answer.url): PageInput {
  const { url, final = url, status, rawHeaders, body, bodyFile, depth = 0, label, input } = answer
  const { essence, charset } = parseContentType(headerValue(rawHeaders, 'content-type'))
  const contentType = essence === '' ? sniffType(body) : essence
  const facts = { id, url, final, status, rawHeaders, contentType, charset }
  return { ...facts, body, file: bodyFile, depth, label, input }
}

/** Runs one page through the pool; never rejects. */
export function runPage(pool: ExtractorPool, page: PageInput): Promise<Extraction> {
  return new Promise((resolve) => pool.run(page, resolve))
}

/** Places below the working folder as a person there writes them. */
export function withoutFolder(failure: ExtractFailure, cwd: string): ExtractFailure {
  return { ...failure, frame: failure.frame?.replaceAll(join(cwd, '/'), '') }
}
