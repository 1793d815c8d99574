/**
 * The jobs of the service's folder: what there is, how each one stands, and what can be done with it. Every wish is stored
 * before it is acted upon.
 */
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import {
  jobOf,
  nameFromInput,
  openStatus,
  readStored,
  requestControl,
  resolveOptions,
  resumeOptions,
  SUFFIX,
  writeWhole,
} from '../../job/index.ts'
import type { ControlMethod, JobKind, OptionLayer, Status } from '../../job/index.ts'
import type { Clock } from '../../model/clock.ts'
import { SluiceError } from '../../model/errors.ts'
import { extractorPaths, outputPath, requestOptions, webUrls } from './job-options.ts'
import type { JobTask } from './job-process.ts'
import { folderNamed, holdsJob, isJobName, jobNames, readOrder, stampOf, writeOrder } from './record.ts'
import type { JobOrder, LastRun } from './record.ts'
import { Refusal } from './refusal.ts'
import { Supervisor } from './supervisor.ts'
import type { RunPhase } from './supervisor.ts'

export interface JobsInit {
  /** Absolute; holds the job folders. */
  readonly dir: string
  readonly clock: Clock
  readonly most: number
  /** Folder of extractor modules; absent: there are none. */
  readonly extractors: string | undefined
  /** Options of every job where it says nothing itself. */
  readonly defaults: Readonly<Record<string, unknown>>
  /** Options of every job, whatever it says. */
  forced(): Readonly<Record<string, unknown>>
  /** Every job writes there too. */
  readonly outputs: readonly string[]
}

/** What a new job is asked for. */
export interface NewJob {
  readonly kind: 'crawl' | 'fetch'
  readonly urls: readonly string[]
  readonly name?: string | undefined
  readonly out?: readonly string[] | undefined
  readonly extract?: readonly string[] | undefined
  readonly options?: unknown
  readonly isPaused?: boolean | undefined
}

export interface JobRow {
  readonly name: string
  readonly kind: JobKind | null
  /** A phase of the service (`queued`, `starting`, `waiting`, `stopping`), or the status of the job. */
  readonly state: string
  /** Why it waits or how it failed; ''. */
  readonly reason: string
  readonly startedBy: string | null
  readonly createdAt: string | null
  readonly known: number
  readonly done: number
  readonly left: number
  readonly outcomes: Readonly<Record<string, number>>
  readonly perSecond: number
  readonly etaMs: number | null
}

/** Where deleted jobs go until somebody empties it. */
export const OWN_FOLDER = '.sluice-service'
const DELETED = 'deleted'

export class Jobs {
  readonly #init: JobsInit
  readonly #supervisor: Supervisor
  /** Of jobs that do not run: read once, until the job is another. */
  readonly #resting = new Map<string, { readonly stamp: string; readonly status: Status }>()

