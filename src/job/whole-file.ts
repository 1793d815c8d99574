/** Writes a file as a whole or not at all: a death never leaves half of it under its name. */
import { renameSync, writeFileSync } from 'node:fs'

export function writeWhole(path: string, content: string | Uint8Array, mode = 0o666): void {
  const temporary = `${path}.tmp`
  writeFileSync(temporary, content, { mode })
  renameSync(temporary, path)
}
