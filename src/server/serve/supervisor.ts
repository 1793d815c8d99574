/**
 * Keeps the jobs that are to run running: so many at a time, the others in a queue; one that died is started again after a
 * pause that grows. What is to run is in the folders of the jobs, so a service that was killed goes on where it was.
 */
import type { Clock, TimerHandle } from '../../model/clock.ts'
import { parseDuration } from '../../model/options.ts'
import { startJob } from './job-process.ts'
import type { JobProcess, JobTask } from './job-process.ts'
import { folderNamed, readOrder, writeOrder } from './record.ts'
import type { JobOrder, LastRun } from './record.ts'

/** `waiting`: it died, or what it needs is away; it is tried again. */
export type RunPhase = 'idle' | 'queued' | 'starting' | 'running' | 'stopping' | 'waiting'

export interface SupervisorInit {
  readonly dir: string
  readonly clock: Clock
  /** Most jobs that run at a time. */
  readonly most: number
  /** @param once options of this start alone */
  taskOf(name: string, order: JobOrder, once: Readonly<Record<string, unknown>>): JobTask
}

/** Codes of errors that may have gone by themselves when the job is tried again. */
const PASSING = new Set([
  'SINK_UNREACHABLE',
  'SINK_FULL',
  'MACHINE_EXHAUSTED',
  'FRONTIER_LOCKED',
  'FRONTIER_UNREACHABLE',
])
const FIRST_PAUSE_MS = 500
const LONGEST_PAUSE_MS = 60_000
/** A job that was asked to stop has ended so long after its requests in flight. */
const HANG_MS = 60_000
/** A process that worked so long did not die of how it was started. */
const SOUND_MS = 60_000

interface Run {
  phase: RunPhase
  process: JobProcess | undefined
  timer: TimerHandle | undefined
  pauseMs: number
  startedAt: number
  once: Readonly<Record<string, unknown>>
  /** Why it waits. */
  reason: string
  /** It was to start while its process was still ending: options of that start. */
  again: Readonly<Record<string, unknown>> | undefined
}

export class Supervisor {
  readonly #init: SupervisorInit
  readonly #runs = new Map<string, Run>()
  #queue: string[] = []
  #isClosing = false
  #idle: (() => void)[] = []

  constructor(init: SupervisorInit) {
    this.#init = init
  }

  phaseOf(name: string): { readonly phase: RunPhase; readonly reason: string; readonly pid: number | undefined } {
    const run = this.#runs.get(name)
    return { phase: run?.phase ?? 'idle', reason: run?.reason ?? '', pid: run?.process?.pid }
  }

  get running(): number {
    let count = 0
    for (const { process } of this.#runs.values()) if (process !== undefined) count++
    return count
  }

  /** Starts it as soon as there is room. Whether it shall run is for the caller to store. */
  start(name: string, once: Readonly<Record<string, unknown>> = {}): void {
    if (this.#isClosing) return
    const run = this.#runs.get(name)
    if (run?.process !== undefined) run.again = once
    if (run !== undefined && run.phase !== 'waiting') return
    run?.timer?.cancel()
    this.#runs.set(name, { ...fresh(once), pauseMs: run?.pauseMs ?? FIRST_PAUSE_MS })
    this.#queue.push(name)
    this.#pump()
  }

  /** Resolves when no process runs it any more. */
  async stop(name: string): Promise<void> {
    const run = this.#runs.get(name)
    if (run === undefined) return
    run.again = undefined
    run.timer?.cancel()
    this.#queue = this.#queue.filter((one) => one !== name)
    if (run.process === undefined) {
      this.#runs.delete(name)
    } else {
      run.phase = 'stopping'
      run.process.stop()
      // What hangs is killed: the store bears that.
      run.timer = this.#init.clock.setTimer(() => run.process?.kill(), HANG_MS + this.#drainMs(name))
      while (this.#runs.get(name) === run) await new Promise<void>((resolve) => this.#idle.push(resolve))
      run.timer.cancel()
    }
  }

  /** How long requests in flight are waited for, where that was asked for. */
  #drainMs(name: string): number {
    const drain = readOrder(folderNamed(this.#init.dir, name))?.options['drain']
    return typeof drain === 'number' || typeof drain === 'string' ? parseDuration(drain) : 0
  }

  /** Stops all that runs; it is started again with the next service. */
  async close(): Promise<void> {
    this.#isClosing = true
    await Promise.all([...this.#runs.keys()].map((name) => this.stop(name)))
  }

  #pump(): void {
    while (this.running < this.#init.most) {
      const name = this.#queue.shift()
      if (name === undefined) return
      this.#launch(name)
    }
  }

  #launch(name: string): void {
    const run = this.#runs.get(name)
    const order = readOrder(folderNamed(this.#init.dir, name))
    if (run === undefined || order === undefined) {
      this.#runs.delete(name)
      return
    }
    run.phase = 'starting'
    run.startedAt = this.#init.clock.now()
    run.process = startJob(
      this.#init.taskOf(name, order, { ...run.once, ...(order.isPaused ? { paused: true } : {}) }),
      {
        opened: () => {
          if (run.phase === 'starting') run.phase = 'running'
        },
        ended: (last, how) => this.#ended(name, run, last, how),
      },
    )
  }

  #ended(name: string, run: Run, last: LastRun | undefined, how: string): void {
    const wasStopped = run.phase === 'stopping'
    run.process = undefined
    const mayPass = last === undefined || (last.error !== undefined && PASSING.has(last.error.code))
    if (mayPass && !wasStopped && !this.#isClosing) {
      this.#wait(name, run, last?.error?.message ?? `the process of the job ended (${how})`)
    } else {
      this.#runs.delete(name)
      this.#settle(name, last, wasStopped || run.again !== undefined)
      if (run.again !== undefined) this.start(name, run.again)
    }
    for (const next of this.#idle.splice(0)) next()
    if (!this.#isClosing) this.#pump()
  }

  #wait(name: string, run: Run, reason: string): void {
    const { clock } = this.#init
    if (clock.now() - run.startedAt > SOUND_MS) run.pauseMs = FIRST_PAUSE_MS
    run.phase = 'waiting'
    run.reason = reason
    run.timer = clock.setTimer(() => this.start(name, run.once), run.pauseMs)
    run.pauseMs = Math.min(LONGEST_PAUSE_MS, run.pauseMs * 2)
  }

  /** Remembers how it ended. Whoever stopped it has stored what shall be; what ended by itself shall not run again. */
  #settle(name: string, last: LastRun | undefined, wasStopped: boolean): void {
    const folder = folderNamed(this.#init.dir, name)
    const order = readOrder(folder)
    if (order === undefined) return
    const wanted = wasStopped || this.#isClosing ? order.wanted : 'stop'
    writeOrder(folder, { ...order, wanted, last: last ?? order.last })
  }
}

function fresh(once: Readonly<Record<string, unknown>>): Run {
  return {
    phase: 'queued',
    process: undefined,
    timer: undefined,
    pauseMs: FIRST_PAUSE_MS,
    startedAt: 0,
    once,
    reason: '',
    again: undefined,
  }
}
