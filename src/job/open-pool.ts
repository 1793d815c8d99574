/** From the options `extract` and `text` to whatever runs extractors: modules in threads, functions of the program in this one. */
import { isAbsolute, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Extractor } from '../extract/define.ts'
import type { ExtractorPool } from '../extract/extraction.ts'
import type { ReaderModule } from '../extract/pool-worker.ts'
import type { Clock } from '../model/clock.ts'
import { SluiceError } from '../model/errors.ts'
import { textModule } from '../extract/text-module.ts'
import type { ResolvedOptions } from './options.ts'

const MiB = 1024 * 1024

export type GivenExtractor = string | URL | Extractor

/**
 * Modules among them. Throws `OPTION_INVALID` where some are modules and some are functions of the program.
 *
 * @param others A module of our own runs beside them. Default false.
 */
export function modulesOf(given: readonly GivenExtractor[], others = false): (string | URL)[] {
  const modules = given.filter((one) => typeof one === 'string' || one instanceof URL)
  if (modules.length === given.length || (modules.length === 0 && !others)) return modules
  throw new SluiceError('OPTION_INVALID', 'extract: modules and functions cannot be mixed in one job', {
    hint: 'put the functions into a module of their own and give its path',
  })
}

/**
 * Undefined where the job has no extractor. Throws `SluiceError` where a module cannot be loaded.
 *
 * @param reader Given: the pool is a `StoredPagePool`, where the extractors are modules.
 */
export async function openPool(
  options: ResolvedOptions,
  cwd: string,
  clock: Clock,
  reader?: ReaderModule,
): Promise<ExtractorPool | undefined> {
  const given = options.get<GivenExtractor[]>('extract') ?? []
  const isText = options.get<boolean>('text') === true
  if (given.length === 0 && !isText) return undefined
  const modules = modulesOf(given, isText)
  if (modules.length === 0 && !isText) {
    const { inProcessPool } = await import('../extract/in-process.ts')
    return inProcessPool(given as Extractor[], clock, options.get<number>('extractTimeout') as number)
  }
  const workers = options.get<number>('workers')
  const { workerPool } = await import('../extract/pool.ts')
  return workerPool({
    modules: [...modules.map((module) => moduleUrl(module, cwd)), ...(isText ? [textModule()] : [])],
    ...(reader === undefined ? {} : { reader }),
    clock,
    timeoutMs: options.get<number>('extractTimeout') as number,
    memoryMb: Math.ceil((options.get<number>('workerMemory') as number) / MiB),
    ...(workers === undefined ? {} : { workers }),
  })
}

function moduleUrl(module: string | URL, cwd: string): string {
  if (module instanceof URL) return module.href
  if (module.startsWith('file:')) return module
  return pathToFileURL(isAbsolute(module) ? module : resolve(cwd, module)).href
}
