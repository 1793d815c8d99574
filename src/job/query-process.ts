/**
 * One question to a job within a limit of time and rows, in a process of its own: a statement may never end, and a thread
 * in the middle of one cannot be stopped.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { SluiceError } from '../model/errors.ts'
import type { ErrorCode } from '../model/errors.ts'

export interface ShortQuery {
  readonly folder: string
  readonly sql: string
  /** Most rows of the answer. */
  readonly rows: number
  readonly limitMs: number
}

export interface ShortAnswer {
  /** All different: the second `id` is `id_2`. */
  readonly columns: readonly string[]
  readonly rows: readonly (readonly unknown[])[]
  /** There are more rows than were asked for. */
  readonly more: boolean
}

/** What the process sends back. */
export type ChildAnswer =
  | { readonly answer: ShortAnswer }
  | { readonly error: { readonly code: ErrorCode; readonly message: string; readonly hint: string | undefined } }

/** @throws SluiceError OPTION_INVALID: the statement cannot run, writes, or takes too long. */
export async function queryShortly(query: ShortQuery): Promise<ShortAnswer> {
  const file = import.meta.url.endsWith('.ts') ? './query-child.ts' : './query-child.js'
  const child = fork(fileURLToPath(new URL(file, import.meta.url)), {
    execArgv: ['--no-warnings'],
    stdio: 'ignore',
    serialization: 'advanced',
  })
  let timer: NodeJS.Timeout | undefined
  try {
    const given = await new Promise<ChildAnswer>((resolve, reject) => {
      child.once('message', (answer) => resolve(answer as ChildAnswer))
      child.once('error', reject)
      child.once('exit', () => reject(new Error('the process of the query ended')))
      timer = setTimeout(() => {
        reject(
          new SluiceError('OPTION_INVALID', `no answer within ${query.limitMs / 1000} s`, {
            hint: 'ask for less, or use `sluice query`, which has no limit',
          }),
        )
      }, query.limitMs)
      child.send(query)
    })
    if ('answer' in given) return given.answer
    const { code, message, hint } = given.error
    throw new SluiceError(code, message, hint === undefined ? {} : { hint })
  } finally {
    clearTimeout(timer)
    child.removeAllListeners('exit')
    if (child.exitCode === null && child.signalCode === null) {
      const ended = once(child, 'exit')
      child.kill('SIGKILL')
      await ended
    }
  }
}
