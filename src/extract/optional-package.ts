/** Packages that few pages need: loaded when the first one does, from within synchronous code. */
import { createRequire } from 'node:module'
import { SluiceError } from '../model/errors.ts'

const load = createRequire(import.meta.url)

/**
 * @param need What needs it, for the message: `page.article()`.
 * @param install All packages that are needed together.
 * @throws {SluiceError} DEPENDENCY_MISSING, saying what to install.
 */
export function optionalPackage<Module>(name: string, need: string, install: string = name): Module {
  try {
    return load(name) as Module
  } catch (cause) {
    const plural = install.includes(' ') ? `the packages ${install.replace(' ', ' and ')}` : `the package ${install}`
    throw new SluiceError('DEPENDENCY_MISSING', `${need} needs ${plural}`, { hint: `npm install ${install}`, cause })
  }
}
