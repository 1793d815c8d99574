/**
 * What the two output streams can take: colour, redraws, how wide. Decided once from the environment, so that nothing
 * else looks at `process.env` or asks a stream whether it is a terminal.
 */
import pc from 'picocolors'

type Style = 'bold' | 'dim' | 'red' | 'yellow' | 'green' | 'cyan'
export type Paint = (style: Style, text: string) => string

export interface StreamFacts {
  readonly tty: boolean
  readonly columns: number | undefined
}

export interface Terminal {
  /** stderr may be moved about in (a terminal that understands it, no CI, no NO_COLOR). */
  readonly redraw: boolean
  /** Whole sentences instead of tables and glyphs (`ACCESSIBLE`). */
  readonly accessible: boolean
  /** Cells in a line of stderr; 80 where nobody can say. */
  columns(): number
  /** Colours text for stderr, or leaves it alone. */
  readonly paint: Paint
  /** Writes to stderr, where everything that is not data goes. */
  say(text: string): void
  /** Writes to stdout: data only. */
  print(text: string): void
}

export const plainPaint: Paint = (_style, text) => text

/** `NO_COLOR` wins over `FORCE_COLOR`; otherwise colour is for terminals that are not `dumb`. */
export function wantsColor(env: NodeJS.ProcessEnv, stream: StreamFacts): boolean {
  if (isSet(env['NO_COLOR'])) return false
  const force = env['FORCE_COLOR']
  if (force !== undefined) return force !== '0' && force !== 'false'
  return stream.tty && env['TERM'] !== 'dumb'
}

/** A bar is redrawn only where a person watches: no escape byte under NO_COLOR, in CI or in a file. */
export function wantsRedraw(env: NodeJS.ProcessEnv, stream: StreamFacts): boolean {
  return stream.tty && env['TERM'] !== 'dumb' && !isSet(env['CI']) && !isSet(env['NO_COLOR'])
}

export function isAccessible(env: NodeJS.ProcessEnv): boolean {
  return isSet(env['ACCESSIBLE'])
}

function isSet(value: string | undefined): boolean {
  return value !== undefined && value !== '' && value !== '0' && value !== 'false'
}

export function openTerminal(env: NodeJS.ProcessEnv, stdout: NodeJS.WriteStream, stderr: NodeJS.WriteStream): Terminal {
  const facts = { tty: stderr.isTTY === true, columns: stderr.columns }
  const colors = pc.createColors(wantsColor(env, facts))
  return {
    redraw: wantsRedraw(env, facts),
    accessible: isAccessible(env),
    columns: () => (stderr.isTTY === true ? stderr.columns || 80 : 80),
    paint: (style, text) => colors[style](text),
    say: (text) => void stderr.write(text),
    print: (text) => void stdout.write(text),
  }
}
