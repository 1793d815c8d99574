/**
 * When standard input is read (UX.md 3.3): only for `-`, or where nothing else says what to fetch and something is
 * connected to it. Reading it whenever it is no terminal is what makes tools hang under cron and ssh.
 */
import { fstatSync } from 'node:fs'

export interface StdinFacts {
  readonly positionals: readonly string[]
  /** A project file was found. */
  readonly config: boolean
  readonly connected: boolean
}

export type StdinUse =
  /** `-` was given. */
  | 'asked'
  /** Nothing else was given. */
  | 'implied'
  | 'never'

export function stdinUse({ positionals, config, connected }: StdinFacts): StdinUse {
  if (positionals.includes('-')) return 'asked'
  return positionals.length === 0 && !config && connected ? 'implied' : 'never'
}

/**
 * True where fd 0 is a pipe or a file; sockets count as pipes, because that is what some parents (Node among them)
 * connect. A terminal, `/dev/null` and a closed fd are none.
 */
export function stdinIsConnected(): boolean {
  try {
    const stat = fstatSync(0)
    return stat.isFIFO() || stat.isFile() || stat.isSocket()
  } catch {
    return false
  }
}
