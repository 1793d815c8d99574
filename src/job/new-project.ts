/** A new project from one of the folders of `templates/`. Writes new files only. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { SluiceError } from '../model/errors.ts'
import { nameFromInput } from './folder.ts'

/** The file of each that `sluice run` takes. */
export const TEMPLATES = {
  'one-file': 'crawl.ts',
  'typed-shop': 'shop.ts',
  'polite-list': 'list.ts',
  'pdf-bulk': 'pdfs.ts',
  'login-session': 'pages.ts',
} as const
export type TemplateName = keyof typeof TEMPLATES

const HOME = fileURLToPath(new URL('../../templates/', import.meta.url))
/** What the start page is called in the files. */
const START = 'https://your.site/'

export interface NewProject {
  /** Paths from the working directory. */
  readonly files: readonly string[]
  /** Folder from the working directory, '.' for itself. */
  readonly folder: string
  /** What `sluice run` takes, within the folder. */
  readonly main: string
}

/**
 * @param url start page, http or https
 * @param folder default: this directory for a single file, else one named after the host
 * @throws {SluiceError} OPTION_INVALID where the URL is none, or a file is there already: then nothing is written
 */
export function newProject(template: TemplateName, url: string, folder: string | undefined, cwd: string): NewProject {
  const start = startOf(url)
  const from = join(HOME, template)
  // Names that mean something to npm and git where they lie begin with an underscore here.
  const names = readdirSync(from).toSorted()
  const into = join(cwd, folder ?? (names.length === 1 ? '.' : nameFromInput(start)))
  const files = names.map((name) => ({ source: join(from, name), target: join(into, realName(name)) }))
  const taken = files.find(({ target }) => existsSync(target))
  if (taken !== undefined) {
    throw new SluiceError('OPTION_INVALID', `${relative(cwd, taken.target)} is there already`, {
      hint: 'name another folder: sluice init URL FOLDER',
    })
  }
  mkdirSync(into, { recursive: true })
  for (const { source, target } of files) {
    writeFileSync(
      target,
      readFileSync(source, 'utf8').replaceAll(START, () => start),
    )
  }
  return {
    files: files.map(({ target }) => relative(cwd, target)),
    folder: relative(cwd, into) || '.',
    main: TEMPLATES[template],
  }
}

/** Canonical, and fit to stand between single quotes. */
function startOf(url: string): string {
  const parsed = URL.parse(url)
  if (parsed === null || !/^https?:$/.test(parsed.protocol)) {
    throw new SluiceError('OPTION_INVALID', `${JSON.stringify(url)} is not a URL`, {
      hint: `start with the scheme: https://${url.replace(/^.*:\/*/, '')}`,
    })
  }
  return parsed.href.replaceAll("'", '%27')
}

function realName(name: string): string {
  return name === '_gitignore' ? '.gitignore' : name.replace(/^_/, '')
}
