/** Shows where a user's module threw: the place and the lines around it. Never throws, whatever was thrown. */
import { spawnSync } from 'node:child_process'
import { readFileSync, statSync } from 'node:fs'
import { dirname, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Reading a source takes far less; a process that hangs must not hang ours. */
const CHECK_MS = 10_000

/** Lines before and after the one that threw. */
const AROUND = 2
const LONGEST_LINE = 160
const LONGEST_MESSAGE = 2_000
/** Larger sources are not the kind people read. */
const LARGEST_SOURCE = 4 * 1024 * 1024

/** Frames in our own folders tell the user nothing. */
const OWN = dirname(dirname(fileURLToPath(import.meta.url))) + sep

/** Places of the user's files shown below the first one. */
const CALLERS = 10

interface Place {
  readonly file: string
  readonly line: number
  readonly column: number
}

/** `TypeError: …`, or the text of whatever was thrown. */
export function describeThrown(thrown: unknown): string {
  try {
    const text = thrown instanceof Error ? messageOf(thrown) : `${String(thrown)} was thrown`
    return text.length <= LONGEST_MESSAGE ? text : `${text.slice(0, LONGEST_MESSAGE)} …`
  } catch {
    return 'something was thrown that cannot be shown'
  }
}

function messageOf(error: Error): string {
  const { name, message } = error
  if (String(message) === '') return String(name)
  return name === 'Error' || name === 'SluiceError' ? String(message) : `${String(name)}: ${String(message)}`
}

/**
 * `file:line:column` of the first frame in the user's files, the lines around it, and the other frames in their files.
 * Undefined where there is none. Positions are those of the source: type stripping keeps them.
 */
export function codeFrame(thrown: unknown): string | undefined {
  try {
    const { stack } = thrown as { stack?: unknown }
    const [place, ...callers] = typeof stack === 'string' ? placesIn(stack) : []
    if (place === undefined) return undefined
    const called = callers.slice(0, CALLERS).map((caller) => `  called at ${textOf(caller)}`)
    return [textOf(place), linesAround(place), ...called].filter((part) => part !== undefined).join('\n')
  } catch {
    return undefined
  }
}

/**
 * `codeFrame` of a syntax error in a module: Node tells the place of one in JavaScript only where it ends a process, so a
 * second one reads the file again, without running it.
 */
export function syntaxFrame(thrown: unknown, file: string): string | undefined {
  const frame = codeFrame(thrown)
  if (frame !== undefined || !(thrown instanceof SyntaxError)) return frame
  const { stderr } = spawnSync(process.execPath, ['--check', file], { encoding: 'utf8', timeout: CHECK_MS })
  return codeFrame({ stack: stderr })
}

function textOf({ file, line, column }: Place): string {
  return `${file}:${line}${column > 0 ? `:${column}` : ''}`
}

/** The innermost first. */
function placesIn(stack: string): Place[] {
  // A syntax error begins with its place, in a line of its own and without a column.
  const head = /^((?:file:\/\/|\/|[A-Za-z]:[\\/])[^\n]*):(\d+)\n(?:[^\n]*\n){1,3}? *\^/.exec(stack)
  if (head !== null) {
    const column = head[0].length - head[0].lastIndexOf('\n') - 1
    return [{ file: pathOf(head[1]!), line: Number(head[2]), column }]
  }
  const places: Place[] = []
  for (const match of stack.matchAll(
    /^ +at (?:.*? \()?(?:async )?((?:file:\/\/|\/|[A-Za-z]:[\\/])[^\n]*?):(\d+):(\d+)\)?$/gm,
  )) {
    const file = pathOf(match[1]!)
    if (file.startsWith(OWN) || /[\\/]node_modules[\\/]/.test(file)) continue
    places.push({ file, line: Number(match[2]), column: Number(match[3]) })
  }
  return places
}

function pathOf(location: string): string {
  return location.startsWith('file:') ? fileURLToPath(location.replace(/[?#].*$/, '')) : location
}

function linesAround({ file, line, column }: Place): string | undefined {
  if (statSync(file).size > LARGEST_SOURCE) return undefined
  const lines = readFileSync(file, 'utf8').split('\n')
  if (line > lines.length) return undefined
  const first = Math.max(1, line - AROUND)
  const shown = lines.slice(first - 1, line + AROUND)
  const width = String(first + shown.length - 1).length
  return shown
    .flatMap((text, i) => {
      const number = first + i
      const prefix = `${number === line ? '>' : ' '} ${String(number).padStart(width)} | `
      const row = (prefix + text.trimEnd().slice(0, LONGEST_LINE)).trimEnd()
      if (number !== line || column < 1 || column > LONGEST_LINE) return [row]
      return [row, `  ${' '.repeat(width)} | ${text.slice(0, column - 1).replace(/[^\t]/g, ' ')}^`]
    })
    .join('\n')
}
