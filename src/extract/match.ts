/**
 * Regular expressions with an end: one that a page makes run away (`(a+)+$`) is stopped after its time and named, its
 * thread goes on with the next page. V8 stops them where a script has a time limit, so they run in one.
 */
import { createContext, Script } from 'node:vm'
import { SluiceError } from '../model/errors.ts'

interface Bench {
  pattern: RegExp
  text: string
  found: unknown
}

/** Characters of an expression that are shown. */
const SHOWN = 100

const bench: Bench = { pattern: /(?:)/, text: '', found: undefined }
let context: object | undefined
let one: Script | undefined
let all: Script | undefined

/** @throws {SluiceError} EXTRACT_TIMEOUT */
export function firstMatch(pattern: RegExp, text: string, limitMs: number): RegExpExecArray | undefined {
  one ??= new Script('found = pattern.exec(text)')
  return (run(one, pattern, text, limitMs) as RegExpExecArray | null) ?? undefined
}

/** @throws {SluiceError} EXTRACT_TIMEOUT */
export function allMatches(pattern: RegExp, text: string, limitMs: number): RegExpExecArray[] {
  all ??= new Script('found = [...text.matchAll(pattern)]')
  const global = pattern.global ? pattern : new RegExp(pattern, `${pattern.flags}g`)
  // An array of ours, not of the context's.
  return Array.from(run(all, global, text, limitMs) as RegExpExecArray[])
}

function run(script: Script, pattern: RegExp, text: string, limitMs: number): unknown {
  context ??= createContext(bench)
  bench.pattern = pattern
  bench.text = text
  try {
    script.runInContext(context, { timeout: limitMs })
    return bench.found
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw cause
    const shown = String(pattern)
    const name = shown.length > SHOWN ? `${shown.slice(0, SHOWN)}…` : shown
    throw new SluiceError('EXTRACT_TIMEOUT', `the expression ${name} did not end within ${limitMs} ms`, { cause })
  } finally {
    // Nothing of the page stays behind.
    bench.text = ''
    bench.found = undefined
  }
}
