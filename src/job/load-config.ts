/** Reads `sluice.config.*` and one-file jobs: TypeScript and JavaScript by Node itself, JSON, TOML. */
import { existsSync, readFileSync } from 'node:fs'
import { extname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { importDefault } from '../extract/user-module.ts'
import { SluiceError } from '../model/errors.ts'
import type { JobOptions } from './options.ts'
import type { JobKind } from './job.ts'

/** Names looked for in the working directory, in this order. */
export const CONFIG_NAMES = ['ts', 'mjs', 'js', 'json', 'jsonc', 'toml'].map(
  (extension) => `sluice.config.${extension}`,
)

export interface LoadedConfig {
  readonly options: Readonly<Record<string, unknown>>
  /** undefined: there is no such file. */
  readonly file: string | undefined
}

/** Types the options of a config file or a one-file job; returns them as they are. */
export function defineConfig(
  options: JobOptions & { readonly kind?: JobKind },
): JobOptions & { readonly kind?: JobKind } {
  return options
}

/** `file` must exist when given; else the first of `CONFIG_NAMES` in `cwd` is taken, if there is one. */
export async function loadConfig(file?: string, cwd: string = process.cwd()): Promise<LoadedConfig> {
  const path =
    file === undefined
      ? CONFIG_NAMES.map((name) => join(cwd, name)).find((name) => existsSync(name))
      : resolve(cwd, file)
  if (path === undefined) return { options: {}, file: undefined }
  if (!existsSync(path)) {
    throw new SluiceError('INPUT_UNREADABLE', `there is no file ${JSON.stringify(file)} (${path})`, {
      hint: 'check the path',
    })
  }
  return { options: await readConfig(path), file: path }
}

/**
 * True for a module whose default export is an extractor, or a list of them, instead of options; and for one that cannot be
 * loaded: whoever loads extractors shows the place.
 */
export async function isExtractorFile(file: string, cwd: string): Promise<boolean> {
  const path = resolve(cwd, file)
  if (!existsSync(path) || !/^\.m?[jt]s$/.test(extname(path))) return false
  try {
    const exported = await importDefault(pathToFileURL(path).href)
    const [first] = Array.isArray(exported) ? (exported as unknown[]) : [exported]
    return typeof (first as { extract?: unknown } | undefined)?.extract === 'function'
  } catch {
    return true
  }
}

async function readConfig(path: string): Promise<Readonly<Record<string, unknown>>> {
  let value: unknown
  try {
    switch (extname(path)) {
      case '.json':
        value = JSON.parse(readFileSync(path, 'utf8'))
        break
      case '.jsonc':
        value = JSON.parse(withoutComments(readFileSync(path, 'utf8')))
        break
      case '.toml':
        value = (await import('smol-toml')).parse(readFileSync(path, 'utf8'))
        break
      case '.ts':
      case '.mts':
      case '.js':
      case '.mjs':
        value = await importDefault(pathToFileURL(path).href)
        break
      default:
        throw new SluiceError('OPTION_INVALID', `${path}: this kind of file cannot be a config`, {
          hint: 'use .ts, .mjs, .js, .json, .jsonc or .toml',
        })
    }
  } catch (error) {
    if (error instanceof SluiceError) throw error
    const { message, code } = error as Error & { code?: string }
    const hint =
      code === 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX'
        ? 'only TypeScript that can be erased works: no enum, namespace or parameter properties'
        : 'see the cause, mend the file and run the same command again'
    throw new SluiceError('OPTION_INVALID', `${path}: ${message}`, { hint, cause: error })
  }
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    throw new SluiceError('OPTION_INVALID', `${path}: its default export is not an options object`, {
      hint: 'export default defineConfig({ seeds: [...] })',
    })
  }
  const { $schema: _schema, ...options } = value as Record<string, unknown>
  return options
}

/** Line and block comments outside strings, and commas before a closing bracket. */
function withoutComments(text: string): string {
  return text.replace(/"(?:[^"\\]|\\.)*"|\/\/[^\n]*|\/\*[\s\S]*?\*\/|,(?=\s*[}\]])/g, (part) =>
    part.startsWith('"') ? part : '',
  )
}