  constructor(init: JobsInit) {
    this.#init = init
    this.#supervisor = new Supervisor({
      dir: init.dir,
      clock: init.clock,
      most: init.most,
      taskOf: (name, order, once) => this.#taskOf(name, order, once),
    })
  }

  get running(): number {
    return this.#supervisor.running
  }

  /** Starts again what ran when the service ended, however it ended. */
  recover(): void {
    for (const name of this.names()) {
      const order = readOrder(this.#folder(name))
      if (order?.wanted === 'run') this.#supervisor.start(name)
    }
  }

  names(): string[] {
    return jobNames(this.#init.dir)
  }

  has(name: string): boolean {
    return isJobName(name) && holdsJob(this.#folder(name))
  }

  /** Absolute. @throws Refusal 404 */
  folderOf(name: string): string {
    if (this.has(name)) return this.#folder(name)
    throw new Refusal(404, 'JOB_UNKNOWN', `there is no job ${JSON.stringify(name.slice(0, 100))}`)
  }

  /** Whether the job was opened once: until then it has neither tables nor figures. */
  isOpened(name: string): boolean {
    return existsSync(join(this.#folder(name), 'job.db')) && readStored(this.#folder(name)) !== undefined
  }

  async row(name: string): Promise<JobRow> {
    const order = readOrder(this.#folder(name))
    const { phase, reason } = this.#supervisor.phaseOf(name)
    const status = this.isOpened(name) ? await this.#statusOf(name, phase) : undefined
    const last = order?.last ?? null
    const active = activeState(phase, status)
    return {
      name,
      kind: status?.kind ?? order?.kind ?? null,
      state: active ?? stateOf(status, last),
      reason: active !== undefined ? reason : status?.live === true ? '' : (last?.error?.message ?? ''),
      startedBy: order?.by ?? null,
      createdAt: order?.at ?? null,
      known: status?.known ?? 0,
      done: status?.doneTotal ?? 0,
      left: status?.left.total ?? 0,
      outcomes: status?.done ?? {},
      perSecond: status?.perSecond ?? 0,
      etaMs: status?.eta?.ms ?? null,
    }
  }

  /** Stores a new job and starts it. @throws SluiceError for bad options, Refusal 409 where the name is taken */
  create({ kind, urls, name: wanted, out, extract, options, isPaused = false }: NewJob, by: string): string {
    const given = requestOptions(options)
    webUrls(urls)
    const name = wanted ?? this.#freeName(nameFromInput(urls[0] as string))
    if (!isJobName(name))
      throw new SluiceError('OPTION_INVALID', `${JSON.stringify(name.slice(0, 100))} is no name of a job`, {
        hint: 'letters, digits, dots and dashes, at most 100',
      })
    const folder = this.#folder(name)
    if (existsSync(folder))
      throw new Refusal(409, 'JOB_EXISTS', `there is a job ${name}`, { hint: `start it, or give another name` })
    // A list in a file of its own: the settings of the job stay short.
    const isList = kind === 'fetch'
    const asked = {
      ...given,
      ...(isList ? { lists: [`${name}${SUFFIX}/urls.txt`] } : { seeds: [...urls] }),
      ...(out === undefined ? {} : { out: out.map((one) => outputPath(folder, one)) }),
      ...(extract === undefined ? {} : { extract: extractorPaths(this.#init.extractors, extract) }),
    }
    const order: JobOrder = {
      format: 1,
      kind,
      options: asked,
      by,
      at: new Date(this.#init.clock.wall()).toISOString(),
      wanted: 'run',
      isPaused,
      last: null,
    }
    mkdirSync(folder)
    try {
      for (const one of out ?? [])
        mkdirSync(join(outputPath(folder, one), one.endsWith('/') ? '.' : '..'), { recursive: true })
      // URLs may hold logins.
      if (isList) writeWhole(join(folder, 'urls.txt'), `${urls.join('\n')}\n`, 0o600)
      // What is wrong with the values is told now, not by a process later.
      const { layers } = this.#taskOf(name, order, {})
      jobOf(kind, resolveOptions(layers), this.#init.dir, { durable: true })
      writeOrder(folder, order)
    } catch (error) {
      rmSync(folder, { recursive: true, force: true })
      throw error
    }
    this.#supervisor.start(name)
    return name
  }

  /** Runs a job that does not run. @param once `ifChanged` or `ifDue`: what is known is asked again */
  async start(name: string, by: string, once: Readonly<Record<string, unknown>> = {}): Promise<void> {
    const folder = this.folderOf(name)
    if (await isLive(folder)) throw new Refusal(409, 'JOB_RUNNING', `the job ${name} runs`)
    const order = readOrder(folder) ?? (await this.#adopted(folder, by))
    writeOrder(folder, { ...order, wanted: 'run', isPaused: false })
    this.#supervisor.start(name, once)
  }

  /** Its state is saved. Also of a job that a command line runs. */
  async stop(name: string, by: string): Promise<void> {
    const folder = this.folderOf(name)
    const order = readOrder(folder)
    if (order !== undefined) writeOrder(folder, { ...order, wanted: 'stop', isPaused: false })
    if (this.#supervisor.phaseOf(name).phase !== 'idle') await this.#supervisor.stop(name)
    else if ((await requestControl(folder, 'stop', { by })) === undefined) throw notRunning(name)
  }

  async pause(name: string, by: string): Promise<void> {
    await this.#hold(name, 'pause', by)
  }

  async resume(name: string, by: string): Promise<void> {
    await this.#hold(name, 'resume', by)
  }

  /** Somebody steers the job through its own dashboard: what it is to do after a death of ours follows. */
  steered(name: string, method: ControlMethod): void {
    if (method !== 'pause' && method !== 'resume' && method !== 'stop') return
    const folder = this.#folder(name)
    const order = readOrder(folder)
    if (order === undefined || order.wanted !== 'run') return
    writeOrder(folder, { ...order, wanted: method === 'stop' ? 'stop' : 'run', isPaused: method === 'pause' })
  }

  /** Sets the folder of a job that does not run aside; with `erase` it is gone. */
  async remove(name: string, erase: boolean): Promise<void> {
    const folder = this.folderOf(name)
    if (this.#supervisor.phaseOf(name).phase !== 'idle' || (await isLive(folder)))
      throw new Refusal(409, 'JOB_RUNNING', `the job ${name} runs`, { hint: 'stop it first' })
    if (erase) rmSync(folder, { recursive: true, force: true })
    else renameSync(folder, this.#placeOfDeleted(name))
    this.#resting.delete(name)
  }

  close(): Promise<void> {
    return this.#supervisor.close()
  }

  async #hold(name: string, method: 'pause' | 'resume', by: string): Promise<void> {
    const folder = this.folderOf(name)
    if ((await requestControl(folder, method, { by })) === undefined) throw notRunning(name)
    const order = readOrder(folder)
    if (order !== undefined) writeOrder(folder, { ...order, isPaused: method === 'pause' })
  }

  async #statusOf(name: string, phase: RunPhase): Promise<Status> {
    const folder = this.#folder(name)
    const stamp = stampOf(folder)
    const known = phase === 'idle' ? this.#resting.get(name) : undefined
    if (known?.stamp === stamp) return known.status
    const status = await openStatus(folder)
    if (!status.live) this.#resting.set(name, { stamp, status })
    return status
  }

  /** A job of the command line that the service is asked to run. */
  async #adopted(folder: string, by: string): Promise<JobOrder> {
    const { kind, options } = await resumeOptions(folder)
    const at = new Date(this.#init.clock.wall()).toISOString()
    return { format: 1, kind, options, by, at, wanted: 'run', isPaused: false, last: null }
  }

  #taskOf(name: string, order: JobOrder, once: Readonly<Record<string, unknown>>): JobTask {
    const { dir, defaults, outputs } = this.#init
    const forced = this.#init.forced()
    const folder = this.#folder(name)
    const stored = readStored(folder)
    const own = { ...(stored?.options ?? order.options) }
    // What the operator decides is never remembered by a job.
    for (const option of Object.keys(forced)) delete own[option]
    const asked = order.options['out'] as readonly string[] | undefined
    delete own['out']
    const usual = own['extract'] === undefined && own['text'] !== true ? 'pages.ndjson' : 'items.ndjson'
    const out = outputs.length === 0 ? asked : [...(asked ?? [join(folder, usual)]), ...outputs]
    const layers: OptionLayer[] = [
      { origin: 'service', values: defaults },
      { origin: 'job', values: own },
      { origin: 'service', values: { ...forced, ...once, job: folder, ...(out === undefined ? {} : { out }) } },
    ]
    return { kind: stored?.kind ?? order.kind, layers, cwd: stored?.cwd ?? dir }
  }

  #folder(name: string): string {
    return folderNamed(this.#init.dir, name)
  }

  #freeName(base: string): string {
    for (let n = 1; ; n++) {
      const name = n === 1 ? base : `${base}-${n}`
      if (!existsSync(this.#folder(name))) return name
    }
  }

  #placeOfDeleted(name: string): string {
    const place = join(this.#init.dir, OWN_FOLDER, DELETED)
    mkdirSync(place, { recursive: true })
    for (let n = 1; ; n++) {
      const path = join(place, `${name}.${n}${SUFFIX}`)
      if (!existsSync(path)) return path
    }
  }
}

/** What the service does with it; undefined: the job itself has the word. */
function activeState(phase: RunPhase, status: Status | undefined): string | undefined {
  if (phase === 'idle') return undefined
  if (phase !== 'running') return phase
  if (status?.live === true) return undefined
  // Its process is there, but it does not listen: not yet, or not any more.
  return status === undefined || status.status === 'interrupted' ? 'starting' : 'stopping'
}

function stateOf(status: Status | undefined, last: LastRun | null): string {
  if (status?.live === true) return status.status
  if (last?.end === 'failed') return 'failed'
  return status?.status ?? 'new'
}

async function isLive(folder: string): Promise<boolean> {
  return (await requestControl(folder, 'snapshot', {})) !== undefined
}

function notRunning(name: string): Refusal {
  return new Refusal(409, 'JOB_NOT_RUNNING', `the job ${name} does not run`, { hint: 'start it' })
}
