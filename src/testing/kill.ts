/**
 * The kill harness: runs a command, kills it with SIGKILL at seeded random instants or on a sign, and starts the very
 * same command again until it ends by itself. What must have survived is for the caller to check.
 *
 * Each run has a process group of its own, which dies as a whole; nothing else is ever killed.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import type { Random } from './random.ts'

/**
 * When to kill a run.
 * - `ms`: a random time after the start, between the two, drawn from `random`;
 * - `line`: a line of its stdout or stderr for which the function says true;
 * - `event`: when the promise resolves, such as `() => origin.until(500)`. It is given a signal that aborts as the run
 *   ends; its rejection fails the harness unless the run is over.
 */
export type KillMoment =
  | { readonly ms: readonly [min: number, max: number]; readonly random: Random }
  | { readonly line: (line: string, run: number) => boolean }
  | { readonly event: (run: number, signal: AbortSignal) => Promise<unknown> }

export interface KillOptions {
  readonly command: string
  readonly args?: readonly string[]
  readonly cwd?: string
  /** The whole environment of the child. Default: this process's. */
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly kill: KillMoment
  /** After so many kills the command runs to its own end. */
  readonly maxKills: number
  /** Called (and waited for) between a death and the next start, which is run number `run`, from 2. */
  readonly onRestart?: (run: number, last: RunReport) => void | Promise<void>
  /** A run that takes longer is killed and the harness rejects with its output. Default 120,000. */
  readonly timeoutMs?: number
}

export interface RunReport {
  /** From 1. */
  readonly run: number
  /** Died by our hand. */
  readonly killed: boolean
  /** Null where it died of a signal. */
  readonly exitCode: number | null
  readonly signal: NodeJS.Signals | null
  readonly ms: number
  /** Last 1,000,000 characters. */
  readonly stdout: string
  readonly stderr: string
}

export interface KillReport {
  readonly kills: number
  /** Of the last run, which ended by itself. */
  readonly exitCode: number | null
  readonly stdout: string
  readonly stderr: string
  readonly perRun: readonly RunReport[]
}

const KEEP_CHARACTERS = 1_000_000

/** Runs, kills and restarts a command until it ends by itself. Rejects where it cannot be started or takes too long. */
export async function runAndKill(options: KillOptions): Promise<KillReport> {
  const perRun: RunReport[] = []
  for (let kills = 0; ; ) {
    const report = await runOnce(options, perRun.length + 1, kills < options.maxKills)
    perRun.push(report)
    if (!report.killed) {
      const { exitCode, stdout, stderr } = report
      return { kills, exitCode, stdout, stderr, perRun }
    }
    kills++
    await options.onRestart?.(perRun.length + 1, report)
  }
}

function runOnce(options: KillOptions, run: number, mayKill: boolean): Promise<RunReport> {
  const { promise, resolve, reject } = Promise.withResolvers<RunReport>()
  const started = performance.now()
  const child = spawn(options.command, options.args ?? [], {
    cwd: options.cwd,
    env: options.env ?? process.env,
    stdio: ['ignore', 'pipe', 'pipe'],
    // A group of its own, so that children of the child die with it. Windows knows no groups.
    detached: process.platform !== 'win32',
  })
  const over = new AbortController()
  let killed = false
  let failure: Error | undefined

  const end = (): void => killGroup(child)
  process.once('exit', end)
  function kill(): void {
    if (over.signal.aborted || killed) return
    killed = true
    end()
  }
  function fail(error: unknown): void {
    if (over.signal.aborted) return
    failure ??= error instanceof Error ? error : new Error(String(error))
    end()
    // Where the child is gone but something it left behind holds its pipes, nothing else would end the run.
    child.stdout.destroy()
    child.stderr.destroy()
  }

  const watch = mayKill && 'line' in options.kill ? options.kill.line : undefined
  const onLine = (line: string): void => {
    try {
      if (watch?.(line, run) === true) kill()
    } catch (error) {
      fail(error)
    }
  }
  const stdout = gather(child.stdout, onLine)
  const stderr = gather(child.stderr, onLine)
  let timer: NodeJS.Timeout | undefined
  if (mayKill && 'ms' in options.kill) {
    const [min, max] = options.kill.ms
    timer = setTimeout(kill, min + options.kill.random.next() * (max - min))
  } else if (mayKill && 'event' in options.kill) {
    options.kill.event(run, over.signal).then(kill, fail)
  }
  const timeoutMs = options.timeoutMs ?? 120_000
  const limit = setTimeout(() => fail(new Error(`run ${run} took longer than ${timeoutMs} ms`)), timeoutMs)

  child.once('error', (error) => {
    if (child.pid === undefined) finish(null, null, error)
  })
  child.once('close', (exitCode, signal) => finish(exitCode, signal))

  function finish(exitCode: number | null, signal: NodeJS.Signals | null, error = failure): void {
    over.abort()
    clearTimeout(timer)
    clearTimeout(limit)
    process.removeListener('exit', end)
    if (error !== undefined) {
      const output = `\nstdout: ${stdout().slice(-4000)}\nstderr: ${stderr().slice(-4000)}`
      reject(new Error(`${options.command}: ${error.message}${output}`, { cause: error }))
      return
    }
    const ms = performance.now() - started
    // It may have ended by itself just before the signal.
    const died = killed && signal !== null
    resolve({ run, killed: died, exitCode, signal, ms, stdout: stdout(), stderr: stderr() })
  }
  return promise
}

/** SIGKILL for the child and the group it leads. */
function killGroup(child: ChildProcess): void {
  // Once it is reaped its number may belong to somebody else.
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  try {
    if (process.platform === 'win32') child.kill('SIGKILL')
    else process.kill(-child.pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/** Collects a stream's text and hands on whole lines; returns a function that gives the text so far. */
function gather(stream: NodeJS.ReadableStream, onLine: (line: string) => void): () => string {
  let text = ''
  let rest = ''
  stream.setEncoding('utf8')
  stream.on('data', (chunk: string) => {
    text = (text + chunk).slice(-KEEP_CHARACTERS)
    const lines = (rest + chunk).split('\n')
    rest = lines.pop() as string
    for (const line of lines) onLine(line)
  })
  stream.on('end', () => {
    if (rest !== '') onLine(rest)
  })
  return () => text
}
