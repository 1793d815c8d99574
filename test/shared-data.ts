/** Finds the data that lies beside the project. Where it is missing the tests that need it are skipped by name. */
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** Absolute path of `../shared/<name>`, or undefined where it is missing. `SLUICE_REQUIRE_SHARED=1` makes that an error. */
export function sharedData(name: string): string | undefined {
  const path = fileURLToPath(new URL(`../../shared/${name}`, import.meta.url))
  if (existsSync(path)) return path
  if (process.env['SLUICE_REQUIRE_SHARED'] === '1') throw new Error(`missing data: shared/${name}`)
  return undefined
}

/** For `test(name, { skip: skipWithout('...') }, ...)`: false where the data exists, else the reason. */
export function skipWithout(name: string): string | false {
  return sharedData(name) === undefined ? `shared/${name} is not here` : false
}
