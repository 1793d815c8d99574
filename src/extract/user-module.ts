/** Loads what a user wrote: job files, extractors, handlers. */
import { createRequire } from 'node:module'

const RESOLVER = Symbol.for('sluice.resolver')
const registry = globalThis as { [RESOLVER]?: string | undefined }

/**
 * Path of the program that lets files anywhere say `import … from 'sluice'`; the command line sets it, a library's user
 * needs none. Undefined: there is none.
 */
export function moduleResolver(): string | undefined {
  return registry[RESOLVER]
}

/** For a thread, which does not inherit it. */
export function setModuleResolver(path: string | undefined): void {
  registry[RESOLVER] = path
}

/** The default export of a module of the user's. Throws what the module throws. */
export async function importDefault(url: string): Promise<unknown> {
  const resolver = moduleResolver()
  if (resolver !== undefined) createRequire(import.meta.url)(resolver)
  return ((await import(url)) as { default?: unknown }).default
}
