/** The user's own settings, which hold for every job: `$XDG_CONFIG_HOME/sluice/config.toml` (or `.json`). */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, extname, join } from 'node:path'

const NAMES = ['config.toml', 'config.json']

/** Its path, where it exists. */
export function userFile(env: NodeJS.ProcessEnv): string | undefined {
  return NAMES.map((name) => join(userFolder(env), name)).find((path) => existsSync(path))
}

/** Keeps one more setting, before the others; the caller knows that it is not there. Returns the path. */
export function addToUserFile(env: NodeJS.ProcessEnv, name: string, value: string): string {
  const path = userFile(env) ?? join(userFolder(env), 'config.toml')
  const text = existsSync(path) ? readFileSync(path, 'utf8') : ''
  mkdirSync(dirname(path), { recursive: true })
  if (extname(path) === '.json') {
    const values = { [name]: value, ...(JSON.parse(text) as Record<string, unknown>) }
    writeFileSync(path, `${JSON.stringify(values, null, 2)}\n`)
  } else writeFileSync(path, `${name} = ${JSON.stringify(value)}\n${text}`)
  return path
}

function userFolder(env: NodeJS.ProcessEnv): string {
  const home = env['XDG_CONFIG_HOME']
  return join(home === undefined || home === '' ? join(homedir(), '.config') : home, 'sluice')
}
