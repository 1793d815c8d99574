/**
 * A job against another one of its folder, or one run against another: made in a process of its own and kept while nothing
 * has changed, so that its table can be searched and turned. It must not know how differences are found.
 */
import { existsSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { systemClock } from '../engine/clock.ts'
import { SluiceError } from '../model/errors.ts'
import { diffSides, lastRun } from './diff.ts'
import type { DiffSide, JobsDiff, UrlChange } from './diff.ts'
import type { ItemChange } from './diff-items.ts'
import { nameOf, readStored, SUFFIX } from './folder.ts'
import { askShortly } from './short-process.ts'

/** Differences that are told one by one; the figures count all of them. */
const MOST = 20_000
const LIMIT_MS = 120_000
/** Jobs of a folder that are offered. */
const MOST_JOBS = 200
/** A comparison is made again after so many times the time it took, while the job goes on. */
const PATIENCE = 10

export interface ComparisonInit {
  readonly before: DiffSide
  readonly now: DiffSide
  readonly most: number
}

export interface Comparison extends JobsDiff {
  /** The first differences. */
  readonly rows: readonly (UrlChange | ItemChange)[]
}

/** A job that can be compared, with its runs 1 to `runs`. */
export interface ComparedJob {
  readonly job: string
  readonly runs: number
}

interface Kept {
  readonly sides: string
  readonly seq: number
  readonly madeAt: number
  readonly tookMs: number
  readonly comparison: Comparison
}

export class CompareView {
  readonly #folder: string
  readonly #clock = systemClock()
  #kept: Kept | undefined
  #making: { readonly sides: string; readonly comparison: Promise<Comparison> } | undefined

  constructor(folder: string) {
    this.#folder = folder
  }

  /** This job first, then the others of its folder by name. */
  jobs(): ComparedJob[] {
    const place = dirname(this.#folder)
    const names = readdirSync(place)
      .filter((name) => name.endsWith(SUFFIX) && existsSync(join(place, name, 'job.db')))
      .map((name) => name.slice(0, -SUFFIX.length))
      .filter((name) => name !== nameOf(this.#folder))
      .sort()
    return [nameOf(this.#folder), ...names.slice(0, MOST_JOBS)].flatMap((job) => {
      const folder = join(place, job + SUFFIX)
      return isComparable(folder) ? [{ job, runs: lastRun(folder) }] : []
    })
  }

  /**
   * @param before `JOB` or `JOB@RUN`, of `jobs`. @param seq what the tables hold: with another one it is made again in time.
   * @throws SluiceError OPTION_INVALID for a job that is not offered, a run it has not, or where it takes too long
   */
  async of(before: string, now: string, seq: number): Promise<Comparison> {
    const sides = `${before} ${now}`
    const kept = this.#kept
    if (kept?.sides === sides) {
      const isPatient = this.#clock.now() - kept.madeAt < PATIENCE * kept.tookMs
      if (kept.seq === seq || isPatient) return kept.comparison
    }
    if (this.#making?.sides !== sides) {
      const comparison = this.#make(sides, before, now, seq).finally(() => (this.#making = undefined))
      this.#making = { sides, comparison }
    }
    return this.#making.comparison
  }

  async #make(sides: string, before: string, now: string, seq: number): Promise<Comparison> {
    const offered = new Set(this.jobs().map(({ job }) => job))
    for (const word of [before, now]) {
      if (offered.has(word) || offered.has(word.replace(/@\d{1,9}$/, ''))) continue
      throw new SluiceError('OPTION_INVALID', `there is no job ${JSON.stringify(word)} to compare with`, {
        hint: `one of ${[...offered].slice(0, 10).join(', ')}`,
      })
    }
    const [one, other] = diffSides([before, now], dirname(this.#folder))
    const began = this.#clock.now()
    const comparison = await askShortly<ComparisonInit, Comparison>(
      { file: 'compare-child', limitMs: LIMIT_MS, hint: `sluice diff ${before} ${now}, which has no limit` },
      { before: one, now: other, most: MOST },
    )
    const madeAt = this.#clock.now()
    this.#kept = { sides, seq, madeAt, tookMs: madeAt - began, comparison }
    return comparison
  }
}

function isComparable(folder: string): boolean {
  try {
    const kind = readStored(folder)?.kind
    return kind === 'fetch' || kind === 'crawl'
  } catch {
    // Of another version.
    return false
  }
}
