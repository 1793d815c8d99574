/** One question to a job within a limit of time and rows, in a thread of its own: a statement may never end. */
import { Worker } from 'node:worker_threads'
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

/** What the thread sends back. */
export type ThreadAnswer =
  | { readonly answer: ShortAnswer }
  | { readonly error: { readonly code: ErrorCode; readonly message: string; readonly hint: string | undefined } }

/** @throws SluiceError OPTION_INVALID: the statement cannot run, writes, or takes too long. */
export async function queryShortly(query: ShortQuery): Promise<ShortAnswer> {
  const file = import.meta.url.endsWith('.ts') ? './query-worker.ts' : './query-worker.js'
  const worker = new Worker(new URL(file, import.meta.url), { workerData: query, execArgv: ['--no-warnings'] })
  let timer: NodeJS.Timeout | undefined
  try {
    const given = await new Promise<ThreadAnswer>((resolve, reject) => {
      worker.once('message', resolve)
      worker.once('error', reject)
      timer = setTimeout(() => {
        reject(
          new SluiceError('OPTION_INVALID', `no answer within ${query.limitMs / 1000} s`, {
            hint: 'ask for less, or use `sluice query`, which has no limit',
          }),
        )
      }, query.limitMs)
    })
    if ('answer' in given) return given.answer
    const { code, message, hint } = given.error
    throw new SluiceError(code, message, hint === undefined ? {} : { hint })
  } finally {
    clearTimeout(timer)
    await worker.terminate()
  }
}
