/**
 * One question that may take long, in a process of its own and within a limit of time: a thread in the middle of a statement
 * cannot be stopped, a process can. It must not know what is asked.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { SluiceError } from '../model/errors.ts'
import type { ErrorCode } from '../model/errors.ts'

/** What the process sends back. */
export type ChildAnswer<Answer> =
  | { readonly answer: Answer }
  | { readonly error: { readonly code: ErrorCode; readonly message: string; readonly hint: string | undefined } }

export interface ShortProcess {
  /** Beside this file, without its ending; calls `answerOnce`. */
  readonly file: string
  readonly limitMs: number
  /** What helps where it takes longer. */
  readonly hint: string
}

/** @throws SluiceError what the process has thrown; OPTION_INVALID: it takes too long. */
export async function askShortly<Question, Answer>(
  { file, limitMs, hint }: ShortProcess,
  question: Question,
): Promise<Answer> {
  const ending = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  const child = fork(fileURLToPath(new URL(`./${file}.${ending}`, import.meta.url)), {
    execArgv: ['--no-warnings'],
    stdio: 'ignore',
    serialization: 'advanced',
  })
  let timer: NodeJS.Timeout | undefined
  try {
    const given = await new Promise<ChildAnswer<Answer>>((resolve, reject) => {
      child.once('message', (answer) => resolve(answer as ChildAnswer<Answer>))
      child.on('error', reject)
      child.once('exit', () => reject(new Error('the process of the question ended')))
      timer = setTimeout(() => {
        reject(new SluiceError('OPTION_INVALID', `no answer within ${limitMs / 1000} s`, { hint }))
      }, limitMs)
      if (child.connected) child.send(question as object, () => undefined)
    })
    if ('answer' in given) return given.answer
    const { code, message, hint: why } = given.error
    throw new SluiceError(code, message, why === undefined ? {} : { hint: why })
  } finally {
    clearTimeout(timer)
    child.removeAllListeners('exit')
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) {
      const ended = once(child, 'exit')
      child.kill('SIGKILL')
      await ended
    }
  }
}

/** In the process: answers the first question, and ends when whoever asked is gone. */
export function answerOnce<Question, Answer>(answer: (question: Question) => Promise<Answer>): void {
  process.once('message', (question) => {
    void answer(question as Question)
      .then((given): ChildAnswer<Answer> => ({ answer: given }))
      .catch((error: unknown): ChildAnswer<Answer> => {
        if (!(error instanceof SluiceError)) throw error
        const { code, message, hint } = error
        return { error: { code, message, hint } }
      })
      .then((given) => process.send?.(given))
  })
  process.once('disconnect', () => process.exit())
}
