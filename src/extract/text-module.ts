/** Finds the extractor module behind `--text`, without loading it. */
import { SluiceError } from '../model/errors.ts'

const FILE = import.meta.url.endsWith('.ts') ? './pdf-text.ts' : './pdf-text.js'

/** File URL of the module. @throws {SluiceError} DEPENDENCY_MISSING */
export function textModule(): string {
  try {
    import.meta.resolve('unpdf')
  } catch (cause) {
    throw new SluiceError('DEPENDENCY_MISSING', '--text needs the package unpdf', { hint: 'npm install unpdf', cause })
  }
  return new URL(FILE, import.meta.url).href
}
