/**
 * Questions to a person. Only where one sits: with a script at the other end nothing is asked and nothing read. The terminal
 * keeps its own line editing, so that Ctrl-C ends the command as anywhere else.
 */
import { createInterface } from 'node:readline'

export interface Asker {
  /** The line that was typed, without blanks around it; '' at the end of input. */
  ask(question: string): Promise<string>
  close(): void
}

/** undefined: standard input or standard error is no terminal. */
export function openAsker(): Asker | undefined {
  if (process.stdin.isTTY !== true || process.stderr.isTTY !== true) return undefined
  const lines = createInterface({ input: process.stdin, terminal: false })
  // One reader for all questions: lines that are typed ahead belong to the next ones.
  const typed = lines[Symbol.asyncIterator]()
  return {
    async ask(question) {
      process.stderr.write(question)
      const { value, done } = await typed.next()
      if (done !== true) return value.trim()
      process.stderr.write('\n')
      return ''
    },
    close: () => lines.close(),
  }
}
