/**
 * PDF files: pages, text, what the file says about itself, and its outline. Read by the optional package `unpdf` (pdf.js
 * without a canvas), which is loaded with the first file.
 */
import { SluiceError } from '../model/errors.ts'
import { parseDate } from './feed/date.ts'
import { optional } from './optional.ts'

export interface PdfInfo {
  readonly title?: string
  readonly author?: string
  readonly subject?: string
  readonly keywords?: string
  /** Program that made the document, and the one that made the PDF of it. */
  readonly creator?: string
  readonly producer?: string
  /** ISO 8601 in UTC. */
  readonly created?: string
  readonly modified?: string
  /** `1.7` */
  readonly version?: string
}

export interface PdfOutline {
  readonly title: string
  /** 1 for the first page; absent for entries that lead out of the file. */
  readonly page?: number
  readonly url?: string
  readonly items: readonly PdfOutline[]
}

export interface PdfFile {
  readonly pages: number
  readonly info: PdfInfo
  /** Bookmarks; empty without any. */
  readonly outline: readonly PdfOutline[]
  /** Text of a page, in the order of the file. @param number 1 for the first page. */
  text(number: number): Promise<string>
  close(): Promise<void>
}

/** Files may begin with other bytes (ISO 32000-1, annex H.3.4.1). */
const HEAD = 1024
/** Entries of an outline that are read: a file may nest them without end. */
const MOST_ENTRIES = 10_000
const DEEPEST = 32

/** Whether the first bytes are those of a PDF file: servers send them under any type. */
export function isPdf(bytes: Uint8Array): boolean {
  return Buffer.from(bytes.subarray(0, HEAD)).includes('%PDF-')
}

/**
 * To be closed.
 *
 * @throws {SluiceError} DEPENDENCY_MISSING
 * @throws {Error} where the file is encrypted or broken beyond repair.
 */
export async function openPdf(bytes: Uint8Array): Promise<PdfFile> {
  const { getDocumentProxy } = await loadReader()
  // A copy, and no Buffer: pdf.js keeps what it is given. Its warnings about a file are for nobody.
  const opening = getDocumentProxy(new Uint8Array(bytes), { verbosity: 0 })
  const file = await opening.catch((cause: Error) => {
    // The place in pdf.js would tell nobody anything.
    throw new Error(`cannot read the PDF file: ${cause.message}`, { cause })
  })
  return {
    pages: file.numPages,
    info: await infoOf(file),
    outline: await outlineOf(file),
    async text(number) {
      const content = await file.getPage(number)
      const { items } = await content.getTextContent()
      const parts = items.map((item) => ('str' in item ? item.str + (item.hasEOL ? '\n' : '') : ''))
      content.cleanup()
      return parts.join('')
    },
    close: () => file.loadingTask.destroy(),
  }
}

type Unpdf = typeof import('unpdf')
type Document = Awaited<ReturnType<Unpdf['getDocumentProxy']>>

async function loadReader(): Promise<Unpdf> {
  try {
    return await import('unpdf')
  } catch (cause) {
    const hint = 'npm install unpdf'
    throw new SluiceError('DEPENDENCY_MISSING', 'reading PDF files needs the package unpdf', { hint, cause })
  }
}

async function infoOf(file: Document): Promise<PdfInfo> {
  // A file whose dictionary is broken has text nevertheless.
  const found = await file.getMetadata().catch(() => undefined)
  const info = (found?.info ?? {}) as Readonly<Record<string, unknown>>
  const text = (name: string): string | undefined => {
    const value = info[name]
    return typeof value === 'string' && value.trim() !== '' ? value.trim() : undefined
  }
  return {
    ...optional('title', text('Title')),
    ...optional('author', text('Author')),
    ...optional('subject', text('Subject')),
    ...optional('keywords', text('Keywords')),
    ...optional('creator', text('Creator')),
    ...optional('producer', text('Producer')),
    ...optional('created', dateOf(text('CreationDate'))),
    ...optional('modified', dateOf(text('ModDate'))),
    ...optional('version', text('PDFFormatVersion')),
  }
}

/** `D:20240229101500+02'00'` (ISO 32000-1, 7.9.4). */
function dateOf(written: string | undefined): string | undefined {
  const digits = /^(?:D:)?(\d{4,14})\s*(Z|[+-]\d\d)?'?(\d\d)?/.exec(written ?? '')
  if (digits === null) return written === undefined ? undefined : parseDate(written)
  const [, date, zone = 'Z', minutes] = digits
  const full = `${date}${'0101000000'.slice(Math.max(0, date!.length - 4))}`
  const offset = zone === 'Z' ? 'Z' : `${zone}:${minutes ?? '00'}`
  return parseDate(`${full.slice(0, 8)}T${full.slice(8)}${offset}`)
}

type Entry = Awaited<ReturnType<Document['getOutline']>>[number]

async function outlineOf(file: Document): Promise<PdfOutline[]> {
  let room = MOST_ENTRIES
  const read = async (entries: readonly Entry[], depth: number): Promise<PdfOutline[]> => {
    const made: PdfOutline[] = []
    for (const entry of entries) {
      if (room-- <= 0) break
      const items = depth < DEEPEST ? await read(entry.items as Entry[], depth + 1) : []
      const page = await pageOf(file, entry.dest)
      made.push({
        title: entry.title.trim(),
        ...optional('page', page),
        ...optional('url', entry.url ?? undefined),
        items,
      })
    }
    return made
  }
  const entries = await file.getOutline().catch(() => null)
  // pdf.js gives null for a file without one, whatever its types say.
  return read((entries as Entry[] | null) ?? [], 0)
}

/** Number of the page that a destination means. */
async function pageOf(file: Document, destination: Entry['dest']): Promise<number | undefined> {
  try {
    const explicit = typeof destination === 'string' ? await file.getDestination(destination) : destination
    const target: unknown = explicit?.[0]
    if (typeof target === 'number') return target + 1
    if (typeof target !== 'object' || target === null) return undefined
    return (await file.getPageIndex(target as Parameters<Document['getPageIndex']>[0])) + 1
  } catch {
    // A bookmark to nowhere.
    return undefined
  }
}
