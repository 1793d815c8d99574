/**
 * Starts the process of one job and listens to it. A job that crashes, runs out of memory or blocks its loop takes neither
 * the service nor another job with it.
 */
import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { JobKind, OptionLayer } from '../../job/index.ts'
import type { LastRun } from './record.ts'

/** The command line lets modules of the user say `import … from 'sluice'` wherever they lie (bin/sluice.js). */
export const RESOLVER = Symbol.for('sluice.resolver')

export interface JobTask {
  readonly kind: JobKind
  /** From the weakest to the strongest. */
  readonly layers: readonly OptionLayer[]
  /** What relative paths of the options refer to. */
  readonly cwd: string
  /** Filled in when it is sent. */
  readonly resolver?: unknown
}

/** What the process says. */
export type ChildReport =
  | { readonly opened: true }
  | { readonly end: string; readonly exitCode: number }
  | { readonly error: NonNullable<LastRun['error']>; readonly exitCode: number }

export interface JobProcess {
  readonly pid: number | undefined
  /** Asks it to end with its state saved; it gets as long as its requests in flight may take. */
  stop(): void
  kill(): void
}

export interface JobProcessEvents {
  readonly opened: () => void
  /** Undefined: it died without a word. */
  readonly ended: (last: LastRun | undefined, how: string) => void
}

/** Most of what a process may say on its way out. */
const LONGEST_WORDS = 2000

export function startJob(task: JobTask, { opened, ended }: JobProcessEvents): JobProcess {
  const file = import.meta.url.endsWith('.ts') ? './job-child.ts' : './job-child.js'
  const child = fork(fileURLToPath(new URL(file, import.meta.url)), {
    execArgv: [...process.execArgv, '--no-warnings'],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    serialization: 'advanced',
    // Ctrl-C is for the service.
    detached: true,
  })
  let last: LastRun | undefined
  let said = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-LONGEST_WORDS)
  })
  child.on('message', (message) => {
    const report = message as ChildReport
    if ('opened' in report) opened()
    else if ('end' in report) last = report
    else last = { end: 'failed', exitCode: report.exitCode, error: report.error }
  })
  let isOver = false
  const over = (how: string): void => {
    if (isOver) return
    isOver = true
    ended(last, how)
  }
  // More than one may come: what cannot be started cannot be sent to either.
  child.on('error', (error) => over(error.message))
  child.once('close', (code, signal) =>
    over(`${signal ?? `exit code ${code}`}${said === '' ? '' : `: ${said.trim()}`}`),
  )
  const resolver = (globalThis as Record<symbol, unknown>)[RESOLVER]
  if (child.connected) child.send({ ...task, resolver }, () => undefined)
  return {
    pid: child.pid,
    stop: () => {
      if (child.connected) child.send('stop', () => undefined)
    },
    kill: () => void child.kill('SIGKILL'),
  }
}
