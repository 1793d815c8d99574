/**
 * Names of the files of one archive: `pages.warc.gz`, then `pages-00001.warc.gz` and so on, each with its index
 * `pages.cdxj` beside it (`pages.cdxj.open`, unsorted, while the file grows).
 */
import { readdirSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'

const ENDING = /\.warc(?:\.gz)?$/i

export interface ArchiveNames {
  /** Path of the file of that number; 0 is the name as given. */
  warc(number: number): string
  /** Path of its sorted index. */
  index(number: number): string
  /** Path of its index while the file grows. */
  journal(number: number): string
  /** Numbers of the files that are there, in order. */
  numbers(): number[]
}

/** @param path absolute, ends in `.warc` or `.warc.gz` */
export function archiveNames(path: string): ArchiveNames {
  const ending = ENDING.exec(path)?.[0] ?? ''
  const stem = path.slice(0, path.length - ending.length)
  const warc = (number: number): string => (number === 0 ? path : `${stem}-${String(number).padStart(5, '0')}${ending}`)
  const index = (number: number): string => indexOf(warc(number))
  const name = basename(stem)
  return {
    warc,
    index,
    journal: (number) => `${index(number)}.open`,
    numbers: () =>
      filesIn(dirname(path))
        .map((file) => (file === basename(path) ? 0 : numberIn(file, name, ending)))
        .filter((number) => number !== undefined)
        .toSorted((a, b) => a - b),
  }
}

/** Path of the index beside a WARC file; that of a WACZ is in it, and there is none beside it. */
export function indexOf(warc: string): string {
  return ENDING.test(warc) ? warc.replace(ENDING, '.cdxj') : `${warc}.cdxj`
}

/** All WARC and WACZ files of a folder, or the file itself; files of one archive in the order of their numbers. */
export function warcFiles(path: string): string[] {
  if (!statSync(path).isDirectory()) return [path]
  const order = (file: string): [string, number] => {
    const [, stem = file, number = '0'] = /^(.*?)(?:-(\d{5}))?\.warc(?:\.gz)?$/i.exec(file) ?? []
    return [stem, Number(number)]
  }
  return filesIn(path)
    .filter((file) => ENDING.test(file) || /\.wacz$/i.test(file))
    .toSorted((a, b) => {
      const [[stemA, numberA], [stemB, numberB]] = [order(a), order(b)]
      return stemA === stemB ? numberA - numberB : stemA < stemB ? -1 : 1
    })
    .map((file) => join(path, file))
}

function filesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

function numberIn(file: string, stem: string, ending: string): number | undefined {
  if (!file.startsWith(`${stem}-`) || !file.endsWith(ending)) return undefined
  const digits = file.slice(stem.length + 1, file.length - ending.length)
  return /^\d{5,6}$/.test(digits) ? Number(digits) : undefined
}
